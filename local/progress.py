"""Report running steps with their elapsed and expected time; several threads may report at once.

On a terminal, the running steps are live lines. Elsewhere (CI, a file), each step prints a line at its start, a line at
its end and a heartbeat in between, because a silent minute looks like a hang. Everything goes to standard error, so
that commands can print results (`--json`, `env`) on standard output.
"""

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress as LiveSteps
from rich.progress import ProgressColumn, SpinnerColumn, Task, TextColumn
from rich.text import Text

HEARTBEAT_SECONDS = 30.0  # CI services end jobs that stay silent for 10 minutes; people give up much earlier


def duration(seconds: float) -> str:
    """Return seconds as text for people: `8 s`, `3 min 20 s`."""
    whole = round(seconds)
    if whole < 60:  # noqa: PLR2004 - seconds in a minute
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def clock(elapsed: float, expected: float | None) -> str:
    """Return how long a step has taken, and its usual time if that is known."""
    if expected is None:
        return duration(elapsed)
    if elapsed > expected:
        return f"{duration(elapsed)}, longer than the usual {duration(expected)}"
    return f"{duration(elapsed)} of about {duration(expected)}"


class _Clock(ProgressColumn):
    """Elapsed and expected time of a live line."""

    def render(self, task: Task) -> Text:
        return Text(clock(task.elapsed or 0.0, task.fields["expected"]), style="cyan")


class Progress:
    """Reports steps; safe to use from several threads.

    Args:
        console: Where to write; standard error by default.
        heartbeat_seconds: Seconds between two lines of a running step if there is no terminal.
    """

    def __init__(self, console: Console | None = None, heartbeat_seconds: float = HEARTBEAT_SECONDS) -> None:
        self._console = console or Console(stderr=True, highlight=False)
        self._heartbeat_seconds = heartbeat_seconds
        self._lock = threading.Lock()
        self._running = 0
        self._live = LiveSteps(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            _Clock(),
            console=self._console,
            transient=True,
        )

    def note(self, text: str) -> None:
        """Print one line; live lines stay below it."""
        self._console.print(text, markup=False, soft_wrap=True)

    @contextmanager
    def step(self, name: str, expected_seconds: float | None) -> Generator[None]:
        """Report that `name` runs until the block ends.

        Args:
            name: The step in a few words: "build kubernetes".
            expected_seconds: Its usual duration; None if unknown.

        Raises:
            Whatever the block raises, after a line that says that the step failed.
        """
        start = time.monotonic()
        show = self._live_line if self._console.is_terminal else self._plain_lines
        try:
            with show(name, expected_seconds, start):
                yield
        except BaseException:
            self.note(f"{name}: failed after {duration(time.monotonic() - start)}")
            raise
        self.note(f"{name}: done in {duration(time.monotonic() - start)}")

    @contextmanager
    def _live_line(self, name: str, expected: float | None, _start: float) -> Generator[None]:
        with self._lock:
            if self._running == 0:
                self._live.start()
            self._running += 1
            task = self._live.add_task(name, total=None, expected=expected)
        try:
            yield
        finally:
            with self._lock:
                self._live.remove_task(task)
                self._running -= 1
                if self._running == 0:
                    self._live.stop()

    @contextmanager
    def _plain_lines(self, name: str, expected: float | None, start: float) -> Generator[None]:
        self.note(f"{name} …" if expected is None else f"{name} … (about {duration(expected)})")
        ended = threading.Event()

        def beat() -> None:
            while not ended.wait(self._heartbeat_seconds):
                self.note(f"{name}: {clock(time.monotonic() - start, expected)}")

        thread = threading.Thread(target=beat, name=f"heartbeat {name}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
