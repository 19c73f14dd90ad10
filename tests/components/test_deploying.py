"""Tests share runs of one configuration only where neither of them can notice."""

from typing import Any

import pytest

from tests.components import deploying
from tests.components.deploying import TEST, deployed
from tests.recording import Recorded, record
from tests.samples import entry, service


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[Recorded]:
    """Every run of the engine in this test; what other tests deployed is forgotten."""
    made: list[Recorded] = []

    def recording(*arguments: Any, **options: Any) -> Recorded:
        made.append(record(*arguments, **options))
        return made[-1]

    monkeypatch.setattr(deploying, "record", recording)
    monkeypatch.setattr(deploying, "_remembered", {})
    return made


def test_two_tests_share_a_run_and_cannot_change_each_others(
    runs: list[Recorded], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = deployed()
    whole = len(one.resources)
    one.resources.clear()
    monkeypatch.setenv(TEST, "another (call)")
    other = deployed()
    assert len(runs) == 1
    assert len(other.resources) == whole
    other.resources[-1].inputs["metadata"]["name"] = "changed"
    monkeypatch.setenv(TEST, "a third (call)")
    assert "changed" not in str(deployed().resources)
    assert len(runs) == 1


def test_one_test_that_deploys_a_configuration_twice_compares_two_runs(runs: list[Recorded]) -> None:
    assert [r.inputs for r in deployed().resources] == [r.inputs for r in deployed().resources]
    assert len(runs) == 2


@pytest.mark.parametrize("name", ["environment", "entry", "into", "live"])
def test_whatever_may_change_a_run_is_a_run_of_its_own(
    runs: list[Recorded], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    deployed()
    monkeypatch.setenv(TEST, "another (call)")
    match name:
        case "environment":
            monkeypatch.setenv("CI_API_KEY", "value")
            deployed()
        case "entry":
            deployed(entry(services={"web": service(port=5001)}))
        case "into":
            deployed(into=Recorded())
        case _:
            deployed(live={})
    assert len(runs) == 2
