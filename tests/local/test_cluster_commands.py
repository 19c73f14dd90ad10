"""Commands here are `sh`, which every machine has and which ends at once."""

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from local.commands import CHILDREN, Children, run
from local.errors import LocalError


def test_output_is_returned_and_input_is_given() -> None:
    assert run(["sh", "-c", "cat; echo noise >&2"], stdin="rules\n") == "rules\n"


def test_a_failure_is_one_line_with_the_last_thing_said() -> None:
    with pytest.raises(LocalError) as failed:
        run(["sh", "-c", "echo first >&2; echo No such device >&2; exit 3"])
    assert str(failed.value).endswith("failed with exit code 3: No such device")
    assert str(failed.value).startswith("`sh -c ")


def test_a_silent_failure_says_so() -> None:
    with pytest.raises(LocalError, match="exit code 1: no output"):
        run(["sh", "-c", "exit 1"])


def test_a_log_gets_everything_and_is_named(tmp_path: Path) -> None:
    log = tmp_path / "pip.log"
    with pytest.raises(LocalError, match=f"exit code 2: bad wheel; full log: {log}"):
        run(["sh", "-c", "echo downloading; echo bad wheel >&2; exit 2"], log=log)
    assert log.read_text() == "downloading\nbad wheel\n"


def test_a_missing_program_is_named() -> None:
    with pytest.raises(LocalError, match="no-such-program-here: program not found"):
        run(["no-such-program-here"])


def test_the_environment_is_exactly_the_given_one() -> None:
    assert run(["/usr/bin/env"], environment={"A": "1"}) == "A=1\n"


def test_a_command_that_does_not_end_is_killed() -> None:
    with pytest.raises(LocalError, match=r"did not end within 0 s"):
        run([sys.executable, "-c", "import threading; threading.Event().wait()"], timeout_seconds=0.2)


def test_a_command_that_starts_while_the_others_are_stopped_is_stopped_too() -> None:
    children = Children()
    stopping = threading.Thread(target=children.stop)

    def launch() -> subprocess.Popen[str]:
        stopping.start()
        stopping.join(0.1)
        return subprocess.Popen(["sleep", "60"], text=True, start_new_session=True)

    child = children.start(launch)
    try:
        assert child.wait(5) == -signal.SIGTERM
    finally:
        child.kill()
        stopping.join()


def test_stop_ends_a_command_of_another_thread(tmp_path: Path) -> None:
    failures: list[str] = []
    ready = tmp_path / "ready"

    def work() -> None:
        try:
            run(["sh", "-c", f"mkfifo {ready}; echo > {ready}; while :; do read -r _ < {ready}; done"])
        except LocalError as failure:
            failures.append(str(failure))

    thread = threading.Thread(target=work)
    thread.start()
    while not ready.exists():
        thread.join(0.01)
    with ready.open() as pipe:  # opens when the command writes to it: it runs
        pipe.read()
    CHILDREN.stop()
    thread.join(10)
    assert "exit code -15" in failures[0]
