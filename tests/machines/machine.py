"""A guest that runs in QEMU: boot it, give it commands, wait until it is off."""

import contextlib
import json
import os
import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.errors import LocalError
from local.processes import last_line
from tests.machines import qemu
from tests.machines.roots import Root

_POLL_SECONDS = 0.1
_KILL_SECONDS = 30  # how much longer than a command's limit the answer may take
_TAIL_LINES = 12
_HEARTBEAT = re.compile(r": [\d a-z]+(, longer than| of about) ")  # of local/progress.py: what still runs
_NICE = -5  # three times the weight of others
_LOGGED = 20_000  # characters of one command's output


@dataclass(frozen=True, kw_only=True)
class Result:
    """What became of a command; `seconds` are the guest's own."""

    command: str
    exit: int
    output: str
    seconds: float

    @property
    def tail(self) -> str:
        """The last lines of the output, to be shown where the command failed."""
        lines = (line for line in self.output.strip().splitlines() if not _HEARTBEAT.search(line))
        return "\n".join([*lines][-_TAIL_LINES:])


def _prefer(pid: int) -> None:
    """Give QEMU more of the processors than others get: pods in the guest have deadlines that others must not use up.

    Where the kernel groups processes by session, the group is weighed, and a process' own niceness has no effect.
    """
    group = Path(f"/proc/{pid}/autogroup")
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, _NICE)
        if group.exists():
            group.write_text(str(_NICE))


@dataclass(kw_only=True)
class Machine:
    """One guest with its disks; it may be booted several times, one after another.

    Attributes:
        root: What it boots from.
        folder: Holds its disks, its socket, and all that its console says. Its path is short: a unix socket's has at
            most 107 bytes.
        log: Gets every command with what it printed.
        accelerated: Whether KVM runs it.
    """

    root: Root
    folder: Path
    log: Path
    accelerated: bool = False
    _process: subprocess.Popen[bytes] | None = None
    _channel: socket.socket | None = None
    _last_id: int = field(default_factory=time.monotonic_ns)  # unlike those of an earlier connection

    @property
    def pid(self) -> int | None:
        """QEMU's pid while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def boot(self, limit_seconds: float) -> float:
        """Start the guest; returns the seconds until it takes commands. Raises LocalError if it does not."""
        start = time.monotonic()
        (self.folder / qemu.SOCKET).unlink(missing_ok=True)
        command = qemu.command(self.root, self.folder, accelerated=self.accelerated)
        with (self.folder / qemu.ERRORS).open("ab") as errors:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors, start_new_session=True
            )
        _prefer(self._process.pid)
        self.connect(limit_seconds)
        self.execute("true", limit_seconds)
        return time.monotonic() - start

    def connect(self, limit_seconds: float) -> None:
        """Connect to the guest's port, which is there as soon as QEMU runs."""
        deadline = time.monotonic() + limit_seconds
        while True:
            channel = socket.socket(socket.AF_UNIX)
            try:
                channel.connect(str(self.folder / qemu.SOCKET))
            except OSError as failure:
                channel.close()
                ended = self._process is not None and self._process.poll() is not None
                if ended or time.monotonic() > deadline:
                    raise LocalError(f"QEMU: {failure}: {last_line(self.folder / qemu.ERRORS)}") from failure
                time.sleep(_POLL_SECONDS)
            else:
                self._channel = channel
                return

    def execute(self, command: str, limit_seconds: float, show: Callable[[str], None] | None = None) -> Result:
        """Run shell lines as root in /root.

        Args:
            command: The lines; the exit code is that of the last one.
            limit_seconds: After this long they are killed, and the exit code is 124.
            show: Is given each printed line as soon as it is there.

        Raises:
            LocalError: the guest ended, or says nothing for 30 s after the limit.
        """
        self._last_id += 1
        self._send({"id": self._last_id, "command": command, "limit": limit_seconds})
        printed, line = "", ""
        for message in self._answers(self._last_id, limit_seconds + _KILL_SECONDS):
            if "exit" in message:
                result = Result(command=command, exit=message["exit"], output=printed, seconds=message["seconds"])
                self._write_down(result)
                return result
            printed += message["out"]
            *whole, line = (line + message["out"]).split("\n")
            if show is not None:
                for text in whole:
                    show(text)
        raise LocalError(
            f"guest: no answer to {command.splitlines()[0]!r}: {last_line(self.folder / qemu.CONSOLE)}; "
            f"its console: {self.folder / qemu.CONSOLE}"
        )

    def leave(self, command: str, limit_seconds: float) -> float:
        """Return a command that ends the machine, `systemctl reboot` say; returns the seconds until it has ended."""
        start = time.monotonic()
        self._last_id += 1
        self._send({"id": self._last_id, "command": command, "limit": limit_seconds})
        if self._process is None:
            raise LocalError("guest: it was started by another process, which alone can wait for its end")
        try:
            self._process.wait(limit_seconds)
        except subprocess.TimeoutExpired as slow:
            console = self.folder / qemu.CONSOLE
            raise LocalError(f"guest: not off within {limit_seconds:.0f} s: {last_line(console)}; {console}") from slow
        self._disconnect()
        return time.monotonic() - start

    def kill(self) -> None:
        """End QEMU, if it runs and is ours."""
        self._disconnect()
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def _disconnect(self) -> None:
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    def _send(self, request: dict[str, object]) -> None:
        if self._channel is None:
            raise LocalError("guest: it does not run")
        self._channel.sendall(json.dumps(request).encode() + b"\n")

    def _answers(self, number: int, limit_seconds: float) -> Iterator[dict[str, Any]]:
        """Yield what the guest says about one request, until it ends or the time is over."""
        deadline = time.monotonic() + limit_seconds
        unread = b""
        while self._channel is not None and (left := deadline - time.monotonic()) > 0:
            self._channel.settimeout(left)
            try:
                chunk = self._channel.recv(65536)
            except TimeoutError:
                return
            if not chunk:
                return
            *lines, unread = (unread + chunk).split(b"\n")
            for line in lines:
                message = json.loads(line)
                if message["id"] == number:
                    yield message

    def _write_down(self, result: Result) -> None:
        command, output = result.command[:_LOGGED], result.output[:_LOGGED]
        with self.log.open("a") as log:
            log.write(f"$ {command}\n{output}\n[exit {result.exit} after {result.seconds} s]\n\n")
