"""A Prometheus in the test process: it holds samples and answers the few shapes of queries that ``delivery`` asks.

What it does about staleness and windows is what the real one did when asked the same (``recorded.json``).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import httpx

from delivery.metrics.prometheus import Prometheus

LOOKBACK = 300.0
_MATCHER = re.compile(r'(\w+)(=~|!~|=|!=)"((?:[^"\\]|\\.)*)"')
_RANGE = re.compile(r"(?P<selector>.+)\[(?P<ms>\d+)ms\]")
_LAST = re.compile(r"last_over_time\((?P<selector>.+)\[5m\]\)")
_COUNT = re.compile(r"count by \((?P<label>\w+)\) \((?P<selector>.+)\)")
_SUM = re.compile(r"sum \((?P<selector>[^()]+)\)")
_SAME = re.compile(
    r"(?P<most>max_over_time\()?(?P<name>\w+)(?:\[5m\]\))? "
    r"and on \(job, instance\) last_over_time\((?P<of>.+) @ (?P<at>[\d.]+)\)"
)

Sample = tuple[float, float | None]
"""None = Prometheus noticed that the series is gone, or that its target does not answer."""


@dataclass
class Series:
    labels: dict[str, str]
    samples: list[Sample]

    def within(self, after: float, until: float) -> list[Sample]:
        return [(at, value) for at, value in self.samples if after < at <= until]


@dataclass
class Fake:
    """Series by hand, or of a process that is scraped each second."""

    series: list[Series] = field(default_factory=list[Series])
    now: float = 1000.0
    down: bool = False
    values: dict[str, Any] = field(default_factory=dict[str, Any])
    """Answers to queries that are asked for their value alone."""
    asked: list[str] = field(default_factory=list[str])

    def client(self) -> Prometheus:
        return Prometheus("http://prometheus", clock=lambda: self.now, transport=httpx.MockTransport(self._answer))

    def add(self, labels: dict[str, str], samples: Iterable[Sample], *, up: Iterable[Sample] = ()) -> None:
        """Add a counter; ``up`` is its target's, given once for each target."""
        full = {"job": "job", "instance": "one", **labels}
        self.series.append(Series(full, list(samples)))
        if known := list(up):
            target = {name: full[name] for name in ("job", "instance")}
            self.series.append(Series({"__name__": "up", **target}, known))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if self.down:
            raise httpx.ConnectError("connection refused")
        sent = parse_qs(request.content.decode())
        query, at = sent["query"][0], float(sent["time"][0])
        self.asked.append(query)
        if query in self.values:
            data = self.values[query]
            return data if isinstance(data, httpx.Response) else httpx.Response(200, json=_success(data))
        return httpx.Response(200, json=_success(self._evaluated(query, at)))

    def _evaluated(self, query: str, at: float) -> dict[str, Any]:
        if same := _SAME.fullmatch(query):
            spanned = _RANGE.fullmatch(same["of"])
            assert spanned, query
            span = float(same["at"]) - int(spanned["ms"]) / 1000, float(same["at"])
            targets = {
                _target(s)
                for s in self._selected(spanned["selector"])
                if any(v is not None for _, v in s.within(*span))
            }
            found = [s for s in self._selected(same["name"]) if _target(s) in targets]
            return _most(found, at) if same["most"] else _vector(found, at, stale=True)
        if last := _LAST.fullmatch(query):
            return _vector(self._selected(last["selector"]), at, stale=False)
        if spanned := _RANGE.fullmatch(query):
            since = at - int(spanned["ms"]) / 1000
            rows = [
                (s.labels, [[t, str(v)] for t, v in s.within(since, at) if v is not None])
                for s in self._selected(spanned["selector"])
            ]
            return {"resultType": "matrix", "result": [{"metric": m, "values": values} for m, values in rows if values]}
        if all(counts := [_COUNT.fullmatch(part) for part in query.split(" or ")]):
            return _counted([(found["label"], self._selected(found["selector"])) for found in counts if found], at)
        if added := _SUM.fullmatch(query):
            rows = _vector(self._selected(added["selector"]), at, stale=True)["result"]
            whole = str(sum(float(row["value"][1]) for row in rows))
            return {"resultType": "vector", "result": [{"metric": {}, "value": [at, whole]}] if rows else []}
        return _vector(self._selected(query), at, stale=True)

    def _selected(self, selector: str) -> list[Series]:
        name, _, rest = selector.partition("{")
        matchers = _MATCHER.findall(rest)
        assert re.sub(_MATCHER, "", rest).strip(",}") == "", f"not understood: {selector}"
        return [
            s
            for s in self.series
            if name in ("", s.labels["__name__"]) and all(_matches(s.labels, *m) for m in matchers)
        ]


def _target(series: Series) -> tuple[str, str]:
    return series.labels["job"], series.labels["instance"]


def _matches(labels: dict[str, str], name: str, operator: str, value: str) -> bool:
    found, pattern = labels.get(name, ""), value.replace("\\\\", "\\")
    same = bool(re.fullmatch(pattern, found)) if "~" in operator else found == pattern
    return same != operator.startswith("!")


def _vector(series: list[Series], at: float, *, stale: bool) -> dict[str, Any]:
    """Return the last sample of each; one that is gone gives none where Prometheus looks at markers."""
    rows: list[dict[str, Any]] = []
    for one in series:
        known = [value for _, value in one.within(at - LOOKBACK, at) if stale or value is not None]
        if known and known[-1] is not None:
            rows.append({"metric": one.labels, "value": [at, str(known[-1])]})
    return {"resultType": "vector", "result": rows}


def _counted(parts: list[tuple[str, list[Series]]], at: float) -> dict[str, Any]:
    """Return one row for each value of a label among series with a sample; ``or`` keeps the first of equals."""
    found: dict[str, dict[str, Any]] = {}
    for label, series in parts:
        for row in _vector(series, at, stale=True)["result"]:
            value = row["metric"].get(label, "")
            metric = {label: value} if value else {}
            found.setdefault(value, {"metric": metric, "value": [at, "1"]})
    return {"resultType": "vector", "result": list(found.values())}


def _most(series: list[Series], at: float) -> dict[str, Any]:
    """Return the greatest of the last five minutes of each."""
    known = [(one, [v for _, v in one.within(at - LOOKBACK, at) if v is not None]) for one in series]
    rows = [{"metric": one.labels, "value": [at, str(max(values))]} for one, values in known if values]
    return {"resultType": "vector", "result": rows}


def _success(data: dict[str, Any]) -> dict[str, Any]:
    return {"status": "success", "data": data}
