"""The raw samples of a service's counters, read by the driver itself: the gate needs no Prometheus."""

import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager

from components.manifests.selectors import Selector
from delivery.errors import MetricsUnavailable
from delivery.metrics import sources
from delivery.metrics.counting import Metrics, Window
from delivery.metrics.kept import Kept
from delivery.metrics.places import places
from delivery.metrics.prometheus import Prometheus
from delivery.metrics.series import Labels, Series
from delivery.metrics.sources import Source, Target
from delivery.metrics.watch import Reader, Watch
from models.cluster import ClusterSettings
from models.offer import Counter


class Direct(Metrics):
    """Reads pods and proxy through the API server, while :meth:`watching`."""

    name = "metrics: direct"
    remembers = False

    def __init__(
        self,
        reader: Reader,
        cluster: ClusterSettings,
        *,
        prometheus: Prometheus | None = None,
        clock: Callable[[], float] = time.time,
        threads: bool = True,
    ) -> None:
        self._reader, self._cluster, self._prometheus = reader, cluster, prometheus
        self._clock, self._threads = clock, threads
        self._watch: Watch | None = None

    def now(self) -> float:
        """Return the current Unix time."""
        return self._clock()

    @contextmanager
    def watching(
        self, target: Target, within: Mapping[str, int], path: str, kept: Kept | None = None
    ) -> Generator[None]:
        """Read a service's processes once per second until the block ends."""
        if self._watch is not None:
            yield
            return
        watch = self._watch = self._watched(target, within, path, kept)
        try:
            watch.start(threads=self._threads)
            yield
        finally:
            self._watch = None
            watch.end()

    def forbidden(self) -> str:
        """Return the line about a right that the account lacks; empty if none is known to be lacking."""
        return self._watch.forbidden if self._watch else ""

    def round(self) -> None:
        """Read every process now, for tests with a simulated clock."""
        self._reading.round()

    def series(self, source: Source, window: Window) -> Iterable[Series]:
        """Return the samples in a window of all series of a source, and the value of each counter before it."""
        watch, (since, until) = self._reading, window
        if fault := watch.fault(source.counter, self.now()):
            raise MetricsUnavailable(fault)
        return watch.series(since, until, source.selects)

    def labels(self, selectors: Sequence[Selector], label: str) -> set[str]:
        """Return the values of a label among the current series of alternative selectors."""
        return {
            labels.get(label, "")
            for selector in selectors
            for labels, _ in self._reading.newest(selector.metric)
            if selector.selects(labels)
        }

    def total(self, selector: Selector) -> float | None:
        """Return the sum of the current values of some series; None = there are none."""
        found = [value for labels, value in self._reading.newest(selector.metric) if selector.selects(labels)]
        return sum(found) if found else None

    def value(self, query: str) -> float | None:
        """Ask Prometheus, which alone understands PromQL."""
        if self._prometheus is None:
            raise MetricsUnavailable(f"{query}: a query needs Prometheus; set slipway:cluster.metricsUrl")
        return self._prometheus.value(query)

    @property
    def _reading(self) -> Watch:
        if self._watch is None:
            raise MetricsUnavailable("the pods' metrics are read only while a release or a check runs")
        return self._watch

    def _watched(self, target: Target, within: Mapping[str, int], path: str, kept: Kept | None) -> Watch:
        asked = [
            sources.answers(target),
            sources.requests(target),
            *(sources.durations(target, name, most) for name, most in within.items()),
        ]
        found = [source for source in asked if source is not None]
        counters: set[Counter] = {source.counter for source in found}

        def selects(labels: Labels) -> bool:
            return any(source.selects(labels) for source in found)

        return Watch(
            reader=self._reader,
            places=places(target, self._cluster, path, counters),
            metrics={metric for source in found for metric in source.metrics},
            selects=selects,
            kept=kept,
            clock=self._clock,
        )
