"""The stack under ``slipway:source`` is asked before a release is written down."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from delivery.errors import Refused
from delivery.release import engine, source
from delivery.release.service import Service
from delivery.release.stack import Stack
from models.release import SlotRelease
from tests.delivery import vouching as given
from tests.delivery.vouching import HOUR, NOON
from tests.samples import OTHER_IMAGE, Config


def stack(folder: Path, **config: Any) -> Stack:
    values = {"system": {"entry": "shop", "environment": "prod"}, "cluster": {"context": "prod"}, **config}
    text = yaml.safe_dump({"config": {f"slipway:{key}": value for key, value in values.items()}})
    (folder / "Pulumi.prod.yaml").write_text(text)
    (folder / "catalog").mkdir()
    (folder / "catalog" / "shop.yaml").write_text(yaml.safe_dump(given.CATALOGUE))
    return Stack(folder, "prod")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The stacks whose outputs were read; each says that the service passed, under the name ``good`` alone."""
    names: list[str] = []

    class Engine:
        def __init__(self, _project: Path, stack: str) -> None:
            names.append(stack)

        def outputs(self) -> Config:
            found = given.evidence(given.verdict()) if names[-1].endswith("good") else given.evidence()
            return given.exported(found)

    monkeypatch.setattr(engine, "Engine", Engine)
    return names


def admit(opened: Stack, image: str | None = OTHER_IMAGE) -> None:
    source.refuse_unvouched(Service(opened, "classifier"), SlotRelease(image=image), NOON + HOUR)


def test_without_a_source_nobody_is_asked(tmp_path: Path, asked: list[str]) -> None:
    admit(stack(tmp_path))
    assert asked == []


@pytest.mark.parametrize("source", ["good", "acme/ml/good"])
def test_what_the_source_vouches_for_may_be_released(tmp_path: Path, asked: list[str], source: str) -> None:
    admit(stack(tmp_path, source=source))
    assert asked == [source]


def test_what_it_does_not_vouch_for_may_not(tmp_path: Path, asked: list[str]) -> None:
    with pytest.raises(Refused, match="was never judged: "):
        admit(stack(tmp_path, source="silent"))
    assert asked == ["silent"]


def test_what_is_yet_to_be_built_may_not(tmp_path: Path, asked: list[str]) -> None:
    with pytest.raises(Refused, match=r"^prod: builds classifier itself, so slipway:source good has no evidence"):
        admit(stack(tmp_path, source="good"), None)
    assert asked == []


@pytest.mark.parametrize(("outcome", "asks"), [("promoted", 0), ("rolled back", 1)])
def test_only_what_was_promoted_here_comes_back_unasked(
    tmp_path: Path, asked: list[str], outcome: str, asks: int
) -> None:
    past = given.past(OTHER_IMAGE, outcome).model_dump(mode="json", by_alias=True, exclude_none=True)
    admit(stack(tmp_path, source="good", delivery={"classifier": {"history": [past]}}))
    assert len(asked) == asks
