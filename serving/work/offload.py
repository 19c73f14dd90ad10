"""Offload the calls of large requests to another process, so that this interpreter is free for small requests.

Parsing a body of 5 MiB or decoding 16 million pixels holds the interpreter for a tenth of a second or longer. The other
process has a lower priority, starts with the first such call, and ends with this process.
"""

import atexit
import os
import pickle
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, TypeVar, cast

from serving.allocator import give_large_blocks_back
from serving.work.lanes import in_large_lane

T = TypeVar("T")

# Added to the niceness of the other process: when both compete for a core, the server gets nine tenths of it.
_NICENESS = 10
_PROTOCOL = 5
_PACKAGES = Path(__file__).parents[2]


class OtherProcessEndedError(RuntimeError):
    """The other process ended during a call, for example because memory ran out. The next call starts a new one."""


class OtherProcess:
    """Runs calls in another process, one at a time, which also limits the memory of large requests."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> int | None:
        """The id of the process; None = no call has started it yet."""
        return self._process.pid if self._process else None

    def end(self) -> None:
        """End the process at once if it runs, even during a call."""
        if (process := self._process) is not None:
            process.kill()
            self._ended(process)

    def run(self, call: Callable[..., object], arguments: tuple[object, ...]) -> object:
        """Run a call in the other process, and return its result or raise its exception."""
        with self._lock:
            process = self._process or self._start()
            try:
                pickle.dump((call, arguments), cast("BinaryIO", process.stdin), _PROTOCOL)
                cast("BinaryIO", process.stdin).flush()
                done, result = pickle.load(cast("BinaryIO", process.stdout))  # noqa: S301 -- our own process
            except (OSError, EOFError, pickle.UnpicklingError) as error:
                process.kill()
                raise OtherProcessEndedError(
                    f"the process for large requests ended with {self._ended(process)}"
                ) from error
        if not done:
            raise cast("BaseException", result)
        return result

    def _ended(self, process: "subprocess.Popen[bytes]") -> int:
        """Wait until the process has ended, and return its exit code."""
        self._process = None
        for stream in (process.stdin, process.stdout):
            with suppress(OSError):  # the buffer still holds bytes that could not be sent
                cast("BinaryIO", stream).close()
        return process.wait()

    def _start(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", __name__]
        # In its own session, ^C does not reach it: the draining server still waits for its answers.
        self._process = subprocess.Popen(
            command, cwd=_PACKAGES, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        return self._process


_other = OtherProcess()


@atexit.register
def end() -> None:
    """End the other process with this one. The server calls it before `os._exit`, which runs nothing at exit."""
    _other.end()


def offload(call: Callable[..., T], *arguments: object) -> T:
    """Call a module-level function with picklable arguments: in the lane of large jobs, in the other process.

    Raises:
        OtherProcessEndedError: the other process ended.
    """
    return cast("T", _other.run(call, arguments)) if in_large_lane() else call(*arguments)


def serve(incoming: BinaryIO, outgoing: BinaryIO) -> None:
    """Run the calls from one stream, and write their results or exceptions to the other, until the calls end."""
    while True:
        try:
            call, arguments = pickle.load(incoming)  # noqa: S301 -- from the process that started this one
        except EOFError:
            return
        try:
            result = True, call(*arguments)
        except Exception as error:  # noqa: BLE001 -- raised again in the other process
            if not isinstance(error, ValueError):  # a fault, not a refusal: pickling drops its traceback
                error.add_note(traceback.format_exc())
            result = False, error
        del call, arguments  # free a large body now, not with the next call
        pickle.dump(result, outgoing, _PROTOCOL)
        outgoing.flush()
        del result


def _main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(_NICENESS)
    give_large_blocks_back()
    # Only answers go to the pipe; output of libraries goes to stderr.
    outgoing = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    serve(sys.stdin.buffer, outgoing)


if __name__ == "__main__":
    _main()
