"""What the driver tells while it works: the live view, the JSON lines and the tests listen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from models.delivery import CheckResult, Run


@dataclass(frozen=True, kw_only=True)
class Event:
    """One thing that happened."""

    kind: str
    """plan, stage (about to be declared), update (a line of Pulumi's), moved (traffic acts), observed (the split was
    seen), look (the gate looked), verdict, turned (goes back), waiting, done."""
    service: str
    stage: str = ""
    """Title of the stage."""
    index: int = 0
    of: int = 0
    weight: int = 0
    said: str = ""
    """One line for a person."""
    checks: Mapping[str, CheckResult] = field(default_factory=dict[str, CheckResult])
    samples: int = 0
    """Requests that the new slot has answered at this stage."""
    wanted: int = 0
    """Requests that a verdict takes."""
    share: float | None = None
    """Observed percent of requests that the new slot answers."""
    run: Run | None = None


class Listener(Protocol):
    """Gets every event."""

    def __call__(self, event: Event, /) -> None:
        """Take one."""
        ...
