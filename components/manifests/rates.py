"""PromQL for the rates of a service's requests and times: by the names of its metrics profile, or those of its proxy.

Every expression keeps the slot as a label, because the many good answers of the live slot must not hide a bad canary.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from components import labels
from components.manifests import selectors
from components.manifests.monitor import scraped
from components.manifests.proxy_series import Proxied
from models.offer import Offer
from models.profile import DURATION, Answers, Histogram, Mean
from models.vocabulary import OTHER_SLOT

SLOT = scraped(labels.SLOT)
Which = Literal["all", "errors", "refused"]
_SCALE = {"seconds": "", "milliseconds": " / 1000", "microseconds": " / 1000000", "requests": ""}


@dataclass(frozen=True, kw_only=True)
class Sum:
    """How the series of pods, routes and so on are added up."""

    window: str
    by: tuple[str, ...] = ()
    """Labels that are kept besides the slot."""
    whole: bool = False
    """Whether both slots are added up too."""
    shown: str = ""
    """A further matcher of the servers' series."""

    @property
    def operator(self) -> str:
        """PromQL's aggregation."""
        return "sum" if self.whole else f"sum by ({', '.join((SLOT, *self.by))})"


@dataclass(frozen=True, kw_only=True)
class Rates:
    """The series of one service."""

    offer: Offer
    servers: str
    """Matchers for the series of both slots' servers."""
    proxied: Proxied | None

    @property
    def status(self) -> str:
        """The label by which requests are grouped; empty = there is none."""
        if self.offer.watched == "proxy" and self.proxied:
            return self.proxied.metrics.status
        requests = self.offer.profile.requests
        return (requests.group or requests.errors.label or "") if requests else ""

    def requests(self, how: Sum, which: Which = "all") -> str | None:
        """Return the rate of requests; None = neither the server nor the proxy counts them."""
        if self.offer.watched == "proxy" and self.proxied:
            if which == "refused":
                return None
            metrics = self.proxied.metrics
            return self._of_proxy(
                self.proxied, metrics.requests, how, f',{metrics.status}=~"5.."' * (which == "errors")
            )
        counted = self.offer.profile.requests
        if counted is None:
            return None
        some = {"all": None, "errors": counted.errors, "refused": counted.refused}[which]
        if some is None and which != "all":
            return None
        own = f"{self.servers}{selectors.without(counted.without)}{how.shown}{_having(some)}"
        counters = (some.counter,) if some and some.counter else counted.counters
        return _of_counters(counters, own, how)

    def durations(self, how: Sum, part: Literal["bucket", "count"], within: int | None = None) -> str | None:
        """Return the rate of a part of the histogram ``duration``, up to some milliseconds; None = there is none."""
        if (found := self.offer.profile.histograms.get(DURATION)) is not None:
            return self.histogram(found, how, part, within)
        if self.proxied is None:
            return None
        histogram = Histogram(metric=self.proxied.metrics.durations)
        return self._of_proxy(self.proxied, f"{histogram.metric}_{part}", how, _up_to(histogram, within))

    def histogram(self, found: Histogram, how: Sum, part: str, within: int | None = None) -> str:
        """Return the rate of a part of a server's histogram."""
        own = f"{self.servers}{selectors.without(found.without)}{how.shown}{_up_to(found, within)}"
        return _of_counters((f"{found.metric}_{part}",), own, how)

    def mean(self, found: Mean, how: Sum, *, divide: str = " / ") -> str:
        """Return the mean of a server's histogram, summary or counters, in seconds or requests."""
        total, counted = (_of_counters((name,), f"{self.servers}{how.shown}", how) for name in (found.sum, found.count))
        return f"{total}{divide}{counted}{scale(found.unit)}"

    def _of_proxy(self, proxied: Proxied, metric: str, how: Sum, more: str) -> str:
        """Return the sum of a proxy's series, each slot with the label that servers' series have."""
        by_slot = {
            slot: [f"rate({metric}{{{selectors.written(own)}{more}}}[{how.window}])" for own in proxied.matchers(slot)]
            for slot in OTHER_SLOT
        }
        if how.whole:
            return f"sum ({' or '.join(rate for rates in by_slot.values() for rate in rates)})"
        kept = f"sum by ({', '.join(how.by)})" if how.by else "sum"
        parts = [
            f'label_replace({kept} ({" or ".join(rates)}), "{SLOT}", "{slot}", "", "")'
            for slot, rates in by_slot.items()
        ]
        return f"({' or '.join(parts)})"


def scale(unit: str) -> str:
    """Return the end of an expression that turns a time of this unit into seconds."""
    return _SCALE[unit]


def _having(some: Answers | None) -> str:
    matcher = selectors.having(some) if some else ""
    return f",{matcher}" if matcher else ""


def _up_to(histogram: Histogram, within: int | None) -> str:
    return "" if within is None else f",{selectors.bucket(histogram.bound(within))}"


def _of_counters(counters: tuple[str, ...], matchers: str, how: Sum) -> str:
    """Return the sum of counters. Each gets a label, because series of two counters may have the same labels."""
    rates = [f"rate({counter}{{{matchers}}}[{how.window}])" for counter in counters]
    if len(rates) == 1:
        return f"{how.operator} ({rates[0]})"
    return f"{how.operator} ({' or '.join(_told_apart(counters, rates))})"


def _told_apart(counters: tuple[str, ...], rates: list[str]) -> Iterator[str]:
    for counter, rate in zip(counters, rates, strict=True):
        yield f'label_replace({rate}, "counter", "{counter}", "", "")'
