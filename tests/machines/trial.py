"""One guest's trial: the machine, what is known about it so far, and the plan."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local.errors import LocalError
from local.patience import VARIABLE
from local.progress import Progress
from tests.machines import homes
from tests.machines.answers import Pod, serving_pods
from tests.machines.guests import CLONE, HOME, TRIAL
from tests.machines.leftovers import Look
from tests.machines.machine import Machine, Result
from tests.machines.report import Report, Step

BOOT_SECONDS = 900  # emulated, beside other work: 80 s; not scaled, because the factor is not yet known
_LOOP = "import time; t = time.perf_counter(); sum(i * i % 7 for i in range(2_000_000)); print(time.perf_counter() - t)"
_LOOPS = 5
_LEAST_SECONDS = 60  # the limit of a command is never below
# Seconds that things take at most on an idle machine like the one that the guest emulates; multiplied by the factor.
UP_SECONDS, DOWN_SECONDS, COMMAND_SECONDS = 400, 60, 20
_STATE = f"{HOME}/.local/state/slipway"
_LOGS_LINES = 60


class Broken(Exception):
    """A step could not do what later ones need."""


@dataclass(kw_only=True)
class Trial:
    """The state of one trial; `looks` and `seconds` are what steps leave for later ones."""

    machine: Machine
    report: Report
    folder: Path
    progress: Progress
    firewall: str
    factor: float = 1.0
    looks: dict[str, Look] = field(default_factory=dict[str, Look])
    seconds: dict[str, float] = field(default_factory=dict[str, float])

    def limit(self, seconds: float) -> float:
        """Return a deadline in this machine's seconds for what takes `seconds` on an idle machine."""
        return max(seconds * self.factor, _LEAST_SECONDS)

    def run(self, command: str, seconds: float = COMMAND_SECONDS, *, live: bool = False) -> Result:
        """Run shell lines in the guest; `live` shows what they print."""
        show: Callable[[str], None] | None = (lambda line: self.progress.note(f"  | {line}")) if live else None
        return self.machine.execute(command, self.limit(seconds), show)

    def must(self, command: str, seconds: float = COMMAND_SECONDS) -> str:
        """Run what the trial itself needs; raises LocalError if it fails."""
        result = self.run(command, seconds)
        if result.exit:
            raise LocalError(f"guest: {command.splitlines()[0]!r} failed: {result.tail}")
        return result.output

    def make(self, target: str, seconds: float, *, live: bool = True) -> Result:
        """Run a target of the Makefile in the clone, with no index but the wheels that are there, and with patience."""
        patience = f"{VARIABLE}={self.factor:.0f}"
        return self.run(f"cd {CLONE} && {homes.exports()} {patience} && make {target}", seconds, live=live)

    def local(self, arguments: str) -> str:
        """Run `python -m local` in the clone and return what it prints; its exit code may say "not healthy"."""
        return self.run(
            f"cd {CLONE} && {VARIABLE}={self.factor:.0f} .venv/bin/python -m local {arguments} 2>/dev/null"
        ).output

    def kubectl(self, arguments: str, seconds: float = COMMAND_SECONDS) -> Result:
        """Run kubectl as `make env` offers it."""
        return self.run(f'cd {CLONE} && eval "$(.venv/bin/python -m local env)" && kubectl {arguments}', seconds)

    def pods(self) -> list[Pod]:
        """Return the running pods of slots."""
        return serving_pods(self.kubectl("get pods -A -o json").output)

    def look(self) -> Look:
        """Return what a cluster could leave behind, as it is now."""
        return json.loads(self.must(f"python3 {HOME}/{TRIAL}/snapshot.py"))

    def boot(self) -> float:
        """Boot until systemd has started everything; returns the seconds."""
        start = time.monotonic()
        with self.progress.step("boot", 60):
            self.machine.boot(BOOT_SECONDS)
            self.machine.execute("systemctl is-system-running --wait", BOOT_SECONDS)
        return time.monotonic() - start

    def measure(self) -> float:
        """Measure how many times slower than this machine the guest runs one loop of Python; sets `factor`."""
        here = min(_loop_seconds() for _ in range(_LOOPS))  # the least busy moment, for which the limits are meant
        there = float(self.machine.execute(f"python3 -c '{_LOOP}'", BOOT_SECONDS).output)
        self.factor = self.report.factor = max(there / here, 1.0)
        return self.factor

    def save_logs(self) -> None:
        """Write the ends of the cluster's logs below the trial's folder, for whoever asks why something failed."""
        script = f'cd {_STATE}/logs && for f in *; do echo "== $f"; tail -n {_LOGS_LINES} $f | cut -c1-400; done'
        (self.folder / "cluster-logs.txt").write_text(self.run(script).output)
        kernel = self.run("dmesg | tail -n 60; journalctl -b -p warning --no-pager | tail -n 60").output
        (self.folder / "machine-logs.txt").write_text(kernel)


def _loop_seconds() -> float:
    start = time.perf_counter()
    sum(i * i % 7 for i in range(2_000_000))
    return time.perf_counter() - start


def follow(trial: Trial, plan: Mapping[str, Callable[[Trial, Step], None]], last: str | None = None) -> None:
    """Do the steps of the plan in order; what needs a cluster is left out once there is none.

    Args:
        trial: The trial; its report gets one entry for each step.
        plan: Functions by name. Those whose name begins with `down` or `off` are done in any case.
        last: The step after which to stop.
    """
    broken = ""
    for name, do in plan.items():
        step = Step(name=name)
        trial.report.steps.append(step)
        if broken and not name.startswith(("down", "off")):
            step.check("was reached", passed=False, detail=f"{broken} failed")
            continue
        start = time.monotonic()
        trial.progress.note(f"{trial.report.guest}: {name}")
        try:
            do(trial, step)
        except (Broken, LocalError, ValueError, KeyError) as failure:
            step.check("could be done", passed=False, detail=f"{type(failure).__name__}: {failure}")
            broken = broken or name
        step.seconds = round(time.monotonic() - start, 1)
        for check in step.checks:
            trial.progress.note(f"  {check.line}")
        (trial.folder / "summary.json").write_text(json.dumps(trial.report.document(), indent=1, default=str))
        if name == last:
            return
