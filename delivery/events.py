"""Events that the driver emits while it works. The live view, the JSON lines and the tests listen to them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from models.delivery import CheckResult, Run


@dataclass(frozen=True, kw_only=True)
class Event:
    """One event of a release."""

    kind: str
    """plan, stage (about to be declared), update (a line of Pulumi's output), moved (the new split is in effect),
    observed (the new split was measured), look (the gate read the metrics), verdict, turned (the release turns back),
    waiting, done."""
    service: str
    stage: str = ""
    """Title of the stage."""
    index: int = 0
    of: int = 0
    weight: int = 0
    said: str = ""
    """A one-line message for people."""
    checks: Mapping[str, CheckResult] = field(default_factory=dict[str, CheckResult])
    samples: int = 0
    """Requests that the new slot has answered at this stage."""
    wanted: int = 0
    """Requests that a verdict requires."""
    share: float | None = None
    """Observed percentage of requests that the new slot answers."""
    run: Run | None = None


class Listener(Protocol):
    """A callable that receives every event."""

    def __call__(self, event: Event, /) -> None:
        """Handle one event."""
        ...
