"""The plan is followed in order, and a failure keeps nothing from being cleaned up and compared."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from local.errors import LocalError
from local.progress import Progress
from tests.machines import plan
from tests.machines.machine import Machine
from tests.machines.report import Report, Step, table
from tests.machines.roots import Root
from tests.machines.trial import Broken, Trial, follow


@pytest.fixture
def trial(tmp_path: Path) -> Trial:
    machine = Machine(root=Root(folder=tmp_path), folder=tmp_path, log=tmp_path / "commands.log")
    report = Report(guest="debian-12", commit="abc")
    progress = Progress(Console(file=io.StringIO()))
    return Trial(machine=machine, report=report, folder=tmp_path, progress=progress, firewall="nftables")


def passes(_trial: Trial, step: Step) -> None:
    step.check("works", passed=True)


def breaks(_trial: Trial, _step: Step) -> None:
    raise Broken("no pod runs")


def fails(_trial: Trial, step: Step) -> None:
    step.check("works", passed=False, detail="too late\nby 3 s")


def verdicts(trial: Trial) -> dict[str, bool]:
    return {step.name: step.passed for step in trial.report.steps}


def test_steps_are_done_in_order(trial: Trial) -> None:
    follow(trial, {"boot": passes, "up": passes, "off": passes})
    assert list(verdicts(trial)) == ["boot", "up", "off"]
    assert trial.report.passed


def test_a_failed_check_lets_the_trial_go_on(trial: Trial) -> None:
    follow(trial, {"up": fails, "again": passes})
    assert verdicts(trial) == {"up": False, "again": True}


def test_what_needs_a_broken_step_is_not_tried_and_the_way_down_is(trial: Trial) -> None:
    follow(trial, {"up": breaks, "again": passes, "down": passes, "off": passes})
    assert verdicts(trial) == {"up": False, "again": False, "down": True, "off": True}
    assert trial.report.steps[1].checks[0].detail == "up failed"


def test_a_guest_that_dies_breaks_the_step(trial: Trial) -> None:
    def dies(_trial: Trial, _step: Step) -> None:
        raise LocalError("guest: no answer")

    follow(trial, {"up": dies})
    assert "guest: no answer" in trial.report.steps[0].checks[0].detail


def test_it_stops_after_the_step_that_was_asked_for(trial: Trial) -> None:
    follow(trial, {"boot": passes, "up": passes, "off": passes}, last="up")
    assert list(verdicts(trial)) == ["boot", "up"]


def test_the_summary_is_there_after_each_step(trial: Trial) -> None:
    follow(trial, {"boot": passes, "up": fails}, last="up")
    written = json.loads((trial.folder / "summary.json").read_text())
    assert written["passed"] is False
    assert [step["name"] for step in written["steps"]] == ["boot", "up"]


@pytest.mark.parametrize(("factor", "seconds", "expected"), [(14.0, 20, 280), (1.0, 20, 60), (1.0, 240, 240)])
def test_deadlines_grow_with_the_factor_and_are_never_tiny(
    trial: Trial, factor: float, seconds: float, expected: float
) -> None:
    trial.factor = factor
    assert trial.limit(seconds) == expected


def test_the_table_shows_details_of_what_failed(trial: Trial) -> None:
    follow(trial, {"boot": passes, "up": fails})
    shown = table([trial.report])
    assert "ok   works" in shown
    assert "FAIL works: too late\n         by 3 s" in shown
    assert shown.endswith("FAILED")


def test_the_plan_ends_with_the_way_down() -> None:
    assert list(plan.PLAN)[-2:] == ["down", "off"]
