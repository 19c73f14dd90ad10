"""``python -m bench.picture STACK``: draw one service's dashboard graphs from a live Prometheus as one SVG.

No Grafana is needed: the panels and queries are those of the stack's dashboard, with Grafana's variables filled in.
This program only reads Prometheus, and writes only the picture.
"""

import argparse
import json
import math
import re
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.progress import track

from bench.plot import Graph, Line, Points, Span, picture
from components.labels import SLOT
from components.manifests.dashboards import dashboards
from components.manifests.monitor import scraped
from delivery.errors import DeliveryError
from delivery.release.stack import Stack

PROJECT = Path(__file__).parent.parent
POINTS = 120
"""Points per line: more would exceed the pixels of a graph of this width."""
TIMEOUT_SECONDS = 30.0
_CONSTANT = re.compile(r"vector\([\d.e+-]+\)")


class PictureFailed(Exception):
    """A picture cannot be drawn; the message is one line with the request and the reason."""


def panels_of(stack: Stack, service: str | None) -> tuple[str, list[dict[str, Any]]]:
    """Return a service's name and panels from the stack's dashboard, by default those of the first open row.

    Raises:
        PictureFailed: there is no dashboard, or it has no such row.
    """
    made = dashboards(stack.spec())
    if made is None:
        raise PictureFailed(
            f"{stack.name}: declares no dashboard; set slipway:cluster.monitoring and slipway:cluster.dashboards"
        )
    (text,) = made.values()
    rows: dict[str, list[dict[str, Any]]] = {}
    opened: list[str] = []
    for panel in json.loads(text)["panels"]:
        if panel["type"] == "row":
            rows[panel["title"]] = panel["panels"]
            opened += [] if panel["collapsed"] else [panel["title"]]
        else:
            rows[opened[-1]].append(panel)
    chosen = service or next(iter(opened), next(iter(rows)))
    if chosen not in rows:
        raise PictureFailed(
            f"{chosen}: the dashboard of {stack.name} does not have this service; it has {', '.join(rows)}"
        )
    return chosen, rows[chosen]


class Asked:
    """The HTTP API of a Prometheus, for one span of time."""

    def __init__(self, client: httpx.Client, url: str, span: Span, window: str) -> None:
        self._client, self._url, self._span, self._window = client, url.rstrip("/"), span, window

    def graph(self, panel: dict[str, Any]) -> Graph:
        """Run all queries of a panel and return its graph.

        Raises:
            PictureFailed: Prometheus cannot be reached, or refuses a query.
        """
        now = panel["type"] == "stat"
        lines = tuple(line for target in panel["targets"] for line in self._lines(target, now=now))
        return Graph(title=panel["title"], unit=panel["fieldConfig"]["defaults"]["unit"], lines=lines, now=now)

    def _lines(self, target: dict[str, Any], *, now: bool) -> list[Line]:
        query = target["expr"].replace("$__rate_interval", self._window).replace("$slot", "blue|green")
        found = self._result(query, now=now)
        return [
            Line(
                name=_named(target["legendFormat"], series["metric"]),
                slot=series["metric"].get(scraped(SLOT), ""),
                points=_points([series["value"]] if now else series["values"]),
                constant=_CONSTANT.fullmatch(query) is not None,
            )
            for series in found
        ]

    def _result(self, query: str, *, now: bool) -> list[dict[str, Any]]:
        span = self._span
        times = {"time": span.end} if now else {"start": span.start, "end": span.end, "step": span.step}
        where = f"{self._url}/api/v1/{'query' if now else 'query_range'}"
        try:
            answer = self._client.post(where, data={"query": query, **times})
            content: dict[str, Any] = answer.json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise PictureFailed(
                f"{where}: no Prometheus answers there ({reason}); set --url to the URL of one"
            ) from error
        if answer.is_error or content.get("status") != "success":
            raise PictureFailed(f"{where}: {content.get('error', answer.status_code)}: {query}")
        found: list[dict[str, Any]] = content["data"]["result"]
        return sorted(found, key=lambda series: sorted(series["metric"].items()))


def _points(values: list[tuple[float, str]]) -> Points:
    """Return the finite points: 0 / 0, as for a slot without requests, is no point."""
    return tuple((at, float(value)) for at, value in values if math.isfinite(float(value)))


def _named(legend: str, labels: dict[str, str]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found[1], ""), legend)


def draw(name: str, url: str | None, service: str | None, span: Span, window: str) -> str:
    """Run all queries and return the picture.

    Raises:
        PictureFailed: as `panels_of` and `Asked.graph`.
        DeliveryError: the stack or its entry cannot be read.
    """
    stack = Stack.open(PROJECT, name)
    where = url or stack.settings().cluster.metrics_url or stack.settings().cluster.prometheus_url
    if where is None:
        raise PictureFailed(
            f"{name}: slipway:cluster.metricsUrl is not set; set it to the URL of a Prometheus, or set --url"
        )
    chosen, panels = panels_of(stack, service)
    progress = track(panels, f"asking Prometheus for {len(panels)} panels", console=Console(stderr=True))
    with httpx.Client(timeout=TIMEOUT_SECONDS) as client:
        asked = Asked(client, str(where), span, window)
        graphs = [asked.graph(panel) for panel in progress]
    if not any(line.points for graph in graphs for line in graph.lines if not line.constant):
        raise PictureFailed(
            f"{where}: has no series of {chosen} in {stack.namespace} in this time; deploy it, or set --until"
        )
    since, until = (datetime.fromtimestamp(at, UTC) for at in (span.start, span.end))
    when = f"{since:%Y-%m-%d %H:%M} to {until:%H:%M} UTC, rates over {window}"
    return picture(f"{chosen} in {stack.namespace}", f"The dashboard's own queries, {when}", graphs, span)


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw a dashboard as SVG, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.picture", description=__doc__)
    parser.add_argument("stack", help="stack whose dashboard is drawn, such as dev")
    parser.add_argument("--url", help="URL of Prometheus (default: slipway:cluster.metricsUrl of the stack)")
    parser.add_argument("--service", help="service whose row is drawn (default: the first open row)")
    parser.add_argument("--minutes", type=float, default=15, help="length of the displayed time (default: 15)")
    parser.add_argument("--until", type=float, help="end of the displayed time, as Unix time (default: now)")
    parser.add_argument("--window", default="30s", help="window of rates; at least four scrapes (default: 30s)")
    parser.add_argument(
        "--out",
        type=Path,
        default=PROJECT / "docs" / "dashboard.svg",
        help="file to write (default: docs/dashboard.svg)",
    )
    given = parser.parse_args(arguments)
    end = time.time() if given.until is None else given.until
    span = Span(start=end - 60 * given.minutes, end=end, step=max(1.0, round(60 * given.minutes / POINTS)))
    try:
        text = draw(given.stack, given.url, given.service, span, given.window)
        given.out.write_text(text, "utf-8")
    except (PictureFailed, DeliveryError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stdout.write(f"{given.out}: {len(text)} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
