"""Dynamic batching: what waits while an inference runs is computed together in the next one.

No request ever waits for company: a batch is what has gathered meanwhile. A device that computes eight rows in the time
of one then answers eight times the traffic, and at low traffic nothing changes.
"""

import threading
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

X = TypeVar("X")
Y = TypeVar("Y")


class _Entry(Generic[X, Y]):
    """One item on its way."""

    def __init__(self, item: X) -> None:
        self.item = item
        self.settled = False
        self.answer: Y | None = None
        self.error: Exception | None = None

    def result(self) -> Y:
        if self.error is not None:
            raise self.error
        return cast("Y", self.answer)


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


class Batches(Generic[X, Y]):
    """Called from worker threads, which compute for each other: whose turn it is takes everything that fits along.

    compute: Gives an answer for each item, in order.
    lanes: How many batches are computed at once.
    seen: Is told the number of items of each batch.
    """

    def __init__(
        self,
        compute: Callable[[Sequence[X]], Sequence[Y]],
        fit: Fit[X],
        *,
        lanes: int,
        seen: Callable[[float], None],
    ) -> None:
        self.compute = compute
        self.fit = fit
        self._seen = seen
        self._free = lanes
        self._waiting: deque[_Entry[X, Y]] = deque()
        self._changed = threading.Condition()

    @property
    def waiting(self) -> int:
        """Items that no computation has taken yet."""
        return len(self._waiting)

    def answer(self, item: X) -> Y:
        """The item's answer, computed by this thread or by another one; raises what computing it raised."""
        entry = _Entry[X, Y](item)
        with self._changed:
            self._waiting.append(entry)
            self._changed.wait_for(lambda: entry.settled or self._leads(entry))
            if entry.settled:
                return entry.result()
            batch = self._take()
            self._free -= 1
            self._changed.notify_all()  # another lane may be free for the next in line
        try:
            self._settle(batch)
        finally:
            with self._changed:
                self._free += 1
                for taken in batch:
                    taken.settled = True
                self._changed.notify_all()
        return entry.result()

    def _leads(self, entry: _Entry[X, Y]) -> bool:
        return self._free > 0 and bool(self._waiting) and self._waiting[0] is entry

    def _take(self) -> list[_Entry[X, Y]]:
        """The first item and all behind it that fit, in order: nobody is overtaken."""
        batch = [self._waiting.popleft()]
        kind, total = self.fit.kind(batch[0].item), self.fit.size(batch[0].item)
        while self._waiting and self.fit.kind(self._waiting[0].item) == kind:
            total += self.fit.size(self._waiting[0].item)
            if total > self.fit.most:
                break
            batch.append(self._waiting.popleft())
        return batch

    def _settle(self, batch: Sequence[_Entry[X, Y]]) -> None:
        """Compute; after a failure each item alone, so that it is the faulty one's only."""
        self._seen(len(batch))
        try:
            answers = self.compute([entry.item for entry in batch])
            for entry, answer in zip(batch, answers, strict=True):
                entry.answer = answer
        except Exception as error:  # noqa: BLE001 - raised again by whom it belongs to
            if len(batch) == 1:
                batch[0].error = error
                return
            for entry in batch:
                self._settle([entry])
