"""What the plan says about each stage's gate: what judges it, and that nothing does."""

from pathlib import Path

import pytest
from rich.console import Console

from delivery.release.new_run import new_run
from delivery.report import tables
from delivery.report.forecast import Plan, foresee
from delivery.run import driver
from tests.delivery.world import TARGET, world
from tests.samples import Config

CANARY: Config = {"strategy": "canary", "steps": [20, 100], "warm": "0s"}
OWN: Config = {"own": {"query": "up", "min": 1}}


def planned(folder: Path, strategy: Config) -> Plan:
    given = world(folder, strategy)
    return foresee(given.service.spec, new_run(given.service, TARGET, driver.now()))


def shown(plan: Plan) -> str:
    console = Console(width=200)
    with console.capture() as captured:
        console.print(tables.plan(plan))
    return captured.get()


@pytest.mark.parametrize(
    ("gate", "criteria", "said"),
    [
        ({}, ["errors"], "requests of each slot"),
        ({"latency": {"within": "300ms"}, "checks": OWN}, ["errors", "latency", "own"], "requests of each slot"),
        ({"errors": None, "checks": OWN}, ["own"], "checks"),
        ({"errors": None, "webhook": {"url": "http://checks.example.com"}}, ["webhook"], "checks"),
        ({"errors": None}, [], "nothing is judged here"),
    ],
)
def test_a_steps_criteria_are_listed_and_none_is_called_so(
    tmp_path: Path, gate: Config, criteria: list[str], said: str
) -> None:
    plan = planned(tmp_path, {**CANARY, "gate": gate})
    steps = [one for one in plan.document()["stages"] if one["stage"].startswith("step")]
    assert [one["criteria"] for one in steps] == [criteria, criteria]
    assert [one["judged"] for one in steps] == [bool(criteria)] * 2
    assert said in shown(plan)
    assert ("nothing is judged here" in shown(plan)) == (not criteria)


def test_before_any_request_only_checks_judge(tmp_path: Path) -> None:
    plan = planned(tmp_path, {"strategy": "blueGreen", "warm": "0s", "gate": {"checks": OWN}})
    (verify,) = [one for one in plan.document()["stages"] if one["stage"] == "verify"]
    assert (verify["criteria"], verify["judged"]) == (["own"], True)
    nothing = planned(tmp_path / "other", {"strategy": "blueGreen", "warm": "0s", "gate": {}})
    (verify,) = [one for one in nothing.document()["stages"] if one["stage"] == "verify"]
    assert (verify["criteria"], verify["judged"]) == ([], False)
