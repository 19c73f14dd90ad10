"""Reads a service's pods and its proxy once per second, each on its own: a slow one delays no other."""

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Condition, Event, Thread
from typing import Protocol

from components.api_client import Json
from delivery.errors import MetricsForbidden, MetricsUnavailable
from delivery.metrics import exposition
from delivery.metrics.history import START, History, Selects
from delivery.metrics.kept import Kept
from delivery.metrics.places import Endpoint, Place, runs
from delivery.metrics.series import Labels, Series
from delivery.metrics.workers import Workers
from models.offer import Counter

_PERIOD_SECONDS = 1.0
_STALE_SECONDS = 5.0
"""Without a successful read for this long, nothing is judged. The next read makes up for a single failure."""
_FIRST_SECONDS = 3.0
"""How long to wait for the first reads. They give the counters' values before traffic moves."""
_THREADS = 8
"""Reads at the same time. The API server's client keeps ten connections on two cores."""


class Reader(Protocol):
    """Reads from a cluster; raises MetricsUnavailable."""

    def listed(self, path: str, selector: Mapping[str, str]) -> list[Json]:
        """Return the selected pods."""
        ...

    def text(self, address: str) -> str:
        """Return the metrics of a process."""
        ...


@dataclass
class _Read:
    """The newest read of a process."""

    endpoint: Endpoint
    text: str


@dataclass
class Watch:
    """What the driver has read of one service's processes."""

    reader: Reader
    places: list[Place]
    metrics: Collection[str]
    """The metrics that are kept."""
    selects: Selects
    """Whether a series is kept: a proxy has those of all services."""
    kept: Kept | None = None
    clock: Callable[[], float] = time.time
    history: History = field(default_factory=History)
    forbidden: str = ""
    """The message about a right that the account lacks; empty = no read was refused."""
    _newest: dict[str, _Read] = field(default_factory=dict[str, _Read])
    _fresh: dict[Counter, float] = field(default_factory=dict[Counter, float])
    """When a place was last read, or had nothing to read."""
    _faults: dict[Counter, str] = field(default_factory=dict[Counter, str])
    _busy: set[str] = field(default_factory=set[str])
    """The processes and places that are being read."""
    _done: Condition = field(default_factory=Condition)
    """Guards everything above, and tells that a read has ended."""
    _stop: Event = field(default_factory=Event)
    _workers: Workers | None = None

    def start(self, *, threads: bool = True) -> None:
        """Start to read once per second, and wait a short time for the first reads; without threads, read once."""
        if self.kept is not None:
            self.kept.load(self.history)
        if not threads:
            self.round()
            return
        self._workers = Workers(_THREADS)
        self.round()
        Thread(target=self._run, daemon=True, name="metrics").start()
        self.settle(_FIRST_SECONDS)

    def end(self) -> None:
        """Stop reading."""
        self._stop.set()
        if self._workers is not None:
            self._workers.end()
        with self._done:
            if self.kept is not None:
                self.kept.close()

    def round(self) -> None:
        """Begin a read of each process that is not being read."""
        for place in self.places:
            self._begin(place.shown, lambda place=place: self._look(place))

    def settle(self, seconds: float) -> None:
        """Wait until all reads have ended, but no longer than ``seconds``."""
        with self._done:
            self._done.wait_for(lambda: not self._busy, seconds)

    def fault(self, counter: Counter, now: float) -> str:
        """Return why the counters of the proxy or of the servers are not known at a time; empty if they are."""
        with self._done:
            if now - self._fresh.get(counter, 0.0) <= _STALE_SECONDS:
                return ""
            return self._faults.get(counter, f"no answer within {_STALE_SECONDS:g} s")

    def series(self, since: float, until: float, selects: Selects) -> list[Series]:
        """Return the selected counters with samples in a window."""
        with self._done:
            return list(self.history.series(since, until, selects))

    def newest(self, metric: str) -> Iterable[tuple[Labels, float]]:
        """Yield the newest samples of a metric that the running processes have; an empty name = one of each metric."""
        with self._done:
            reads = list(self._newest.values())
        for read in reads:
            if metric:
                with suppress(ValueError):  # a line that is no sample says nothing about the service
                    for labels, value in exposition.samples(read.text, (metric,)):
                        yield read.endpoint.labelled(labels), value
            else:
                for name in exposition.names(read.text):
                    yield read.endpoint.labelled({"__name__": name}), 0.0

    def _run(self) -> None:
        while not self._stop.wait(_PERIOD_SECONDS):
            self.round()

    def _begin(self, name: str, work: Callable[[], None]) -> None:
        with self._done:
            if name in self._busy:
                return
            self._busy.add(name)

        def whole() -> None:
            try:
                work()
            finally:
                with self._done:
                    self._busy.discard(name)
                    self._done.notify_all()

        if self._workers is None:
            whole()
        else:
            self._workers.call(whole)

    def _look(self, place: Place) -> None:
        """Find a place's processes, and begin to read them."""
        pods: list[Json] = []
        try:
            if not place.url:
                pods = [pod for pod in self.reader.listed(place.listed, place.selector) if runs(pod)]
        except MetricsUnavailable as error:
            self._failed(place, error)
            return
        found = [place.itself] if place.url else [one for pod in pods if (one := place.endpoint(pod))]
        with self._done:
            running = {endpoint.process for endpoint in found}
            gone = [name for name in self._newest if name.startswith(f"{place.counter}/") and name not in running]
            for name in gone:
                del self._newest[name]
            if not found and pods:
                self._faults[place.counter] = f"the {place.shown} have no port for metrics (metricsProfile.port)"
            elif not found and place.service:
                self._fresh[place.counter] = self.clock()
            elif not found:
                self._faults[place.counter] = f"there are no running {place.shown} (slipway:cluster.proxyPods)"
        for endpoint in found:
            self._begin(endpoint.process, lambda endpoint=endpoint: self._read(place, endpoint))

    def _read(self, place: Place, endpoint: Endpoint) -> None:
        at = self.clock()
        try:
            text = self.reader.text(endpoint.address)
            found = list(exposition.samples(text, (*self.metrics, START), place.mentions))
        except MetricsUnavailable as error:
            self._failed(place, error)
            return
        except ValueError as error:
            self._failed(place, MetricsUnavailable(f"{endpoint.address}: not Prometheus' text format: {error}"))
            return
        started = next((value for labels, value in found if labels["__name__"] == START), 0.0)
        labelled = [(endpoint.labelled(labels), value) for labels, value in found]
        samples = [(labels, value) for labels, value in labelled if self.selects(labels)]
        with self._done:
            if self._stop.is_set():
                return
            self._newest[endpoint.process] = _Read(endpoint, text)
            self._fresh[place.counter] = max(at, self._fresh.get(place.counter, 0.0))
            self.history.add(endpoint.process, at, samples, created=endpoint.created, started=started)
            if self.kept is not None:
                self.kept.add(endpoint.process, at, samples, created=endpoint.created, started=started)

    def _failed(self, place: Place, error: MetricsUnavailable) -> None:
        with self._done:
            self._faults[place.counter] = str(error)
            if isinstance(error, MetricsForbidden):
                self.forbidden = str(error)
