"""Start, find and end daemons. A process is ours only if its pid *and* its start time match our record."""

import contextlib
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from local import cgroups, ports
from local.daemon import Daemon, ProbeError
from local.errors import LocalError
from local.paths import Paths

# The shell joins the cluster's cgroup before it becomes the daemon, so that `down` finds the daemon even without a
# record.
_ENTER_CGROUP = 'echo $$ > "$0" && exec "$@"'
# Runs in a mount namespace of its own, which ends with the daemon: no other process sees the mounted file.
_SEE_RESOLVER = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'
_POLL_SECONDS = 0.1
_SOCKETS_LINGER_SECONDS = 10.0
_TAIL_BYTES = 8192
_LINE_LIMIT = 240
_COLORS = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True, kw_only=True)
class Record:
    """The record of a started daemon."""

    name: str
    pid: int
    started: str  # see `start_mark`
    fingerprint: str
    binary: str

    def alive(self) -> bool:
        """Return whether the recorded process still runs; False if another process has its pid now."""
        return start_mark(self.pid) == self.started


def start_mark(pid: int) -> str | None:
    """Identify a living process beyond its pid: boot, and clock ticks since boot; None if it is gone or a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("utf-8").strip()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()  # the command name in parentheses may hold anything
    return None if fields[0] in "ZX" else f"{boot}:{fields[19]}"


def command_of(daemon: Daemon, binary: Path) -> list[str]:
    """Return a daemon's command line. With a resolver of its own, a shell mounts that first and becomes the daemon."""
    command = [str(binary), *daemon.arguments]
    if daemon.resolver is None:
        return command
    return ["unshare", "--mount", "/bin/sh", "-c", _SEE_RESOLVER, str(daemon.resolver), *command]


def load(paths: Paths, name: str) -> Record | None:
    """Return a daemon's record, if there is a readable one."""
    try:
        return Record(**json.loads((paths.run / f"{name}.json").read_text("utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def records(paths: Paths) -> list[Record]:
    """Return the records of all daemons that were started, whether they still run or not."""
    found = (load(paths, file.stem) for file in sorted(paths.run.glob("*.json")))
    return [record for record in found if record is not None]


class Launcher:
    """Starts daemons of one cluster and remembers its children, whose exit codes only their parent can read."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, daemon: Daemon, binary: Path) -> Record:
        """Start a daemon in the background; raise LocalError if another process holds one of its ports."""
        refuse_taken_ports(daemon)
        log = self._paths.logs / f"{daemon.name}.log"
        command = command_of(daemon, binary)
        environment = daemon_environment(self._paths, binary) | dict(daemon.environment)
        with log.open("ab") as output:
            child = subprocess.Popen(
                ["/bin/sh", "-c", _ENTER_CGROUP, str(cgroups.daemons_file()), *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=self._paths.state,
                start_new_session=True,  # ^C in the terminal must not end the cluster
            )
        self._children[daemon.name] = child
        record = Record(
            name=daemon.name,
            pid=child.pid,
            started=start_mark(child.pid) or "",
            fingerprint=daemon.fingerprint(binary),
            binary=str(binary),
        )
        target = self._paths.run / f"{daemon.name}.json"
        target.with_suffix(".new").write_text(json.dumps(asdict(record)), "utf-8")
        target.with_suffix(".new").rename(target)
        return record

    def await_healthy(self, daemon: Daemon, record: Record, timeout_seconds: float) -> None:
        """Wait until the daemon's probe passes; raise LocalError if the daemon ends or takes too long."""
        log = self._paths.logs / f"{daemon.name}.log"
        deadline = time.monotonic() + timeout_seconds
        while True:
            reason = probe_failure(daemon)
            if reason is None:
                return
            if not record.alive():
                raise LocalError(f"{daemon.name} {self._end_of(daemon.name)}: {last_line(log)!r}; full log: {log}")
            if time.monotonic() > deadline:
                raise LocalError(
                    f"{daemon.name} is not healthy after {timeout_seconds:.0f} s: {reason}; its log: {log}"
                )
            time.sleep(_POLL_SECONDS)

    def _end_of(self, name: str) -> str:
        child = self._children.get(name)
        code = child.poll() if child else None
        return "has ended" if code is None else f"ended with exit code {code}"


def probe_failure(daemon: Daemon) -> str | None:
    """Return why the daemon's probe fails, or None if it passes."""
    try:
        daemon.probe()
    except ProbeError as failure:
        return str(failure)
    return None


def daemon_environment(paths: Paths, binary: Path) -> dict[str, str]:
    """Return the whole environment of a daemon, with nothing of the caller's (such as proxies and kubeconfigs)."""
    scratch = paths.state / "tmp"
    scratch.mkdir(exist_ok=True, mode=0o700)
    path = f"{binary.parent}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return {"PATH": path, "HOME": str(paths.state), "TMPDIR": str(scratch)}


def refuse_taken_ports(daemon: Daemon, patience_seconds: float = _SOCKETS_LINGER_SECONDS) -> None:
    """Raise LocalError, which names the holder, if another process listens on one of the daemon's ports.

    A process that has just ended may hold its sockets until its threads end, so this waits for up to
    `patience_seconds`.
    """
    deadline = time.monotonic() + patience_seconds
    while (found := _first_taken(daemon)) is not None:
        if found.pid is not None or time.monotonic() > deadline:
            where = f"{found.address}:{found.number}"
            raise LocalError(f"{daemon.name} needs {where}, but {found.holder} listens there: stop it first")
        time.sleep(_POLL_SECONDS)


def _first_taken(daemon: Daemon) -> ports.Taken | None:
    listening = ports.taken() if daemon.ports else ()
    found = (ports.covering(listening, port.address, port.number) for port in daemon.ports)
    return next((one for one in found if one is not None), None)


def stop(record: Record, grace_seconds: float) -> None:
    """End the recorded process: SIGTERM, then SIGKILL after the grace time. Do nothing if it has ended already."""
    _signal(record, signal.SIGTERM)
    deadline = time.monotonic() + grace_seconds
    while record.alive() and time.monotonic() < deadline:
        _reap(record.pid)
        time.sleep(_POLL_SECONDS / 2)
    _signal(record, signal.SIGKILL)
    while record.alive():
        _reap(record.pid)
        time.sleep(_POLL_SECONDS / 2)


def running_from(folder: Path) -> list[int]:
    """Return the processes whose program is a file below a folder, even if the file was deleted."""
    found: list[int] = []
    for process in psutil.process_iter(["exe"]):
        program = str(process.info["exe"] or "").removesuffix(" (deleted)")
        if program and Path(program).is_relative_to(folder):
            found.append(process.pid)
    return found


def kill_all(pids: Sequence[int]) -> None:
    """Send SIGKILL to each process. The caller must have verified immediately before that they are ours."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        _reap(pid)


def last_line(log: Path) -> str:
    """Return a log's last line that is not empty, cut to a readable length."""
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - _TAIL_BYTES))
            lines = stream.read().decode(errors="replace").splitlines()
    except FileNotFoundError:
        return ""
    plain = (_COLORS.sub("", line).strip() for line in reversed(lines))
    return next((line[:_LINE_LIMIT] for line in plain if line), "")


def _signal(record: Record, number: signal.Signals) -> None:
    if record.alive():
        with contextlib.suppress(ProcessLookupError):
            os.kill(record.pid, number)


def _reap(pid: int) -> None:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
