"""Several requests in one inference: rows are concatenated along the first dimension and split again."""

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.models.onnx import Session
from serving.work.batching import Batches, Fit

Tensors = dict[str, NDArray[Any]]


def batches_of(
    session: Session, outputs: Sequence[str], *, most: int, seen: Callable[[float], None]
) -> Batches[Tensors, Tensors]:
    """Return batches of at most `most` rows for a session; 1 computes each request alone."""

    def compute(feeds: Sequence[Tensors]) -> Sequence[Tensors]:
        if len(feeds) == 1:
            return [_run(session, outputs, feeds[0])]
        rows = [_rows(feed) for feed in feeds]
        together = {name: np.concatenate([feed[name] for feed in feeds]) for name in feeds[0]}
        answered = _run(session, outputs, together)
        if any(len(values) != sum(rows) for values in answered.values()):
            raise ValueError("the model returns a different number of rows than it takes; remove max_batch_size")
        ends = list(accumulate(rows))[:-1]
        parts = {name: np.split(values, ends) for name, values in answered.items()}
        return [{name: parts[name][index] for name in outputs} for index in range(len(feeds))]

    def size(feed: Tensors) -> int:
        """Return the number of rows; inputs with different row counts cannot be batched."""
        rows = _rows(feed)
        return rows if all(len(values) == rows for values in feed.values() if values.ndim) else most + 1

    def kind(feed: Tensors) -> object:
        return tuple((name, values.shape[1:]) for name, values in sorted(feed.items()))

    return Batches(compute, Fit(most=most, size=size, kind=kind), seen)


def _run(session: Session, outputs: Sequence[str], feed: Tensors) -> Tensors:
    return dict(zip(outputs, session.run(list(outputs), feed), strict=True))


def _rows(feed: Tensors) -> int:
    """Return the size of the first dimension; 1 for scalar inputs or no inputs."""
    first = next(iter(feed.values()), None)
    return len(first) if first is not None and first.ndim else 1
