"""Log lines: one write per turn of the event loop, nothing lost, nothing overtaken."""

import asyncio
import io
import json
import logging
import threading
from collections.abc import Callable

import pytest

from serving.identity import Identity
from serving.telemetry.logs import JsonLines, Lines


class Stream(io.StringIO):
    """A stream that counts what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[str] = []

    def write(self, text: str) -> int:
        self.writes.append(text)
        return super().write(text)

    @property
    def said(self) -> list[str]:
        return [json.loads(line)["message"] for line in self.getvalue().splitlines()]


@pytest.fixture
def stream() -> Stream:
    return Stream()


@pytest.fixture
def log(stream: Stream) -> logging.Logger:
    handler = Lines(stream)
    handler.setFormatter(JsonLines(Identity(service="classifier")))
    made = logging.Logger("test", logging.INFO)  # noqa: LOG001 - no child of the root
    made.addHandler(handler)
    return made


def in_loop(test: Callable[[], None]) -> None:
    async def turn() -> None:
        test()
        await asyncio.sleep(0)

    asyncio.run(turn())


def test_what_is_logged_in_one_turn_is_written_at_its_end_with_one_call(log: logging.Logger, stream: Stream) -> None:
    def test() -> None:
        log.info("first")
        log.info("second")
        assert stream.writes == []

    in_loop(test)
    assert stream.said == ["first", "second"]
    assert len(stream.writes) == 1


def test_the_next_turn_is_written_too(log: logging.Logger, stream: Stream) -> None:
    in_loop(lambda: log.info("first"))
    in_loop(lambda: log.info("second"))
    assert stream.said == ["first", "second"]


def test_another_thread_writes_at_once_and_overtakes_nobody(log: logging.Logger, stream: Stream) -> None:
    def test() -> None:
        log.info("first")
        other = threading.Thread(target=log.info, args=("second",))
        other.start()
        other.join()
        assert stream.said == ["first", "second"]
        log.info("third")

    in_loop(test)
    assert stream.said == ["first", "second", "third"]


def test_without_a_loop_a_line_is_written_at_once(log: logging.Logger, stream: Stream) -> None:
    log.info("first")
    assert stream.said == ["first"]


def test_the_end_of_the_process_writes_what_waits(log: logging.Logger, stream: Stream) -> None:
    async def end() -> None:
        log.info("last")
        log.handlers[0].flush()  # as logging.shutdown does

    asyncio.run(end())
    assert stream.said == ["last"]


def test_a_closed_stream_fails_no_request(log: logging.Logger, stream: Stream) -> None:
    stream.close()
    log.info("nobody reads this")
