"""The attack bench: what is a fault, which attacks each form runs, and a memory limit that kills."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from bench.attack.__main__ import QUICK, ROLES, SHORT, chosen, limit_words
from bench.attack.connections import smuggling
from bench.attack.memory import limited
from bench.attack.outcome import BOUND_MEBIBYTES, Outcome
from bench.attack.target import Normal

QUIET = Normal(0, "digits", [0.002] * 100)


def outcome(answers: dict[str, int], *, peak: int = 100, during: Normal = QUIET) -> Outcome:
    return Outcome(smuggling, {"400"}, Counter(answers), peak, QUIET, during)


def test_expected_answers_within_the_bound_are_no_fault_however_slow() -> None:
    slow = outcome({"400": 6}, peak=BOUND_MEBIBYTES, during=Normal(0, "digits", [0.5] * 100))
    assert slow.faults == []
    assert slow.line == ["smuggling", "6 x 400", "512", "2.0", "500.0", "250.0", "slower"]


def test_memory_other_answers_and_failed_requests_of_others_are_faults() -> None:
    assert outcome({"400": 6}, peak=BOUND_MEBIBYTES + 1).faults == ["513 MiB"]
    assert outcome({"400": 5, "500": 1}).faults == ["answered 500 instead of 400"]
    failing = Normal(0, "digits", [0.002] * 100, ["503", "another answer"])
    [fault] = outcome({"400": 6}, during=failing).faults
    assert fault == "2 of 100 normal requests failed: 503, another answer"


def test_the_forms_run_known_attacks_and_the_quick_one_needs_one_model() -> None:
    every = {attack for attacks in ROLES.values() for attack in attacks}
    assert every >= SHORT
    assert every >= QUICK
    assert not chosen("", short=False, quick=True)["nlu"]
    assert len(chosen("", short=False, quick=True)["digits"]) == len(QUICK)
    assert list(chosen("smugg", short=True, quick=False)["digits"]) == [smuggling]


def test_where_no_group_can_be_made_the_table_says_so(tmp_path: Path) -> None:
    with limited(64, tmp_path) as group:
        assert group is None
        assert "measured, not limited" in limit_words(group)
    assert not list(tmp_path.iterdir())


def test_a_process_in_the_group_is_killed_over_the_limit_and_not_below() -> None:
    with limited(64) as group:
        if group is None:
            pytest.skip("this user may make no control group")
        for mebibytes, expected in ((16, 0), (128, -9)):
            command = [sys.executable, "-c", f"bytearray({mebibytes} << 20)"]
            assert subprocess.run(group.entered(command), check=False).returncode == expected
        assert group.killed == 1
        assert 16 < group.peak <= 64
    assert not group.folder.exists()
