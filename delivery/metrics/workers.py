"""A few threads that call functions. They are daemons: a read that never ends does not keep the process alive."""

from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread

_Work = Callable[[], None] | None


class Workers:
    """Threads that take calls from one queue, until they are told to end."""

    def __init__(self, threads: int) -> None:
        self._queue: SimpleQueue[_Work] = SimpleQueue()
        self._threads = [Thread(target=self._run, daemon=True, name=f"metrics-{n}") for n in range(threads)]
        for thread in self._threads:
            thread.start()

    def call(self, work: Callable[[], None]) -> None:
        """Call a function, which must not raise, as soon as a thread is free."""
        self._queue.put(work)

    def end(self) -> None:
        """Let each thread end after its current call."""
        for _ in self._threads:
            self._queue.put(None)

    def _run(self) -> None:
        while (work := self._queue.get()) is not None:
            work()
