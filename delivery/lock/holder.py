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
    """A driver: who runs it, where, since when."""

    user: str
    host: str
    pid: int
    since: datetime | None
    nonce: str = ""
    """Tells two drivers of one process, or of one process id, apart."""

    @classmethod
    def here(cls) -> "Holder":
        """Name this process."""
        at = datetime.now(UTC).replace(microsecond=0)
        return cls(user=who(), host=socket.gethostname(), pid=os.getpid(), since=at, nonce=uuid4().hex[:12])

    @classmethod
    def read(cls, identity: str, since: datetime | None) -> "Holder":
        """Understand a Lease's ``holderIdentity``; one that another program wrote is given whole, as the user."""
        if found := _IDENTITY.fullmatch(identity):
            named = found.groupdict()
            return cls(user=named["user"], host=named["host"], pid=int(named["pid"]), since=since, nonce=named["nonce"])
        return cls(user=identity, host="?", pid=0, since=since)

    @property
    def identity(self) -> str:
        """As ``holderIdentity`` has it."""
        return f"{self.user}@{self.host} pid {self.pid} {self.nonce}"

    def document(self) -> dict[str, object]:
        """Return it for a program."""
        since = self.since.isoformat() if self.since else None
        return {"user": self.user, "host": self.host, "pid": self.pid, "since": since}

    def __str__(self) -> str:
        since = f", since {self.since:%Y-%m-%d %H:%M:%S} UTC" if self.since else ""
        return f"{self.user} on {self.host}, pid {self.pid}{since}"


_IDENTITY = re.compile(r"(?P<user>.*)@(?P<host>\S+) pid (?P<pid>\d+) (?P<nonce>\w+)")
