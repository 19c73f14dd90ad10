"""Run the calls of large requests in another process, so that small requests find this process's interpreter free.

To parse a body of 5 MiB or to decode 16 million pixels holds the interpreter for a tenth of a second or longer. The
other process has a lower priority, starts with the first such call, and ends with this process.
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

# Added to the process's niceness: while a core is scarce, the server gets nine tenths of it.
_NICENESS = 10
_PROTOCOL = 5
_PACKAGES = Path(__file__).parents[2]


class OtherProcessEndedError(RuntimeError):
    """The other process ended in the middle of a call, for example for want of memory. The next call starts another."""


class OtherProcess:
    """Runs calls in another process, one at a time, which also bounds the memory of large requests."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> int | None:
        """The process's id; None = no call has started it yet."""
        return self._process.pid if self._process else None

    def end(self) -> None:
        """End the process at once if it runs, also in the middle of a call."""
        if (process := self._process) is not None:
            process.kill()
            self._ended(process)

    def run(self, call: Callable[..., object], arguments: tuple[object, ...]) -> object:
        """Return what the call returns there, or raise what it raises there."""
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
            with suppress(OSError):  # what could not be sent is still in the buffer
                cast("BinaryIO", stream).close()
        return process.wait()

    def _start(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", __name__]
        # A session of its own: ^C reaches the server alone, which still waits for this process's answers.
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
    """Call a function of a module with picklable arguments; in the lane of large jobs, in the other process.

    Raises:
        OtherProcessEndedError: the other process ended.
    """
    return cast("T", _other.run(call, arguments)) if in_large_lane() else call(*arguments)


def serve(incoming: BinaryIO, outgoing: BinaryIO) -> None:
    """Run calls from one stream and write what they return or raise to the other, until the first one ends."""
    while True:
        try:
            call, arguments = pickle.load(incoming)  # noqa: S301 -- from the process that started this one
        except EOFError:
            return
        try:
            result = True, call(*arguments)
        except Exception as error:  # noqa: BLE001 -- raised again in the other process
            if not isinstance(error, ValueError):  # not a refusal: its place would be lost
                error.add_note(traceback.format_exc())
            result = False, error
        del call, arguments  # a large body must not wait for the next one
        pickle.dump(result, outgoing, _PROTOCOL)
        outgoing.flush()
        del result


def _main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(_NICENESS)
    give_large_blocks_back()
    # Whatever else is printed must not get between the answers.
    outgoing = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    serve(sys.stdin.buffer, outgoing)


if __name__ == "__main__":
    _main()
