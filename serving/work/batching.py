"""Dynamic batching: items that arrive while an inference runs are computed together in the next one.

No request waits for a batch to fill: a batch holds whatever has arrived in the meantime. A device that computes eight
rows in the time of one then serves eight times the traffic, and at low traffic nothing changes.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

X = TypeVar("X")
Y = TypeVar("Y")
R = TypeVar("R")


@dataclass(frozen=True, kw_only=True)
class Fit(Generic[X]):
    """The rule that decides which items share a batch.

    most: Largest sum of sizes in a batch; 1 computes each item alone. A larger item is computed alone.
    size: Returns the size of an item.
    kind: Returns the kind of an item; only items of the same kind share a batch.
    """

    most: int
    size: Callable[[X], int]
    kind: Callable[[X], Hashable]


@dataclass(frozen=True)
class Batches(Generic[X, Y]):
    """Computes items that arrived at the same time.

    compute: Returns an answer for each item, in order.
    seen: Called with the number of items of each batch.
    """

    compute: Callable[[Sequence[X]], Sequence[Y]]
    fit: Fit[X]
    seen: Callable[[float], None]

    def answer(self, item: X) -> Y:
        """Return the answer to one item, or raise the error from computing it."""
        [found] = self.answers([item])
        if isinstance(found, Failed):
            raise found.error
        return found

    def answers(self, items: Sequence[X]) -> "list[Y | Failed]":
        """Return an answer or an error for each item, in as few computations as possible."""
        found: list[Y | Failed] = []
        for batch in self._batches(items):
            found += self._settled(batch)
        return found

    def _batches(self, items: Sequence[X]) -> Iterator[Sequence[X]]:
        """Yield groups of consecutive items that fit together; items keep their order."""
        begin, total, kind = 0, 0, None
        for index, item in enumerate(items):
            size, own = self.fit.size(item), self.fit.kind(item)
            if index > begin and (own != kind or total + size > self.fit.most):
                yield items[begin:index]
                begin, total = index, 0
            total, kind = total + size, own
        if items:
            yield items[begin:]

    def _settled(self, batch: Sequence[X]) -> "list[Y | Failed]":
        """Compute a batch; if it fails, compute each item alone, so that only the faulty item fails."""
        self.seen(len(batch))
        try:
            answers = self.compute(batch)
            if len(answers) != len(batch):
                raise ValueError(f"{len(answers)} answers for {len(batch)} items")  # noqa: TRY301
        except Exception as error:  # noqa: BLE001 - raised again for the item that caused it
            if len(batch) == 1:
                return [Failed(error)]
            return [found for item in batch for found in self._settled([item])]
        return list(answers)


@dataclass(frozen=True)
class Failed:
    """The error of an item that has no answer."""

    error: Exception


@dataclass(frozen=True)
class Pending(Generic[X, Y, R]):
    """A job whose inference may be batched: its item, and the function that turns the answer into the job's result."""

    batches: Batches[X, Y]
    item: X
    finish: Callable[[Y], R]

    def result(self, found: "Y | Failed") -> R:
        """Return the job's result, or raise the error from computing or finishing it."""
        if isinstance(found, Failed):
            raise found.error
        return self.finish(found)
