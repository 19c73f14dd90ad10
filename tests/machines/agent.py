"""Runs in the guest, as a service: takes shell commands from a virtio port and returns what they print.

The standard library only, because it runs before any environment of ours exists. One command at a time. Requests and
answers are lines of JSON: `{"id": 3, "command": "make up", "limit": 600}` is answered by `{"id": 3, "out": "..."}` for
what is printed, as it is printed, and by `{"id": 3, "exit": 0, "seconds": 71.2}` at the end.
"""

import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

PORT = Path("/dev/virtio-ports/slipway.trial")
TIMED_OUT = 124  # as coreutils' `timeout` says it
_POLL_SECONDS = 0.1
_NO_HOST_SECONDS = 0.5
_NO_PORT_SECONDS = 1.0
# What root's login shell has on Debian.
_ENVIRONMENT = {
    "HOME": "/root",
    "USER": "root",
    "LOGNAME": "root",
    "SHELL": "/bin/bash",
    "LANG": "C.UTF-8",
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
}


def run(request: dict[str, Any], answer: Callable[[dict[str, Any]], None], folder: str = "/root") -> None:
    """Run one command and answer with its output and exit code.

    The output goes through a file and not through a pipe: a daemon that the command leaves behind may hold it open.
    """
    start = time.monotonic()
    with tempfile.TemporaryFile() as output:
        child = subprocess.Popen(
            ["/bin/bash", "-c", request["command"]],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=_ENVIRONMENT,
            cwd=folder,
            start_new_session=True,
        )
        read, code = 0, None
        while code is None:
            time.sleep(_POLL_SECONDS)
            code = child.poll()
            if code is None and time.monotonic() - start > request["limit"]:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
                code = TIMED_OUT
            read = _pass_on(output, read, request["id"], answer)
    answer({"id": request["id"], "exit": code, "seconds": round(time.monotonic() - start, 2)})


def _pass_on(output: IO[bytes], read: int, number: int, answer: Callable[[dict[str, Any]], None]) -> int:
    """Send what was printed since the last time; returns how far the output has been read."""
    while chunk := os.pread(output.fileno(), 65536, read):
        answer({"id": number, "out": chunk.decode(errors="replace")})
        read += len(chunk)
    return read


def main() -> None:
    """Serve the port for as long as the machine runs."""
    while not PORT.exists():
        time.sleep(_NO_PORT_SECONDS)
    with PORT.open("r+b", buffering=0) as port:

        def answer(message: dict[str, Any]) -> None:
            line = json.dumps(message).encode() + b"\n"
            while line:  # an unbuffered write may take a part
                line = line[port.write(line) or 0 :]

        waiting = b""
        while True:
            chunk = port.read(65536)
            if not chunk:  # no host is connected
                time.sleep(_NO_HOST_SECONDS)
                continue
            *lines, waiting = (waiting + chunk).split(b"\n")
            for line in lines:
                run(json.loads(line), answer)


if __name__ == "__main__":
    main()
