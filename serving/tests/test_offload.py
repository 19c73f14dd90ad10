"""Large calls run in another process; if it ends, only the current call fails."""

import os
import signal
from collections.abc import Callable, Generator
from typing import TypeVar

import pytest

from serving.pictures import PictureError, decode
from serving.tests.support import Running, in_lane, wait_until
from serving.tests.test_lanes import INFER, tensor
from serving.tests.test_pictures import encoded, stroke
from serving.work.offload import OtherProcess, OtherProcessEndedError, offload

T = TypeVar("T")


@pytest.fixture(autouse=True)
def other(monkeypatch: pytest.MonkeyPatch) -> Generator[OtherProcess]:
    """Give each test its own other process."""
    made = OtherProcess()
    monkeypatch.setattr("serving.work.offload._other", made)
    yield made
    made.end()


def large(call: Callable[..., T], *arguments: object) -> T:
    return in_lane(lambda: offload(call, *arguments), large=True)


def priority() -> int:
    return os.getpriority(os.PRIO_PROCESS, 0)


@pytest.mark.slow
def test_only_large_calls_leave_the_process_and_they_have_a_lower_priority() -> None:
    assert offload(os.getpid) == in_lane(lambda: offload(os.getpid), large=False) == os.getpid()
    there = large(os.getpid)
    assert there != os.getpid()
    assert large(os.getpid) == there, "one process for all calls"
    assert large(priority) == min(19, priority() + 10)


def test_what_a_call_raises_is_raised_here() -> None:
    with pytest.raises(PictureError, match="the body is not a picture"):
        large(decode, b"text")
    with pytest.raises(IndexError) as caught:
        large([].pop)
    assert "in serve" in "".join(caught.value.__notes__), "an internal fault must have its traceback"
    assert large(decode, encoded(stroke(33))).size == (33, 33)


def test_a_process_that_is_killed_costs_one_call() -> None:
    there = large(os.getpid)
    with pytest.raises(OtherProcessEndedError, match="the process for large requests ended with -9"):
        large(os.kill, there, signal.SIGKILL)
    assert large(os.getpid) != there


def test_what_a_call_prints_does_not_get_between_the_answers(capfd: pytest.CaptureFixture[str]) -> None:
    large(print, "from a decoder")
    assert large(os.getpid) != os.getpid()
    wait_until(lambda: "from a decoder" in capfd.readouterr().err, "it is in the log")


def test_the_process_ends_with_the_server(other: OtherProcess) -> None:
    there = large(os.getpid)
    other.end()
    with pytest.raises(ProcessLookupError):
        os.kill(there, 0)


@pytest.mark.slow
def test_a_large_request_is_read_in_the_other_process(ready: Running, other: OtherProcess) -> None:
    assert ready.client.post(INFER, content=tensor(64, [1, 64])).status_code == 200
    assert other.running is None
    assert ready.client.post(INFER, content=tensor(64 * 1024, [1024, 64])).status_code == 200
    assert other.running is not None
