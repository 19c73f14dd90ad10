"""Exact counts of requests, errors and slow answers per slot of a service, from the raw samples of a source."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from components.manifests.selectors import Selector
from delivery.metrics import sources
from delivery.metrics.kept import Kept
from delivery.metrics.series import Series
from delivery.metrics.sources import Source, Target
from models.delivery import Arm

Window = tuple[float, float]
"""Unix times: after the first, up to the second."""


@dataclass(frozen=True, kw_only=True)
class Tally:
    """The counts of one slot's answers in a window."""

    total: int = 0
    """All answers, by the proxy's counter if there is one."""
    errors: int = 0
    """The failed answers among ``total``."""
    times: Mapping[str, Arm] = field(default_factory=dict[str, Arm])
    """By histogram, the slow answers among all that the histogram timed. Its total is not ``total``, because the proxy
    is scraped at other moments."""


class Metrics(ABC):
    """Where raw samples come from, and the counts that are made of them.

    Every method raises MetricsUnavailable, with a one-line message, if it cannot get an answer.
    """

    name: str
    """The source in messages."""
    remembers: bool = True
    """Whether the source has samples from before it was first asked."""

    def watching(
        self,
        target: Target,  # noqa: ARG002 -- for sources that read only what they are told to
        within: Mapping[str, int],  # noqa: ARG002
        path: str,  # noqa: ARG002
        kept: Kept | None = None,  # noqa: ARG002
    ) -> AbstractContextManager[None]:
        """Return a context in which the source must have the samples of a service.

        Args:
            target: The service.
            within: By histogram, the time in milliseconds that the gate judges.
            path: Path of the servers' metrics.
            kept: The file for what is read; None = it is forgotten at the end.
        """
        return nullcontext()

    def forbidden(self) -> str:
        """Return the line about a right that the account lacks; empty if none is known to be lacking."""
        return ""

    @abstractmethod
    def now(self) -> float:
        """Return the current Unix time."""

    @abstractmethod
    def series(self, source: Source, window: Window) -> Iterable[Series]:
        """Return the samples in a window of all series of a source, and the value of each counter before it."""

    @abstractmethod
    def labels(self, selectors: Sequence[Selector], label: str) -> set[str]:
        """Return the values of a label among the current series of alternative selectors."""

    @abstractmethod
    def total(self, selector: Selector) -> float | None:
        """Return the sum of the current values of some series; None = there are none."""

    @abstractmethod
    def value(self, query: str) -> float | None:
        """Return the single number of a PromQL query; None = there is none (yet), or it is not finite."""

    def counts(
        self, target: Target, since: float, within: Mapping[str, int], until: float | None = None
    ) -> dict[str, Tally]:
        """Count the answers by role since a Unix time, or up to one scrape earlier, until now or ``until``.

        ``within`` holds, by histogram, the time in milliseconds after which an answer is slow.
        """
        window = since, self.now() if until is None else until
        total, errors = (dict.fromkeys(target.slots, 0.0) for _ in range(2))
        for role, source, series in self._by_role(target, sources.answers(target), window):
            total[role] += series.risen if source.counts(series.labels) else 0
            errors[role] += series.risen if source.failed(series.labels) else 0
        times = {
            name: self._times(target, sources.durations(target, name, most), window) for name, most in within.items()
        }
        return {
            role: Tally(
                total=round(total[role]),
                errors=round(errors[role]),
                times={name: arms[role] for name, arms in times.items()},
            )
            for role in target.slots
        }

    def _times(self, target: Target, source: Source | None, window: Window) -> dict[str, Arm]:
        """Count the slow answers of one histogram by role.

        A slot whose histogram lacks the bound has no counts: all its answers would seem slow.
        """
        timed, quick = dict.fromkeys(target.slots, 0.0), dict[str, float]()
        for role, _, series in self._by_role(target, source, window):
            if series.labels["le"] == sources.EVERY:
                timed[role] += series.risen
            else:
                quick[role] = quick.get(role, 0.0) + series.risen
        return {role: _arm(every, quick.get(role)) for role, every in timed.items()}

    def recent(self, target: Target, since: float, seconds: float) -> dict[str, int]:
        """Count the answers by role in the newest ``seconds``, only from scrapes after ``since``.

        A request that was answered just before ``since`` is not counted, so the count needs two scrapes after
        ``since``.
        """
        now = self.now()
        begin = max(since, now - seconds)
        found = dict.fromkeys(target.slots, 0.0)
        for role, source, series in self._by_role(target, sources.requests(target), (since, now)):
            if source.counts(series.labels):
                found[role] += series.risen_after(begin)
        return {role: round(requests) for role, requests in found.items()}

    def _by_role(self, target: Target, source: Source | None, window: Window) -> Iterator[tuple[str, Source, Series]]:
        if source is None:
            return
        for series in self.series(source, window):
            if (role := target.role_of(source.slot_of(series.labels))) is not None:
                yield role, source, series


def _arm(timed: float, quick: float | None) -> Arm:
    """Return the slow answers among all. If a pod disappears, a histogram's buckets may come from two scrapes."""
    total = round(timed) if quick is not None else 0
    return Arm(bad=min(max(total - round(quick or 0.0), 0), total), total=total)
