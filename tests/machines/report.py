"""What a trial found: checks by step, as a table for people and a document for programs."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from local.progress import duration


@dataclass(frozen=True, kw_only=True)
class Check:
    """One line of what the issue demands; `detail` says what was seen."""

    name: str
    passed: bool
    detail: str = ""

    @property
    def line(self) -> str:
        """The verdict with the first line of the detail."""
        first = self.detail.partition("\n")[0]
        return f"{'ok  ' if self.passed else 'FAIL'} {self.name}{f': {first}' if first else ''}"


@dataclass(kw_only=True)
class Step:
    """One part of the plan: what it took, what it showed."""

    name: str
    seconds: float = 0.0
    checks: list[Check] = field(default_factory=list[Check])
    facts: dict[str, Any] = field(default_factory=dict[str, Any])

    def check(self, name: str, passed: bool, detail: object = "") -> None:
        """Add a line."""
        self.checks.append(Check(name=name, passed=passed, detail=str(detail)))

    @property
    def passed(self) -> bool:
        """Whether all that was looked at is as it must be."""
        return all(check.passed for check in self.checks)


@dataclass(kw_only=True)
class Report:
    """One guest's trial."""

    guest: str
    commit: str
    accelerated: bool = False
    firewall: str = ""
    factor: float = 0.0
    steps: list[Step] = field(default_factory=list[Step])

    @property
    def passed(self) -> bool:
        """Whether every step showed what it must."""
        return all(step.passed for step in self.steps)

    def document(self) -> Mapping[str, Any]:
        """Return everything as plain data."""
        return {**asdict(self), "passed": self.passed}


def table(reports: Sequence[Report]) -> str:
    """Return one line for each check, and below it what was seen where it failed."""
    lines: list[str] = []
    for report in reports:
        how = "KVM" if report.accelerated else f"emulated, {report.factor:.0f} times slower than this machine"
        lines += ["", f"{report.guest} ({how}), commit {report.commit}"]
        for step in report.steps:
            lines.append(f"  {step.name:<18} {duration(step.seconds)}")
            for check in step.checks:
                lines.append(f"    {check.line}")
                more = () if check.passed else check.detail.splitlines()[1:]
                lines += [f"         {line}" for line in more]
        lines.append(f"  {'passed' if report.passed else 'FAILED'}")
    return "\n".join(lines).strip()
