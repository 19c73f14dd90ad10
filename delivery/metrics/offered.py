"""Whether the series exist that a gate will read, before any request reaches the new slot.

A labelled counter has no series before its first request, in most client libraries. So a missing series proves nothing
by itself. It does if another series shows that requests were answered meanwhile, or if a histogram exists and lacks the
bound. Whatever cannot be known is left to the gate, which then ends inconclusive.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from components.manifests import selectors
from components.manifests.selectors import Matcher, Selector
from delivery.metrics import sources
from delivery.metrics.counting import Metrics
from delivery.metrics.sources import Target
from models.gate import Gate
from models.profile import Histogram, not_a_bound
from models.vocabulary import SlotName

_RECENT_SECONDS = 300.0
"""How far back to look for answered requests: Prometheus returns series for so long after their last sample."""
_SCRAPE_SECONDS = 75.0
"""Requests as new as this may not be in every counter yet: no alert allows longer intervals between two scrapes."""
_SOME = 5
"""Answered requests that prove that a missing series is not only unused so far."""
_MOST_NAMES = 40
"""Names of metrics in one message."""
_RUNTIME = ("process_", "python_", "go_", "scrape_", "promhttp_")
"""Prefixes of metrics that say nothing about requests."""


@dataclass(frozen=True)
class Offered:
    """The series of one slot."""

    metrics: Metrics
    target: Target
    slot: SlotName

    def faults(self, gate: Gate, now: float) -> Iterator[str]:
        """Yield a line for each criterion that can certainly not be judged at a Unix time.

        Raises:
            MetricsUnavailable: the metrics source does not answer.
        """
        exported, counter = self._names(), sources.answers(self.target)
        timed = {name: metric for name, (one, _) in gate.timed.items() if (metric := self._histogram(one))}
        counted = bool(counter and exported.intersection(counter.metrics))
        known = counted or self._proxy_counts()
        if gate.errors and counter and not known and any(self._has_timed(one) for one in timed.values()):
            yield f"errors: {self._lacks(counter.metrics, exported)}"
        for name, metric in timed.items():
            if f"{metric}_bucket" in exported:
                yield from self._bound_faults(name, metric, gate)
            elif counted and self._answered(now):
                yield f"{name}: {self._lacks([f'{metric}_bucket'], exported)}"

    def guess(self, gate: Gate) -> str:
        """Return which series of the gate the slot lacks, whether or not it got requests; empty if it lacks none."""
        exported, counter = self._names(), sources.answers(self.target)
        wanted = [*(counter.metrics[:1] if gate.errors and counter else ())]
        wanted += [f"{one}_bucket" for name, _ in gate.timed.values() if (one := self._histogram(name))]
        lacking = [one for one in wanted if one not in exported]
        return self._lacks(lacking, exported) if lacking else ""

    def _answered(self, now: float) -> bool:
        """Return whether the slot has lately answered requests that every counter must have by now."""
        role = next(role for role, slot in self.target.slots.items() if slot == self.slot)
        tally = self.metrics.counts(self.target, now - _RECENT_SECONDS, {}, now - _SCRAPE_SECONDS)[role]
        return tally.total - tally.errors >= _SOME

    def _proxy_counts(self) -> bool:
        """Return whether the proxy counts the requests of any slot.

        It then shows those of this slot, too, as soon as it sends some. What the servers have counted came another way,
        or to pods of an earlier version that are gone.
        """
        proxied = self.target.proxied
        if proxied is None:
            return False
        every = [
            Selector(own, proxied.metrics.requests)
            for slot in self.target.slots.values()
            for own in proxied.matchers(slot)
        ]
        return bool(self.metrics.labels(every, "__name__"))

    def _has_timed(self, metric: str) -> bool:
        """Return whether a histogram of the slot's servers has counted requests."""
        return (self.metrics.total(Selector(self._servers, f"{metric}_count")) or 0) >= _SOME

    def _bound_faults(self, name: str, metric: str, gate: Gate) -> Iterator[str]:
        asked, limits = gate.timed[name]
        histogram = self.target.profile.histograms.get(asked, Histogram(metric=metric))
        known = {float(text) for text in self.metrics.labels(self._of(f"{metric}_bucket"), "le") if text}
        finite = sorted(bound for bound in known if bound != float("inf"))
        if finite and histogram.bound(limits.within) not in finite:
            in_milliseconds = [bound / histogram.bound(1) for bound in finite]
            yield f"{name}: {not_a_bound(limits.within, f'{metric} of slot {self.slot}', in_milliseconds)}"

    def _histogram(self, name: str) -> str | None:
        """Return the metric of a histogram; None = nobody has it."""
        source = sources.durations(self.target, name, 1)
        return source.metrics[0].removesuffix("_bucket") if source else None

    def _names(self) -> set[str]:
        """Return the names of the slot's series: those of its pods, and those of the proxy."""
        found = self.metrics.labels((Selector(self._servers),), "__name__")
        if (proxied := self.target.proxied) is not None:
            own = proxied.metrics
            for metric in (own.requests, f"{own.durations}_bucket"):
                if self.metrics.labels(self._of(metric), "__name__"):
                    found.add(metric)
        return found

    @property
    def _servers(self) -> tuple[Matcher, ...]:
        return selectors.of_slot(self.target.service, self.slot, self.target.namespace)

    def _of(self, metric: str) -> tuple[Selector, ...]:
        """Return the slot's series of a metric, of its pods or of the proxy. They are alternatives."""
        proxied = self.target.proxied
        if proxied is not None and metric in (proxied.metrics.requests, f"{proxied.metrics.durations}_bucket"):
            return tuple(Selector(own, metric) for own in proxied.matchers(self.slot))
        return (Selector(self._servers, metric),)

    def _lacks(self, metrics: Iterable[str], exported: set[str]) -> str:
        names = sorted(name for name in exported if not name.startswith(_RUNTIME) and not name.endswith("_created"))
        more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
        known = (
            f"it has {', '.join(names[:_MOST_NAMES])}{more}" if names else f"{self.metrics.name} has none of its pods"
        )
        return f"slot {self.slot} has no series {', '.join(metrics)}; {known}"
