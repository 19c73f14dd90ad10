"""The calls that cluster tests repeat beside what they test."""

import threading

import httpx

from tests.cluster.repeated import repeated
from tests.cluster.traffic import steady

FAST = 1_000_000
"""Calls per second: as many as the thread can make."""


def test_calls_go_on_until_the_block_ends() -> None:
    calls, tenth = list[int](), threading.Event()

    def call() -> None:
        calls.append(1)
        if len(calls) == 10:
            tenth.set()

    threads = threading.active_count()
    with repeated(call, per_second=FAST, at_most=10**9):
        assert tenth.wait(10)
    assert len(calls) >= 10
    assert threading.active_count() == threads, "the thread has ended with the block"


def test_calls_end_by_themselves_at_their_limit() -> None:
    calls, last = list[int](), threading.Event()

    def call() -> None:
        calls.append(1)
        if len(calls) == 3:
            last.set()

    with repeated(call, per_second=FAST, at_most=3):
        assert last.wait(10)
    assert len(calls) == 3


def test_statuses_and_errors_are_counted() -> None:
    answers, done = iter([200, 503, 200]), threading.Event()

    def send() -> int:
        status = next(answers, None)
        if status is None:
            done.set()
            raise httpx.ConnectError("refused")
        return status

    with steady(send, per_second=FAST, at_most=4) as tally:
        assert done.wait(10)
    assert tally.statuses == {"200": 2, "503": 1, "ConnectError": 1}
    assert tally.failures == {"503": 1, "ConnectError": 1}
