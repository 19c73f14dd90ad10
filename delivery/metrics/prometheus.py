"""The raw samples of a service's counters, from Prometheus."""

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, cast

import httpx

from components.http_proxy import ProxyFault
from components.manifests.selectors import Selector
from delivery.errors import MetricsUnavailable
from delivery.http_client import http_client
from delivery.metrics.counting import Metrics, Tally, Window
from delivery.metrics.series import Key, Labels, Series, key_of, target_of
from delivery.metrics.sources import Source, Target

__all__ = ["Prometheus", "Tally", "Target"]

TIMEOUT_SECONDS = 5.0
"""Timeout of one query: longer than any query here takes, short enough for a driver that must notice an abort."""
_LOOKBACK = "5m"
"""How far back to look for a counter if the scrape just before the window failed."""
_CALM = 1.0
"""Value of ``up`` after a successful scrape."""


class Prometheus(Metrics):
    """A client of the HTTP API of Prometheus, or of a compatible server."""

    name = "Prometheus"

    def __init__(
        self, url: str, *, clock: Callable[[], float] = time.time, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._url = url.rstrip("/")
        self._clock = clock
        self._transport = transport

    def now(self) -> float:
        """Return the current Unix time."""
        return self._clock()

    def value(self, query: str) -> float | None:
        """Return the single number of a query; None = there is none (yet), or it is not finite, for example 0 / 0."""
        kind, result = self._ask(query, self._clock())
        if kind == "scalar":
            number = float(result[1])
        elif kind != "vector" or len(result) > 1:
            raise MetricsUnavailable(
                f"{query}: returns {kind} of {len(result)}; a check requires one number; use sum or avg"
            )
        elif not result:
            return None
        else:
            number = float(result[0]["value"][1])
        return number if math.isfinite(number) else None

    def labels(self, selectors: Sequence[Selector], label: str) -> set[str]:
        """Return the values of a label among the current series of alternative selectors."""
        query = " or ".join(f"count by ({label}) ({selector})" for selector in selectors)
        return {one["metric"].get(label, "") for one in self._ask(query, self._clock())[1]}

    def total(self, selector: Selector) -> float | None:
        """Return the sum of the current values of some series; None = there are none."""
        return self.value(f"sum ({selector})")

    def series(self, source: Source, window: Window) -> Iterator[Series]:
        """Yield the samples in a window of all series of a source, and the value of each counter before it."""
        for selector in source.selectors:
            yield from self._series(str(selector), window)

    def _series(self, selector: str, window: Window) -> list[Series]:
        """Return all samples in a window, and the value of each counter before it."""
        since, now = window
        span = f"{selector}[{max(1, math.ceil(1000 * (now - since)))}ms]"
        found = {
            key_of(one["metric"]): (
                cast("Labels", one["metric"]),
                tuple((float(at), float(value)) for at, value in one.get("values", ()) if float(at) > since),
            )
            for one in self._ask(span, now)[1]
        }
        known = self._instant(selector, since) if found else {}
        new = {key: labels for key, (labels, _) in found.items() if key not in known}
        begun, gone = self._beginnings(selector, new, window, span) if new else ({}, {})
        before = {**begun, **gone, **known}
        return [
            Series(labels=labels, samples=samples, before=before.get(key), existed=key not in begun)
            for key, (labels, samples) in found.items()
        ]

    def _beginnings(
        self, selector: str, new: Mapping[Key, Labels], window: Window, span: str
    ) -> tuple[dict[Key, float], dict[Key, float]]:
        """Return the values of series that began in the window (0), and of those only not scraped at its start.

        If the last scrape of the target succeeded, an absent series had counted nothing. If it failed, Prometheus had
        dropped all series of the target for the moment: treating these as new would count everything that they ever
        counted. A target without earlier data is new if its process is. The remaining series are in neither result.
        """
        since, now = window
        same = f"and on (job, instance) last_over_time({span} @ {now:.3f})"
        up = {target_of(labels): value for labels, value in self._vector(f"up {same}", since)}
        unsure = {key for key, labels in new.items() if up.get(target_of(labels)) != _CALM}
        gone: dict[Key, float] = {}
        started: dict[tuple[str, str], float] = {}
        seen: set[tuple[str, str]] = set()
        if unsure:
            earlier = self._instant(f"last_over_time({selector}[{_LOOKBACK}])", since)
            gone = {key: value for key, value in earlier.items() if key in unsure}
            starts = self._vector(f"process_start_time_seconds {same}", now)
            started = {target_of(labels): value for labels, value in starts}
            well = self._vector(f"max_over_time(up[{_LOOKBACK}]) {same}", since)
            seen = {target_of(labels) for labels, value in well if value == _CALM}
        # A series absent from the last good scrape was 0: a bad version's first 500 may come after a failed one.
        unknown = unsure - gone.keys()
        young = {key for key in unknown if target_of(new[key]) in seen or started.get(target_of(new[key]), 0) > since}
        return dict.fromkeys((new.keys() - unsure) | young, 0.0), gone

    def _instant(self, query: str, at: float) -> dict[Key, float]:
        return {key_of(labels): value for labels, value in self._vector(query, at)}

    def _vector(self, query: str, at: float) -> list[tuple[Labels, float]]:
        return [(one["metric"], float(one["value"][1])) for one in self._ask(query, at)[1]]

    @cached_property
    def _client(self) -> httpx.Client:
        return http_client(self._url, timeout=TIMEOUT_SECONDS, transport=self._transport)

    def _ask(self, query: str, at: float) -> tuple[str, list[Any]]:
        """Evaluate a query at a Unix time; return the result type and the result as Prometheus sends it."""
        try:
            answer = self._client.post(f"{self._url}/api/v1/query", data={"query": query, "time": f"{at:.3f}"})
        except (httpx.HTTPError, ProxyFault) as error:
            why = str(error) or type(error).__name__
            raise MetricsUnavailable(f"{self._url} does not answer: {why}") from error
        try:
            said = answer.json()
            if said["status"] != "success":
                raise MetricsUnavailable(f"Prometheus rejects {query}: {said.get('error', said['status'])}")
            return said["data"]["resultType"], said["data"]["result"]
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise MetricsUnavailable(
                f"{self._url} returns status {answer.status_code} without a Prometheus result"
            ) from error
