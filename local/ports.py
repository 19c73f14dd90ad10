"""Who listens on this machine's TCP ports."""

import contextlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import psutil


@dataclass(frozen=True, kw_only=True)
class Taken:
    """A TCP port on which a process listens; `pid` is None for one that is just ending, or is another user's."""

    address: str
    number: int
    pid: int | None

    @property
    def holder(self) -> str:
        """The process as people know it: its name and its id."""
        if self.pid is not None:
            with contextlib.suppress(psutil.Error):
                return f"{psutil.Process(self.pid).name()} (pid {self.pid})"
        return "another process"


def taken(but_for: Collection[int | None] = ()) -> tuple[Taken, ...]:
    """Return the ports on which processes listen, but for those of some processes."""
    return tuple(
        Taken(address=one.laddr[0], number=one.laddr[1], pid=one.pid)
        for one in psutil.net_connections(kind="tcp")
        if one.status == psutil.CONN_LISTEN and one.laddr and one.pid not in but_for
    )


def covering(found: Iterable[Taken], address: str, number: int) -> Taken | None:
    """Return who listens where a daemon must: at its own address or at all of them."""
    everywhere = {address, "0.0.0.0", "::"}  # noqa: S104  (compared, not bound)
    return next((one for one in found if one.number == number and one.address in everywhere), None)
