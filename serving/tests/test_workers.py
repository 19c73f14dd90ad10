"""Worker threads: jobs that wait during an inference share the next one, each with its own answer or error."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import pytest

from serving.tests.support import PATIENCE_SECONDS
from serving.tests.test_batching import batches
from serving.work.batching import Batches, Fit, Pending
from serving.work.workers import Job, State, Workers


@dataclass
class Held:
    """A computation (tenfold) that the test holds; negative items are faulty, items of one sign bit are one kind."""

    batches: list[list[int]] = field(default_factory=list[list[int]])
    entered: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    let_go: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def __call__(self, items: Sequence[int]) -> Sequence[int]:
        self.batches.append(list(items))
        self.entered.release()
        assert self.let_go.acquire(timeout=PATIENCE_SECONDS)
        if any(item < 0 for item in items):
            raise ValueError(f"faulty: {min(items)}")
        return [10 * item for item in items]


@pytest.fixture
def held() -> Generator[Held]:
    made = Held()
    yield made
    made.let_go.release(100)


@dataclass
class Asked:
    """Jobs in worker threads whose inference the test holds."""

    held: Held
    count: int = 1
    most: int = 4
    ended: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        self.workers = Workers(self.count)
        self.batches = batches(self.held, self.most)

    def ask(self, item: int, *, finish: Callable[[int], int] = lambda found: found + 1) -> "Job[int]":
        return self.submit(lambda: Pending(self.batches, item, finish), str(item))

    def submit(self, call: Callable[[], Any], name: str) -> "Job[Any]":
        job = Job[Any](call, begun=lambda: None, ended=lambda: self.ended.append(name))
        self.workers.submit(job)
        return job

    async def entered(self) -> None:
        """Wait until a computation is held."""
        assert await asyncio.to_thread(self.held.entered.acquire, timeout=PATIENCE_SECONDS)


def in_loop(test: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await test()

    asyncio.run(bounded())


def test_a_lone_request_does_not_wait_for_company(held: Held) -> None:
    asked = Asked(held)
    held.let_go.release(1)

    async def test() -> None:
        assert await asked.ask(1).answer == 11

    in_loop(test)
    assert held.batches == [[1]]
    assert asked.ended == ["1"]


def test_a_request_after_a_pause_is_answered_too(held: Held) -> None:
    asked = Asked(held)
    held.let_go.release(100)

    async def test() -> None:
        for item in range(10):  # by the end of some pause the thread has left, however slow the machine
            assert await asked.ask(item).answer == 10 * item + 1
            await asyncio.sleep(0.01)

    in_loop(test)


def test_requests_that_arrive_during_an_inference_share_the_next_one(held: Held) -> None:
    asked = Asked(held)

    async def test() -> None:
        first = asked.ask(1)
        await asked.entered()
        others = [asked.ask(item) for item in (11, 21, 31, 41, 1)]
        held.let_go.release(100)
        assert [await job.answer for job in (first, *others)] == [11, 111, 211, 311, 411, 11]

    in_loop(test)
    assert held.batches == [[1], [11, 21, 31, 41], [1]]


def test_a_fault_of_one_request_affects_no_other(held: Held) -> None:
    asked = Asked(held)

    def broken(_: int) -> int:
        raise LookupError("planted")

    async def test() -> None:
        first = asked.ask(1)
        await asked.entered()
        good, bad, late, last = asked.ask(11), asked.ask(-1), asked.ask(21, finish=broken), asked.ask(1)
        failing, unfinished = bad.answer, late.answer
        held.let_go.release(100)
        assert [await job.answer for job in (first, good, last)] == [11, 111, 11]
        with pytest.raises(ValueError, match="faulty: -1"):
            await failing
        with pytest.raises(LookupError, match="planted"):
            await unfinished

    in_loop(test)


def test_a_job_that_shares_nothing_is_answered_between_those_that_do(held: Held) -> None:
    asked = Asked(held)

    async def test() -> None:
        first = asked.ask(1)
        await asked.entered()
        others = [asked.ask(11), asked.submit(lambda: "alone", "alone"), asked.ask(21)]
        held.let_go.release(100)
        assert [await job.answer for job in (first, *others)] == [11, 111, "alone", 211]

    in_loop(test)


def test_as_many_inferences_run_at_once_as_there_are_threads(held: Held) -> None:
    asked = Asked(held, count=2)

    async def test() -> None:
        first, second = asked.ask(1), None
        await asked.entered()
        second = asked.ask(11)
        await asked.entered()
        third = asked.ask(21)
        assert not await asyncio.to_thread(held.entered.acquire, timeout=0.05)
        held.let_go.release(100)
        assert [await job.answer for job in (first, second, third)] == [11, 111, 211]

    in_loop(test)
    assert held.batches == [[1], [11], [21]]


def test_a_job_can_be_withdrawn_until_it_begins(held: Held) -> None:
    asked = Asked(held)

    async def test() -> None:
        first = asked.ask(1)
        await asked.entered()
        waiting = asked.ask(11)
        assert not asked.workers.withdraw(first)
        assert asked.workers.withdraw(waiting)
        assert not asked.workers.withdraw(waiting)
        held.let_go.release(100)
        assert await first.answer == 11

    in_loop(test)
    assert held.batches == [[1]]
    assert asked.ended == ["1"]


def test_a_job_that_nobody_awaits_any_more_still_ends(held: Held) -> None:
    asked = Asked(held)

    async def test() -> None:
        job = asked.ask(1)
        await asked.entered()
        job.answer.cancel()
        held.let_go.release(1)
        while job.state is not State.ENDED:  # noqa: ASYNC110 - nothing announces it
            await asyncio.sleep(0.001)

    in_loop(test)
    assert asked.ended == ["1"]


def test_both_halves_of_a_job_belong_to_their_own_request(held: Held) -> None:
    asked = Asked(held)
    held.let_go.release(100)
    trace: ContextVar[int] = ContextVar("trace")
    seen: list[int] = []

    async def one(number: int) -> None:
        trace.set(number)

        def call() -> Pending[int, int, int]:
            seen.append(trace.get())
            return Pending(asked.batches, number, lambda _: seen.append(trace.get()) or number)

        assert await asked.submit(call, "").answer == number

    async def test() -> None:
        await asyncio.gather(*(one(number) for number in (1, 2, 3)))

    in_loop(test)
    assert sorted(seen) == [1, 1, 2, 2, 3, 3]


def test_many_at_once_all_get_their_own_answer() -> None:
    sizes: list[float] = []
    made = Batches[int, int](
        lambda items: [10 * item for item in items],
        Fit(most=5, size=lambda _: 1, kind=lambda item: item % 2),
        sizes.append,
    )
    workers = Workers(2)

    def job(item: int) -> "Job[int]":
        return Job(lambda: Pending(made, item, lambda found: found), begun=lambda: None, ended=lambda: None)

    async def test() -> None:
        jobs = [job(item) for item in range(500)]
        for one in jobs:
            workers.submit(one)
        assert await asyncio.gather(*(one.answer for one in jobs)) == [10 * item for item in range(500)]

    in_loop(test)
    assert sum(sizes) == 500
    assert max(sizes) <= 5
