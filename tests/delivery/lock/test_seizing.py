"""A driver that has to stop at once: it and its update are told, and nothing else of its."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from delivery.commands import drive

DRIVER = """
import signal, subprocess, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
children = [subprocess.Popen([program, "60"]) for program in sys.argv[1:]]
try:
    print("ready", flush=True)  # in here: whoever reads it may interrupt at once
    time.sleep(60)  # not children[0].wait(): interrupted as it returns, it forgets how the child ended
except KeyboardInterrupt:
    print(children[0].wait(5), [child.poll() for child in children[1:]], flush=True)
finally:
    for child in children:
        child.kill()
"""
INTERRUPTED = -2

pytestmark = pytest.mark.slow


@pytest.fixture
def running(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """A driver with an update, and with something else that it started."""
    pulumi, sleep = tmp_path / "pulumi", str(shutil.which("sleep"))
    pulumi.symlink_to(sleep)
    command = [sys.executable, "-c", DRIVER, str(pulumi), sleep]
    with ExitStack() as stack:
        driver = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        stack.callback(driver.kill)
        assert driver.stdout is not None
        assert driver.stdout.readline() == "ready\n"
        yield driver


def test_a_driver_and_its_update_are_interrupted_and_nothing_else(running: "subprocess.Popen[str]") -> None:
    drive.interrupt(running.pid)
    said, _ = running.communicate(timeout=10)
    assert said == f"{INTERRUPTED} [None]\n"


def test_a_driver_that_has_just_ended_is_none(running: "subprocess.Popen[str]") -> None:
    drive.interrupt(running.pid)
    running.wait(10)
    drive.interrupt(running.pid)
