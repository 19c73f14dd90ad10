"""Mean intersection over union, the usual measure of a parser."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from serving.payloads.parsing.labels import LABELS

Labels = NDArray[np.uint8]


class Overlap(NamedTuple):
    """Intersection over union of each part, over all pixels of all pictures; 0 for a part that never occurs."""

    parts: dict[str, float]

    @property
    def mean(self) -> float:
        """Mean over the parts: small parts count as much as large ones."""
        return sum(self.parts.values()) / len(self.parts)


def overlap(pairs: Iterable[tuple[Labels, Labels]]) -> Overlap:
    """Compare predicted with true masks, given as pairs of arrays of the same shape."""
    size = len(LABELS)
    counts = np.zeros((size, size), np.int64)
    for given, true in pairs:
        pair = given.astype(np.int64).ravel() * size + true.ravel()
        counts += np.bincount(pair, minlength=size * size).reshape(size, size)
    both = np.diag(counts)
    either = counts.sum(axis=0) + counts.sum(axis=1) - both
    return Overlap(dict(zip(LABELS, (both / np.maximum(either, 1)).tolist(), strict=True)))
