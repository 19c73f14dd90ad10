"""What one attack did, and what is a fault of the server."""

from dataclasses import dataclass

from bench.attack.target import Normal
from bench.attack.wire import Answers, Attack

BOUND_MEBIBYTES = 512
FAILING_SHARE = 0.01
"""Share of normal requests that may fail: connections that proxies reuse are closed at a limit."""
SLOWER = 2.0
COLUMNS = ("attack", "answers", "peak MiB", "p99 quiet, ms", "during", "ratio", "")


@dataclass(frozen=True)
class Outcome:
    """The answers to one attack, the server's memory, and what its other client noticed."""

    attack: Attack
    expected: set[str]
    answers: Answers
    peak: int
    quiet: Normal
    during: Normal

    @property
    def faults(self) -> list[str]:
        """Memory above the bound, answers that were not expected, failed requests of the other client."""
        found = [f"{self.peak} MiB"] if self.peak > BOUND_MEBIBYTES else []
        if wrong := sorted(set(self.answers) - self.expected):
            found.append(f"answered {', '.join(wrong)} instead of {', '.join(sorted(self.expected))}")
        failed = len(self.during.failed)
        if failed > max(1, FAILING_SHARE * len(self.during.seconds)):
            kinds = ", ".join(sorted(set(self.during.failed)))
            found.append(f"{failed} of {len(self.during.seconds)} normal requests failed: {kinds}")
        return found

    @property
    def line(self) -> list[str]:
        """The row of the table."""
        ratio = self.during.p99 / self.quiet.p99
        answers = ", ".join(f"{count} x {status}" for status, count in sorted(self.answers.items()))
        times = f"{self.quiet.p99:.1f}", f"{self.during.p99:.1f}", f"{ratio:.1f}"
        note = "; ".join(self.faults) or ("slower" if ratio > SLOWER else "")
        return [self.attack.__name__.replace("_", " "), answers, str(self.peak), *times, note]
