"""A service of an open stack says what its verdicts speak of."""

from datetime import timedelta
from pathlib import Path

import pytest

from models.delivery import CheckResult, Override, Version, fingerprint
from models.release import SlotRelease
from models.revision import Revision
from tests.delivery.desk import Desk
from tests.delivery.vouching import NOON, TUNED
from tests.samples import IMAGE


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, monkeypatch)


def test_a_verdict_names_the_bytes_that_ran_and_what_goes_on_to_the_next_environment(desk: Desk) -> None:
    service = desk.service()
    revision = service.stack.revisions.add(Revision.of(service.spec, TUNED))
    content = SlotRelease(revision=revision, min_replicas=3, max_replicas=9)
    went_past = Override(reason="the site is down", by="ann", at=NOON)
    checks = {"errors": CheckResult(result="pass", said="ok")}
    began = NOON - timedelta(hours=1)
    found = service.verdict(content, IMAGE, result="pass", checks=checks, began=began, ended=NOON, override=went_past)
    assert found.version == service.version(content, IMAGE) == Version(IMAGE, fingerprint(TUNED), revision)
    assert found.content == SlotRelease(image=IMAGE, revision=revision)
    assert (found.stack, found.environment) == ("prod", "prod")
    assert (found.began, found.ended, found.override, found.checks) == (began, NOON, went_past, checks)
