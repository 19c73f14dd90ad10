"""The processes that listen on this machine's TCP ports."""

import contextlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import psutil


@dataclass(frozen=True, kw_only=True)
class Taken:
    """A TCP port on which a process listens; `pid` is None if the process is just ending or is another user's."""

    address: str
    number: int
    pid: int | None

    @property
    def holder(self) -> str:
        """The process, as messages name it: its name and its id."""
        if self.pid is not None:
            with contextlib.suppress(psutil.Error):
                return f"{psutil.Process(self.pid).name()} (pid {self.pid})"
        return "another process"


def taken(but_for: Collection[int | None] = ()) -> tuple[Taken, ...]:
    """Return the ports on which processes listen, except for the processes in `but_for`."""
    return tuple(
        Taken(address=one.laddr[0], number=one.laddr[1], pid=one.pid)
        for one in psutil.net_connections(kind="tcp")
        if one.status == psutil.CONN_LISTEN and one.laddr and one.pid not in but_for
    )


def covering(found: Iterable[Taken], address: str, number: int) -> Taken | None:
    """Return the listener that blocks a daemon's port: one at the same address or at all addresses."""
    everywhere = {address, "0.0.0.0", "::"}  # noqa: S104  (compared, not bound)
    return next((one for one in found if one.number == number and one.address in everywhere), None)
