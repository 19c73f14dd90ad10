"""What waits while an inference runs is computed together, in order, each with its own answer or its own error."""

import threading
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from serving.batching import Batches, Fit
from serving.checksums import write_sums
from serving.errors import ModelUnusableError
from serving.payloads.generic.model import load_generic
from serving.payloads.generic.together import Tensors, batches_of
from serving.payloads.generic.train import INPUT, split, train
from serving.tests.support import PATIENCE_SECONDS, wait_until
from serving.tests.test_generic import TensorProto, identity


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


@dataclass
class Asked:
    """Batches under test, asked from as many threads as there are items."""

    held: Held
    batches: Batches[int, int]
    threads: ThreadPoolExecutor

    def ask(self, *items: int) -> "list[Future[int]]":
        """Ask one after the other, so that their order is known."""
        futures: list[Future[int]] = []
        for item in items:
            before = self.waiting()
            futures.append(self.threads.submit(self.batches.answer, item))
            wait_until(lambda before=before: self.waiting() > before, "the item waits")
        return futures

    def ask_first(self, item: int) -> "Future[int]":
        future = self.threads.submit(self.batches.answer, item)
        assert self.held.entered.acquire(timeout=PATIENCE_SECONDS)
        return future

    def waiting(self) -> int:
        return self.batches.waiting


@pytest.fixture
def held() -> Held:
    return Held()


@pytest.fixture
def threads(held: Held) -> Generator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as pool:
        yield pool
        held.let_go.release(100)


def batches(held: Held, threads: ThreadPoolExecutor, *, lanes: int = 1, most: int = 4) -> Asked:
    made = Batches[int, int](
        held,
        Fit(most=most, size=lambda item: abs(item) % 10, kind=lambda item: item > 50),
        lanes=lanes,
        seen=lambda _: None,
    )
    return Asked(held, made, threads)


def answers(futures: "list[Future[int]]") -> list[int]:
    return [future.result(PATIENCE_SECONDS) for future in futures]


def test_a_lone_item_does_not_wait_for_company(held: Held, threads: ThreadPoolExecutor) -> None:
    asked = batches(held, threads)
    held.let_go.release(1)
    assert asked.ask_first(1).result(PATIENCE_SECONDS) == 10
    assert held.batches == [[1]]


def test_what_gathers_meanwhile_is_computed_together_up_to_the_limit(held: Held, threads: ThreadPoolExecutor) -> None:
    asked = batches(held, threads)
    first = asked.ask_first(1)
    others = asked.ask(11, 21, 31, 41, 1)
    held.let_go.release(100)
    assert answers([first, *others]) == [10, 110, 210, 310, 410, 10]
    assert held.batches == [[1], [11, 21, 31, 41], [1]]


def test_sizes_count_and_nobody_is_overtaken(held: Held, threads: ThreadPoolExecutor) -> None:
    asked = batches(held, threads)
    first = asked.ask_first(1)
    others = asked.ask(13, 12, 11, 9)
    held.let_go.release(100)
    assert answers([first, *others]) == [10, 130, 120, 110, 90]
    assert held.batches == [[1], [13], [12, 11], [9]], "9 is larger than a batch and goes alone"


def test_only_one_kind_goes_together(held: Held, threads: ThreadPoolExecutor) -> None:
    asked = batches(held, threads)
    first = asked.ask_first(1)
    others = asked.ask(11, 61, 71, 21)
    held.let_go.release(100)
    answers([first, *others])
    assert held.batches == [[1], [11], [61, 71], [21]]


def test_a_faulty_item_fails_alone(held: Held, threads: ThreadPoolExecutor) -> None:
    asked = batches(held, threads)
    first = asked.ask_first(1)
    good, bad, also_good = asked.ask(11, -1, 21)
    held.let_go.release(100)
    assert answers([first, good, also_good]) == [10, 110, 210]
    with pytest.raises(ValueError, match="faulty: -1"):
        bad.result(PATIENCE_SECONDS)


def test_as_many_batches_run_at_once_as_there_are_lanes(held: Held, threads: ThreadPoolExecutor) -> None:
    asked = batches(held, threads, lanes=2)
    first, second = asked.ask_first(1), asked.ask_first(11)
    third = asked.ask(21)
    assert not held.entered.acquire(timeout=0.05)
    held.let_go.release(100)
    assert answers([first, second, *third]) == [10, 110, 210]


def test_many_at_once_all_get_their_own_answer(threads: ThreadPoolExecutor) -> None:
    sizes: list[float] = []
    made = Batches[int, int](
        lambda items: [10 * item for item in items],
        Fit(most=5, size=lambda _: 1, kind=lambda item: item % 2),
        lanes=2,
        seen=sizes.append,
    )
    assert list(threads.map(made.answer, range(500))) == [10 * item for item in range(500)]
    assert sum(sizes) == 500
    assert max(sizes) <= 5


def test_a_batch_gives_each_request_what_it_would_get_alone(tmp_path: Path) -> None:
    write_sums(tmp_path, train(0).contents())
    model = load_generic(tmp_path, 1)
    requests = [split().held_out[:1], split().held_out[1:4], split().held_out[4:6]]
    together = model.batches.compute([{INPUT: rows} for rows in requests])
    for rows, answer in zip(requests, together, strict=True):
        alone = model.infer({INPUT: rows}, ["label", "probabilities"])
        assert answer["label"].tolist() == alone["label"].tolist()
        assert np.allclose(answer["probabilities"], alone["probabilities"], atol=1e-6)


class Rows:
    """A session that answers with what it was given, or with one row for all."""

    def __init__(self, *, one_row: bool = False) -> None:
        self._one_row = one_row

    def run(self, _: list[str], feed: Tensors) -> list[object]:
        return [feed["a"][:1] if self._one_row else feed["a"]]


def test_a_model_that_mixes_its_rows_is_noticed_and_each_request_computed_alone() -> None:
    made = batches_of(Rows(one_row=True), ["a"], lanes=1, most=8, seen=lambda _: None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="another number of rows"):
        made.compute([{"a": np.zeros((2, 1))}, {"a": np.zeros((1, 1))}])


def test_inputs_of_different_lengths_go_alone() -> None:
    made = batches_of(Rows(), ["a"], lanes=1, most=8, seen=lambda _: None)  # type: ignore[arg-type]
    assert made.fit.size({"a": np.zeros((2, 3)), "b": np.zeros((2, 1))}) == 2
    assert made.fit.size({"a": np.zeros((2, 3)), "b": np.zeros((1, 3))}) == 9
    assert made.fit.size({"a": np.zeros(())}) == 1


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        (b'{"max_batch_size": 4}', "max_batch_size is 4, but the first dimension of given, taken is fixed"),
        (b'{"max_batch_size": 0}', "max_batch_size: Input should be greater than or equal to 1"),
        (b"[]", "metadata.json: "),
    ],
)
def test_a_batch_size_that_cannot_be_is_refused(metadata: bytes, reason: str, tmp_path: Path) -> None:
    write_sums(tmp_path, {"model.onnx": identity(TensorProto.FLOAT, [1]), "metadata.json": metadata})
    with pytest.raises(ModelUnusableError, match=reason):
        load_generic(tmp_path, 1)
