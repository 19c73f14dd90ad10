"""Who drives a stack: the person or job, the machine, the process, and since when."""

import os
import re
import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from delivery.lock.actor import who


@dataclass(frozen=True, kw_only=True)
class Holder:
    """A driver: who runs it, where, and since when."""

    user: str
    host: str
    pid: int
    since: datetime | None
    nonce: str = ""
    """Distinguishes two drivers with the same process or process ID."""

    @classmethod
    def here(cls) -> "Holder":
        """Return the holder for this process."""
        at = datetime.now(UTC).replace(microsecond=0)
        return cls(user=who(), host=socket.gethostname(), pid=os.getpid(), since=at, nonce=uuid4().hex[:12])

    @classmethod
    def read(cls, identity: str, since: datetime | None) -> "Holder":
        """Parse a Lease's ``holderIdentity``; an identity that another program wrote becomes the whole ``user``."""
        if found := _IDENTITY.fullmatch(identity):
            named = found.groupdict()
            return cls(user=named["user"], host=named["host"], pid=int(named["pid"]), since=since, nonce=named["nonce"])
        return cls(user=identity, host="?", pid=0, since=since)

    @property
    def identity(self) -> str:
        """The holder in the format of ``holderIdentity``."""
        return f"{self.user}@{self.host} pid {self.pid} {self.nonce}"

    def document(self) -> dict[str, object]:
        """Return the holder as JSON data."""
        since = self.since.isoformat() if self.since else None
        return {"user": self.user, "host": self.host, "pid": self.pid, "since": since}

    def __str__(self) -> str:
        since = f", since {self.since:%Y-%m-%d %H:%M:%S} UTC" if self.since else ""
        return f"{self.user} on {self.host}, pid {self.pid}{since}"


_IDENTITY = re.compile(r"(?P<user>.*)@(?P<host>\S+) pid (?P<pid>\d+) (?P<nonce>\w+)")
