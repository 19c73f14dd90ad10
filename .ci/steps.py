"""Run CI's steps in order, stop at the first failure, and print how long each step took.

Each step writes to a file, and this script prints the file as it grows. A pipe would not work: the daemons that `make
up` starts keep running and would hold it open forever. The script uses only the standard library, because the first
step creates the environment.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

HEARTBEAT_SECONDS = 60.0
"""Silence after which a line reports that the step still runs. Some runners end a job that prints nothing."""
POLL_SECONDS = 0.2
LINES = 40
"""Lines of a failed step's output to repeat at the end of the run; twice as many if pytest named a failed test."""
FIRST_FAILURE = re.compile(r"^=+ first failure: (?P<test>.+?) =*$", re.MULTILINE)
"""The heading that tests/first_failure.py prints."""
FLAKY = re.compile(r"^_+ (?P<heading>rows for flaky\.md: .+?) _*\n(?P<rows>(?:\|.*\n)+)", re.MULTILINE)
"""The rows that tests/cluster/second_try.py prints for tests that passed on their second try."""
NO_END = 124
"""Exit code of a step that exceeded its limit, as for timeout(1)."""
STOPPED = 128 + signal.SIGTERM
GRACE_SECONDS = 30.0
"""Time for an interrupted step to end its own children. pytest uses it to tear down its fixtures."""


@dataclass(frozen=True)
class Step:
    """One command."""

    name: str
    command: str
    minutes: float
    """Limit after which the step is ended and fails: several times its duration on two busy cores with cold caches."""
    cluster: bool = False
    """Whether a cluster may run from this step on, which the end of the run must then remove."""


STEPS = (
    Step("set-up", "make setup", 10),
    Step("format", ".venv/bin/ruff format --check .", 2),
    Step("lint", ".venv/bin/ruff check .", 2),
    Step("types", ".venv/bin/pyright", 8),
    Step("lock", "make check-lock", 5),
    Step("tests", "make check-tests", 15),
    # An interrupted run may have left a cluster behind. The tests need one created from this tree.
    Step("clean start", "make down", 5),
    # Before the mutants, so that faults in the cluster show minutes earlier.
    Step("cluster up", "make up", 50, cluster=True),
    Step("core tests", "make e2e-core", 30, cluster=True),
    Step("attack", "make attack QUICK=1", 5),
    Step("mutants", "make mutants-sample", 20),
)
CLEAN_UP = Step("clean-up", "make down", 5)
"""Runs at the end if a cluster step began, even after a failure: the next run on this machine starts clean."""


@dataclass
class Ended:
    """A step that ran."""

    step: Step
    code: int
    seconds: float


class Run:
    """One run of the steps."""

    def __init__(self, logs: Path, out: TextIO, heartbeat: float = HEARTBEAT_SECONDS) -> None:
        """Write each step's output to a folder and to a stream."""
        self._logs, self._out, self._heartbeat = logs, out, heartbeat

    def all(self, steps: Sequence[Step], clean_up: Step) -> int:
        """Run the steps, clean up, print the table and the reason for a failure, and return the exit code."""
        self._logs.mkdir(parents=True, exist_ok=True)
        ended: list[Ended] = []
        begun: list[Step] = []
        code = 0
        try:
            for step in steps:
                begun.append(step)
                ended.append(self.one(step))
                if code := ended[-1].code:
                    break
        except (SystemExit, KeyboardInterrupt):  # the runner's own limit, or a person
            code = STOPPED
            self._say(f"stopped in the middle of {begun[-1].name}")
        if any(step.cluster for step in begun):
            ended.append(self.one(clean_up))
            code = code or ended[-1].code
        self._say(table(steps, ended))
        for one in ended:
            self._say(flaky(self._log(one.step).read_text("utf-8", "replace")))
        for red in [one for one in ended if one.code][:1]:
            self._say(reason(red, self._log(red.step).read_text("utf-8", "replace")))
        return code

    def one(self, step: Step) -> Ended:
        """Run a step to its end or to its limit."""
        self._say(f"\n=== {step.name}: {step.command}")
        began = time.monotonic()
        log = self._log(step)
        with log.open("wb") as written, log.open("rb") as read:
            process = subprocess.Popen(
                ["bash", "-c", step.command],
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
                start_new_session=True,  # so that the limit also ends the step's children
            )
            try:
                code = self._followed(step, process, read.read, began)
            finally:
                if process.poll() is None:
                    _end(process)
        seconds = time.monotonic() - began
        self._say(f"=== {step.name}: {'green' if code == 0 else f'RED, exit code {code}'} after {seconds:.0f} s")
        return Ended(step, code, seconds)

    def _followed(self, step: Step, process: "subprocess.Popen[bytes]", read: Callable[[], bytes], began: float) -> int:
        """Show what a step writes until it ends; return its exit code."""
        spoke = time.monotonic()
        while True:
            code = process.poll()  # poll before the read, so that the last output is shown
            now = time.monotonic()
            if text := read():
                self._out.write(text.decode(errors="replace"))
                self._out.flush()
                spoke = now
            if code is not None:
                return code
            if now - began > 60 * step.minutes:
                self._say(f"no end within {step.minutes:g} min")
                return NO_END
            if now - spoke > self._heartbeat:
                self._say(f"... {step.name} runs for {now - began:.0f} s")
                spoke = now
            time.sleep(POLL_SECONDS)

    def _log(self, step: Step) -> Path:
        return self._logs / f"{step.name.replace(' ', '-')}.log"

    def _say(self, text: str) -> None:
        if text:
            self._out.write(f"{text}\n")
            self._out.flush()


def table(steps: Sequence[Step], ended: Sequence[Ended]) -> str:
    """Return the steps with their results and durations."""
    rows = [(one.step.name, "green" if one.code == 0 else "RED", f"{one.seconds:.0f} s") for one in ended]
    ran = {one.step.name for one in ended}
    rows += [(step.name, "not run", "") for step in steps if step.name not in ran]
    rows.append(("total", "", f"{sum(one.seconds for one in ended):.0f} s"))
    return "\n".join(["", *(f"{name:<12} {result:<8} {seconds:>8}" for name, result, seconds in rows)])


def reason(red: Ended, log: str) -> str:
    """Return the end of a failed step's output, starting at the first failed test if pytest named one."""
    found = list(FIRST_FAILURE.finditer(log))
    lines = log[found[-1].start() :].splitlines()[: 2 * LINES] if found else log.splitlines()[-LINES:]
    name = f"{red.step.name}: {found[-1]['test']}" if found else red.step.name
    return "\n".join([f"\nRED: {name}", *lines])


def flaky(log: str) -> str:
    """Return the rows to add by hand to the list of flaky tests, because CI discards its working tree."""
    return "\n".join(f"\n{found['heading']}\n{found['rows'].rstrip()}" for found in FLAKY.finditer(log))


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a step and its children. Daemons that `make up` started have their own sessions and keep running."""
    os.killpg(process.pid, signal.SIGINT)
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def main() -> int:
    """Run CI."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(number))
    # A shell that starts this script in the background makes it ignore SIGINT. Every step would inherit that, and
    # SIGINT is what ends a step.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    return Run(Path(".slipway") / "ci", sys.stdout).all(STEPS, CLEAN_UP)


if __name__ == "__main__":
    sys.exit(main())
