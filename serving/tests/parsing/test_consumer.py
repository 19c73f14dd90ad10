"""The consumer is replaced if, and only if, it takes no messages."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from celery.worker import state

from serving.errors import UnreachableError
from serving.payloads.parsing.consumer import STALLED_SECONDS, Consumer
from serving.tests.support import wait_until


@dataclass
class Waiting:
    """The part of Celery that starts and ends a consumer; it takes no message."""

    started: int = 0

    def WorkController(self, ready_callback: Callable[[object], None], **_: object) -> "Waiting":  # noqa: N802
        self.started += 1
        ready_callback(None)
        return self

    def set_current(self) -> None:
        pass

    @property
    def consumer(self) -> SimpleNamespace:
        return SimpleNamespace(connection=SimpleNamespace(connected=True))

    def start(self) -> None:
        wait_until(lambda: state.should_stop is not None, "the consumer is told to stop")


@pytest.fixture
def waiting() -> Generator[Waiting]:
    yield Waiting()
    state.should_stop = None


def test_a_consumer_that_takes_nothing_while_pictures_wait_is_replaced(waiting: Waiting) -> None:
    now = 0.0
    consumer = Consumer(waiting, clock=lambda: now)
    consumer.require(0)
    consumer.require(3)
    with consumer.busy():
        now += 2 * STALLED_SECONDS
        consumer.require(3)  # it works: others wait for it
    consumer.require(3)
    now += STALLED_SECONDS + 0.1
    first = consumer.thread
    with pytest.raises(UnreachableError, match="the consumer is being replaced"):
        consumer.require(3)
    assert first is not None
    first.join(10)
    consumer.require(3)
    assert waiting.started == 2
    consumer.require(3)
    assert waiting.started == 2
    consumer.stop()


def test_a_consumer_is_replaced_after_its_broker_was_away(waiting: Waiting) -> None:
    consumer = Consumer(waiting)
    consumer.lost()
    consumer.require(0)  # there was none yet
    consumer.lost()
    with pytest.raises(UnreachableError, match="the consumer is being replaced"):
        consumer.require(0)
    wait_until(lambda: consumer.thread is not None and not consumer.thread.is_alive(), "the old consumer ends")
    consumer.require(0)
    assert waiting.started == 2
    consumer.stop()
    consumer.require(0)
    assert waiting.started == 2, "a stopped consumer was started again"
