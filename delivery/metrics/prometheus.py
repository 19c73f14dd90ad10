"""Exact counts of requests, errors and slow answers per slot of a service, from Prometheus."""

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

import httpx

from components.http_proxy import ProxyFault
from delivery.errors import MetricsUnavailable
from delivery.http_client import http_client
from delivery.metrics import sources
from delivery.metrics.series import Key, Labels, Series, key_of, target_of
from delivery.metrics.sources import Source, Target
from models.delivery import Arm

__all__ = ["Prometheus", "Tally", "Target"]

TIMEOUT_SECONDS = 5.0
"""Timeout of one query: longer than any query here takes, short enough for a driver that must notice an abort."""
_LOOKBACK = "5m"
"""How far back to look for a counter if the scrape just before the window failed."""
_CALM = 1.0
"""Value of ``up`` after a successful scrape."""


_Window = tuple[float, float]
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


class Prometheus:
    """A client of the HTTP API of Prometheus, or of a compatible server.

    Every method raises MetricsUnavailable, with a one-line message, if it cannot get an answer.
    """

    def __init__(
        self, url: str, *, clock: Callable[[], float] = time.time, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._url = url.rstrip("/")
        self._clock = clock
        self._transport = transport

    def counts(
        self, target: Target, since: float, within: Mapping[str, int], until: float | None = None
    ) -> dict[str, Tally]:
        """Count the answers by role since a Unix time, or up to one scrape earlier, until now or ``until``.

        ``within`` holds, by histogram, the time in milliseconds after which an answer is slow.
        """
        window = since, self._clock() if until is None else until
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

    def _times(self, target: Target, source: Source | None, window: _Window) -> dict[str, Arm]:
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
        now = self._clock()
        begin = max(since, now - seconds)
        found = dict.fromkeys(target.slots, 0.0)
        for role, source, series in self._by_role(target, sources.answers(target), (since, now)):
            if source.counts(series.labels):
                found[role] += series.risen_after(begin)
        return {role: round(requests) for role, requests in found.items()}

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

    def labels(self, query: str, label: str) -> set[str]:
        """Return the values of a label in the result of a query that returns a vector."""
        return {one["metric"].get(label, "") for one in self._ask(query, self._clock())[1]}

    def _by_role(self, target: Target, source: Source | None, window: _Window) -> Iterator[tuple[str, Source, Series]]:
        if source is None:
            return
        for selector in source.selectors:
            for series in self._series(selector, window):
                if (role := target.role_of(source.slot_of(series.labels))) is not None:
                    yield role, source, series

    def _series(self, selector: str, window: _Window) -> list[Series]:
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
        self, selector: str, new: Mapping[Key, Labels], window: _Window, span: str
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


def _arm(timed: float, quick: float | None) -> Arm:
    """Return the slow answers among all. If a pod disappears, a histogram's buckets may come from two scrapes."""
    total = round(timed) if quick is not None else 0
    return Arm(bad=min(max(total - round(quick or 0.0), 0), total), total=total)
