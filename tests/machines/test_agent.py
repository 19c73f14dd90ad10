"""The guest's agent runs commands and says what became of them."""

from pathlib import Path
from typing import Any

import pytest

from tests.machines import agent

pytestmark = pytest.mark.slow


def run(command: str, folder: Path, limit: float = 20) -> tuple[int, str]:
    answers: list[dict[str, Any]] = []
    agent.run({"id": 7, "command": command, "limit": limit}, answers.append, str(folder))
    assert {answer["id"] for answer in answers} == {7}
    *printed, end = answers
    return end["exit"], "".join(answer["out"] for answer in printed)


def test_it_returns_output_and_exit_code(tmp_path: Path) -> None:
    assert run("pwd; echo and errors >&2; exit 3", tmp_path) == (3, f"{tmp_path}\nand errors\n")


def test_it_runs_several_lines_in_a_clean_environment(tmp_path: Path) -> None:
    assert run('cd /\necho "$HOME $PWD ${VIRTUAL_ENV:-none}"', tmp_path) == (0, "/root / none\n")


def test_a_command_that_takes_too_long_is_killed_with_its_children(tmp_path: Path) -> None:
    code, printed = run("echo begun; sleep 60", tmp_path, limit=0.5)
    assert (code, printed) == (agent.TIMED_OUT, "begun\n")


def test_it_does_not_wait_for_daemons_that_hold_its_output_open(tmp_path: Path) -> None:
    code, printed = run("setsid sleep 3 & echo started", tmp_path)
    assert (code, printed) == (0, "started\n")


def test_long_output_arrives_whole(tmp_path: Path) -> None:
    code, printed = run("seq 100000", tmp_path)
    assert (code, len(printed.splitlines())) == (0, 100000)
