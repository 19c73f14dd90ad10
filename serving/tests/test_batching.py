"""Items that wait during an inference are computed together, in order, each with its own answer or error."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from serving.errors import ModelUnusableError
from serving.models.checksums import write_sums
from serving.payloads.generic.batching import Tensors, batches_of
from serving.payloads.generic.model import load_generic
from serving.payloads.generic.train import INPUT, split, train
from serving.tests.test_generic import TensorProto, identity
from serving.work.batching import Batches, Failed, Fit


def batches(compute: Callable[[Sequence[int]], Sequence[int]], most: int = 4) -> Batches[int, int]:
    return Batches(
        compute, Fit(most=most, size=lambda item: abs(item) % 10, kind=lambda item: item > 50), lambda _: None
    )


def in_order(items: Sequence[int], most: int = 4) -> list[list[int]]:
    """The batches that are made of items that came together."""
    seen: list[list[int]] = []

    def compute(batch: Sequence[int]) -> Sequence[int]:
        seen.append(list(batch))
        return [10 * item for item in batch]

    assert batches(compute, most).answers(items) == [10 * item for item in items]
    return seen


def test_items_that_arrive_together_share_a_batch_up_to_the_limit() -> None:
    assert in_order([11, 21, 31, 41, 1]) == [[11, 21, 31, 41], [1]]


def test_an_empty_batch_is_not_computed() -> None:
    assert in_order([]) == []


def test_sizes_limit_a_batch_and_items_keep_their_order() -> None:
    assert in_order([13, 12, 11, 9]) == [[13], [12, 11], [9]], "9 is larger than a batch and goes alone"


def test_only_consecutive_items_of_one_kind_share_a_batch() -> None:
    assert in_order([11, 61, 71, 21]) == [[11], [61, 71], [21]]


def test_a_faulty_item_fails_alone() -> None:
    def compute(items: Sequence[int]) -> Sequence[int]:
        if any(item < 0 for item in items):
            raise ValueError(f"faulty: {min(items)}")
        return [10 * item for item in items]

    good, bad, also_good = batches(compute).answers([11, -1, 21])
    assert (good, also_good) == (110, 210)
    assert isinstance(bad, Failed)
    assert str(bad.error) == "faulty: -1"
    with pytest.raises(ValueError, match="faulty: -1"):
        batches(compute).answer(-1)


def test_a_computation_that_answers_for_too_few_is_an_error_of_each() -> None:
    found = batches(lambda _: []).answers([11, 21])
    assert [type(one) for one in found] == [Failed, Failed]


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
    made = batches_of(Rows(one_row=True), ["a"], most=8, seen=lambda _: None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="a different number of rows"):
        made.compute([{"a": np.zeros((2, 1))}, {"a": np.zeros((1, 1))}])


def test_inputs_of_different_lengths_are_computed_alone() -> None:
    made = batches_of(Rows(), ["a"], most=8, seen=lambda _: None)  # type: ignore[arg-type]
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
def test_an_impossible_batch_size_is_refused(metadata: bytes, reason: str, tmp_path: Path) -> None:
    write_sums(tmp_path, {"model.onnx": identity(TensorProto.FLOAT, [1]), "metadata.json": metadata})
    with pytest.raises(ModelUnusableError, match=reason):
        load_generic(tmp_path, 1)
