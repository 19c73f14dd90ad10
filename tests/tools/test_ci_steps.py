"""What `.ci/run` does with its steps: a green run, a red step, a hang, a machine that is clean at the end."""

import importlib.util
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.cluster.flaky import LIST
from tests.cluster.second_try import ROWS
from tests.first_failure import TITLE
from tests.recording import PROJECT

pytestmark = pytest.mark.slow

FILE = PROJECT / ".ci" / "steps.py"


def loaded() -> ModuleType:
    spec = importlib.util.spec_from_file_location("ci_steps", FILE)
    assert spec
    assert spec.loader
    made = importlib.util.module_from_spec(spec)
    sys.modules["ci_steps"] = made  # dataclasses look their module up
    spec.loader.exec_module(made)
    return made


ci: Any = loaded()
DOWN = ci.Step("clean-up", "echo cleaned", 1)


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    """A shell that starts the tests in the background has them ignore SIGINT, and so would every step."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def ran(folder: Path, *steps: Any, clean_up: Any = DOWN, heartbeat: float = 60) -> tuple[int, list[str]]:
    out = io.StringIO()
    code = ci.Run(folder / "logs", out, heartbeat).all(steps, clean_up)
    return code, out.getvalue().splitlines()


def table_of(lines: list[str]) -> dict[str, str]:
    """Name and result of each row."""
    (total,) = [number for number, line in enumerate(lines) if line.startswith("total ")]
    rows = lines[len(lines) - 1 - lines[::-1].index("", len(lines) - total) : total]
    return {row[:12].strip(): row[13:21].strip() for row in rows if row}


def test_green_steps_run_in_order_and_the_table_is_last(tmp_path: Path) -> None:
    code, lines = ran(tmp_path, ci.Step("one", "echo first", 1), ci.Step("two", "echo second", 1))
    assert code == 0
    assert lines.index("first") < lines.index("second")
    assert table_of(lines) == {"one": "green", "two": "green"}
    assert lines[-1].startswith("total ")


def test_a_red_step_stops_the_rest_and_its_last_40_lines_are_last(tmp_path: Path) -> None:
    red = ci.Step("two", "seq 1 100; exit 7", 1)
    code, lines = ran(tmp_path, ci.Step("one", "true", 1), red, ci.Step("three", "echo never", 1))
    assert code == 7
    assert "never" not in lines
    assert table_of(lines) == {"one": "green", "two": "RED", "three": "not run"}
    assert lines[-41:] == ["RED: two", *map(str, range(61, 101))]


def test_a_failed_test_is_named_and_shown_last(tmp_path: Path) -> None:
    title = f"==== {TITLE}: tests/test_x.py::test_y[a b] ===="
    said = f"noise\n{title}\nassert 1 == 2\n1 failed, 3 passed in 2.00s\nmake: *** Error 1"
    (tmp_path / "said").write_text(said)
    code, lines = ran(tmp_path, ci.Step("tests", f"cat {tmp_path}/said; exit 2", 1))
    assert code == 2
    assert lines[-5:] == ["RED: tests: tests/test_x.py::test_y[a b]", *said.splitlines()[1:]]


def test_rows_for_the_list_of_flaky_tests_are_repeated_at_the_end(tmp_path: Path) -> None:
    row = "| 2026-11-29 | abc1234 | tests/cluster/test_x.py::test_y[a b] |  |"
    (tmp_path / "said").write_text(f"____ {ROWS.format(LIST.name)} ____\n{row}\n1 passed\n")
    code, lines = ran(tmp_path, ci.Step("core", f"cat {tmp_path}/said", 1), ci.Step("two", "echo second", 1))
    assert code == 0
    assert lines[-2:] == [ROWS.format(LIST.name), row]


def test_the_cluster_is_removed_after_a_red_step_and_after_a_green_run(tmp_path: Path) -> None:
    for command, expected in (("true", 0), ("exit 3", 3)):
        code, lines = ran(tmp_path, ci.Step("up", command, 1, cluster=True))
        assert code == expected
        assert "cleaned" in lines


def test_no_cluster_is_removed_where_none_was_touched(tmp_path: Path) -> None:
    _, lines = ran(tmp_path, ci.Step("tests", "exit 1", 1), ci.Step("up", "true", 1, cluster=True))
    assert "cleaned" not in lines


def test_a_clean_up_that_fails_is_red(tmp_path: Path) -> None:
    left = ci.Step("clean-up", "echo something is left; exit 1", 1)
    code, lines = ran(tmp_path, ci.Step("up", "true", 1, cluster=True), clean_up=left)
    assert code == 1
    assert lines[-2:] == ["RED: clean-up", "something is left"]


def test_a_hang_is_ended_at_its_limit_with_its_children(tmp_path: Path) -> None:
    began = time.monotonic()
    code, lines = ran(tmp_path, ci.Step("hangs", "python3 -c 'import time; time.sleep(60)'", 0.01))
    assert code == ci.NO_END
    assert time.monotonic() - began < ci.GRACE_SECONDS
    assert "no end within 0.01 min" in lines


def test_what_a_step_leaves_running_does_not_keep_it_from_ending(tmp_path: Path) -> None:
    """As the cluster's processes do, which have the step's output too."""
    pid = tmp_path / "pid"
    try:
        code, _ = ran(tmp_path, ci.Step("up", f"setsid sleep 60 & echo $! > {pid}", 0.5))
        assert code == 0
    finally:
        subprocess.run(["kill", pid.read_text().strip()], check=True)


def test_a_silent_step_says_that_it_runs(tmp_path: Path) -> None:
    _, lines = ran(tmp_path, ci.Step("quiet", "sleep 1", 1), heartbeat=0.1)
    assert any(line.startswith("... quiet runs for ") for line in lines)


def test_no_step_waits_for_input(tmp_path: Path) -> None:
    (read, write), own = os.pipe(), os.dup(0)
    os.dup2(read, 0)
    try:
        assert ran(tmp_path, ci.Step("asks", "cat", 0.05))[0] == 0
    finally:
        os.dup2(own, 0)
        for descriptor in (read, write, own):
            os.close(descriptor)


def test_a_run_that_is_terminated_removes_the_cluster_and_says_how_far_it_came(tmp_path: Path) -> None:
    program = (
        "import importlib.util, sys\n"
        f"spec = importlib.util.spec_from_file_location('ci_steps', {str(FILE)!r})\n"
        "ci = importlib.util.module_from_spec(spec); sys.modules['ci_steps'] = ci; spec.loader.exec_module(ci)\n"
        "ci.STEPS = (ci.Step('up', 'echo begun; sleep 60', 1, cluster=True), ci.Step('core', 'true', 1))\n"
        "ci.CLEAN_UP = ci.Step('clean-up', 'echo cleaned', 1)\n"
        "sys.exit(ci.main())\n"
    )
    command = [sys.executable, "-c", program]
    said: list[str] = []
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        for line in process.stdout:
            said.append(line.rstrip())
            if said[-1] == "begun":
                process.send_signal(signal.SIGTERM)
    assert process.returncode == ci.STOPPED
    assert "cleaned" in said
    assert any(line.startswith("core ") and "not run" in line for line in said)


def test_the_steps_are_commands_that_the_makefile_knows_and_the_cluster_comes_after_the_unit_tests() -> None:
    targets = set((PROJECT / "Makefile").read_text().split())
    for step in (*ci.STEPS, ci.CLEAN_UP):
        if step.command.startswith("make "):
            assert f"{step.command.split()[1]}:" in targets or step.command.split()[1] in ("up", "down"), step
    names = [step.name for step in ci.STEPS]
    assert names.index("set-up") == 0
    assert names.index("tests") < names.index("cluster up") < names.index("core tests")
    assert "attack" in names
    assert {"format", "lint", "types", "lock", "mutants"} <= set(names)
