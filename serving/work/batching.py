"""Dynamic batching: what waits while an inference runs is computed together in the next one.

No request ever waits for company: a batch is what has gathered meanwhile. A device that computes eight rows in the time
of one then answers eight times the traffic, and at low traffic nothing changes.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

X = TypeVar("X")
Y = TypeVar("Y")
R = TypeVar("R")


@dataclass(frozen=True, kw_only=True)
class Fit(Generic[X]):
    """What goes together.

    most: Largest sum of sizes in a batch; 1 computes each item alone. An item larger than that goes alone.
    size: What an item counts.
    kind: Only items of one kind go together.
    """

    most: int
    size: Callable[[X], int]
    kind: Callable[[X], Hashable]


@dataclass(frozen=True)
class Batches(Generic[X, Y]):
    """Computes items that came at the same time.

    compute: Gives an answer for each item, in order.
    seen: Is told the number of items of each batch.
    """

    compute: Callable[[Sequence[X]], Sequence[Y]]
    fit: Fit[X]
    seen: Callable[[float], None]

    def answer(self, item: X) -> Y:
        """The answer of a single item; raises what computing it raised."""
        [found] = self.answers([item])
        if isinstance(found, Failed):
            raise found.error
        return found

    def answers(self, items: Sequence[X]) -> "list[Y | Failed]":
        """The answer of each item, or its own error, in as few computations as fit."""
        found: list[Y | Failed] = []
        for batch in self._batches(items):
            found += self._settled(batch)
        return found

    def _batches(self, items: Sequence[X]) -> Iterator[Sequence[X]]:
        """Neighbours that fit: nobody is overtaken."""
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
        """Compute; after a failure each item alone, so that it is the faulty one's only."""
        self.seen(len(batch))
        try:
            answers = self.compute(batch)
            if len(answers) != len(batch):
                raise ValueError(f"{len(answers)} answers for {len(batch)} items")  # noqa: TRY301
        except Exception as error:  # noqa: BLE001 - raised again by whom it belongs to
            if len(batch) == 1:
                return [Failed(error)]
            return [found for item in batch for found in self._settled([item])]
        return list(answers)


@dataclass(frozen=True)
class Failed:
    """Why an item has no answer."""

    error: Exception


@dataclass(frozen=True)
class Pending(Generic[X, Y, R]):
    """What a job gives whose inference may be shared: its item, and what makes the job's result of the answer."""

    batches: Batches[X, Y]
    item: X
    finish: Callable[[Y], R]

    def result(self, found: "Y | Failed") -> R:
        """The job's result; raises what computing or finishing it raised."""
        if isinstance(found, Failed):
            raise found.error
        return self.finish(found)
