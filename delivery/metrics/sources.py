"""Which series count a service's requests, and which time them: those of the proxy, or those of the metrics profile."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from components.manifests import selectors
from components.manifests.proxy_series import Driver, Proxied, Proxy
from components.manifests.rates import SLOT
from components.manifests.selectors import Matcher, Selector
from delivery.metrics import proxies
from delivery.metrics.series import Labels
from models.offer import Counter, Offer
from models.pattern import whole
from models.profile import Answers, Histogram, MetricsProfile, Requests
from models.vocabulary import SlotName

EVERY = "+Inf"
"""The bound of the bucket that holds all requests."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """The slots of one service to query."""

    namespace: str
    service: str
    slots: Mapping[str, SlotName]
    """Role → slot, such as ``{"live": "blue", "candidate": "green"}``; a roll in place has only a candidate."""
    routed: bool
    """Whether a route leads to the service; without one, only the servers count its requests."""
    driver: Driver
    proxy: Proxy | None
    """The proxy whose series can be read (``slipway:cluster.proxyMetrics``)."""
    profile: MetricsProfile
    proxy_judges: bool = True
    """Whether the proxy's counters show which answers failed (:func:`models.offer.proxy_of`)."""

    def role_of(self, slot: str | None) -> str | None:
        """Return the role of a slot; None = it has no role here."""
        return next((role for role, own in self.slots.items() if own == slot), None)

    @cached_property
    def offer(self) -> Offer:
        """Who counts and times the requests."""
        return Offer(profile=self.profile, proxied=self.proxied is not None)

    @property
    def proxied(self) -> Proxied | None:
        """The service as the proxy that counts its answers names it; None = no proxy does."""
        return self.behind if self.proxy_judges else None

    @cached_property
    def behind(self) -> Proxied | None:
        """The service as its proxy names it; None = no proxy's series can be read."""
        if not self.routed or self.proxy is None:
            return None
        return Proxied(namespace=self.namespace, service=self.service, driver=self.driver, proxy=self.proxy)


def _never(_: Labels) -> bool:
    return False


@dataclass(frozen=True, kw_only=True)
class Source:
    """Counters of answers."""

    metrics: tuple[str, ...]
    """The metrics' names."""
    selectors: tuple[Selector, ...]
    counter: Counter
    """Who has the series."""
    slot_of: Callable[[Labels], str | None]
    failed: Callable[[Labels], bool] = _never
    """Whether a series counts answers that failed because of the servers or the proxy."""
    extra: str | None = None
    """A counter of failed answers only. Its requests are in the other counters too."""

    def selects(self, series: Labels) -> bool:
        """Return whether a series is one of these counters."""
        return any(selector.selects(series) for selector in self.selectors)

    def counts(self, series: Labels) -> bool:
        """Return whether a series counts requests that no other series counts."""
        return series.get("__name__") != self.extra


def answers(target: Target) -> Source | None:
    """Return the counter closest to the user, because a request that never reached a server is a failed one."""
    if target.proxied is not None:
        return _of_proxy(target.proxied)
    return _of_servers(target, target.profile.requests) if target.profile.requests else None


def requests(target: Target) -> Source | None:
    """Return the counter that shows how requests are split: any proxy's, because it counts failed gRPC calls too."""
    return _of_proxy(target.behind) if target.behind is not None else answers(target)


def _of_proxy(proxied: Proxied) -> Source:
    metrics = proxied.metrics
    return Source(
        metrics=(metrics.requests,),
        selectors=proxies.selectors(proxied, metrics.requests),
        counter="proxy",
        slot_of=proxies.slot_of(proxied),
        failed=lambda series: series.get(metrics.status, "").startswith("5"),
    )


def durations(target: Target, histogram: str, within: int) -> Source | None:
    """Return a histogram's buckets: requests within a time in milliseconds, and all requests; None = nobody has it."""
    if (found := target.profile.histograms.get(histogram)) is not None:
        metric, bounds = f"{found.metric}_bucket", selectors.bucket(found.bound(within), EVERY)
        own = Selector((*_of_slots(target, found.without), bounds), metric)
        return Source(metrics=(metric,), selectors=(own,), counter="server", slot_of=slot_of_server)
    if target.offer.times(histogram) == "proxy" and target.proxied is not None:
        metric = f"{target.proxied.metrics.durations}_bucket"
        more = selectors.bucket(Histogram(metric=metric).bound(within), EVERY)
        return Source(
            metrics=(metric,),
            selectors=proxies.selectors(target.proxied, metric, more),
            counter="proxy",
            slot_of=proxies.slot_of(target.proxied),
        )
    return None


def slot_of_server(series: Labels) -> str | None:
    """Return the slot from the label that the ServiceMonitor copies from the slot's own Service."""
    return series.get(SLOT)


def _of_slots(target: Target, excluded: Mapping[str, str]) -> tuple[Matcher, ...]:
    return selectors.of_service(target.service, target.namespace) + selectors.excluding(excluded)


def _of_servers(target: Target, requests: Requests) -> Source:
    """Return the servers' counters, and the counter of failed answers if the profile has a separate one."""
    own, failed = _of_slots(target, requests.without), requests.errors
    extra = failed.counter if failed.counter not in (None, *requests.counters) else None
    metrics = (*requests.counters, *([extra] if extra else []))
    return Source(
        metrics=metrics,
        selectors=tuple(Selector(own, metric) for metric in metrics),
        counter="server",
        slot_of=slot_of_server,
        failed=lambda series: _among(failed, series),
        extra=extra,
    )


def _among(answers: Answers, series: Labels) -> bool:
    """Return whether a series counts these answers."""
    if answers.counter is not None and series.get("__name__") != answers.counter:
        return False
    if answers.label is None or answers.values is None:
        return True
    return whole(answers.values, series.get(answers.label, ""))
