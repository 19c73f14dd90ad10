"""What is shown while something runs, on a terminal and elsewhere."""

import io
import re
import threading

import pytest
from rich.console import Console

from local.progress import Progress, clock, duration


class Output(io.StringIO):
    """Text that tells when a heartbeat was written."""

    def __init__(self) -> None:
        super().__init__()
        self.beat = threading.Event()

    def write(self, text: str) -> int:
        count = super().write(text)
        if re.search(r"^\S.*: \d+ s", self.getvalue(), re.MULTILINE):
            self.beat.set()
        return count


def plain(output: io.StringIO, heartbeat_seconds: float = 60.0) -> Progress:
    return Progress(Console(file=output, width=40), heartbeat_seconds)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "0 s"), (8, "8 s"), (59.6, "1 min"), (60, "1 min"), (200, "3 min 20 s"), (3600, "60 min")],
)
def test_durations_are_said_as_people_do(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("elapsed", "expected", "text"),
    [(5, None, "5 s"), (5, 10, "5 s of about 10 s"), (15, 10, "15 s, longer than the usual 10 s")],
)
def test_the_clock_compares_with_what_is_usual(elapsed: float, expected: float | None, text: str) -> None:
    assert clock(elapsed, expected) == text


def test_without_a_terminal_a_step_is_a_line_at_its_start_and_one_at_its_end() -> None:
    output = io.StringIO()
    with plain(output).step("build etcd", 20):
        pass
    first, last = output.getvalue().splitlines()
    assert first == "build etcd … (about 20 s)"
    assert re.fullmatch(r"build etcd: done in \d+ s", last)


def test_a_step_of_unknown_length_promises_nothing() -> None:
    output = io.StringIO()
    with plain(output).step("wait", None):
        pass
    assert output.getvalue().splitlines()[0] == "wait …"


def test_a_long_step_gives_signs_of_life() -> None:
    output = Output()
    with plain(output, heartbeat_seconds=0.001).step("build", 20):
        assert output.beat.wait(10)
    assert "build: 0 s of about 20 s" in output.getvalue()


def test_a_failed_step_says_so_and_passes_the_error_on() -> None:
    output = io.StringIO()
    with pytest.raises(RuntimeError, match="broken"), plain(output).step("build", 20):
        raise RuntimeError("broken")
    assert output.getvalue().splitlines()[-1] == "build: failed after 0 s"


def test_a_note_is_one_line_even_if_it_is_long_or_looks_like_markup() -> None:
    output = io.StringIO()
    text = "pods [bold]not markup[/bold] " + "long " * 20
    plain(output).note(text)
    assert output.getvalue() == f"{text}\n"


def test_steps_of_several_threads_all_end() -> None:
    output = io.StringIO()
    progress = plain(output)

    def work(number: int) -> None:
        with progress.step(f"step {number}", 1):
            pass

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(line for line in output.getvalue().splitlines() if "done" in line) == [
        f"step {number}: done in 0 s" for number in range(8)
    ]


def test_on_a_terminal_running_steps_are_live_lines_that_vanish() -> None:
    output = io.StringIO()
    progress = Progress(Console(file=output, force_terminal=True, width=100, color_system=None))
    with progress.step("build etcd", 20), progress.step("prepare the network", None):
        progress.note("half way")
    text = output.getvalue()
    assert "0 s of about 20 s" in text
    assert "half way" in text
    assert text.index("prepare the network: done") < text.index("build etcd: done")


def test_steps_can_follow_each_other_on_a_terminal() -> None:
    output = io.StringIO()
    progress = Progress(Console(file=output, force_terminal=True, width=100, color_system=None))
    for name in ("first", "second"):
        with progress.step(name, 1):
            pass
    assert "second: done" in output.getvalue()
