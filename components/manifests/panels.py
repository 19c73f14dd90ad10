"""Grafana's JSON model of panels and rows, from plain values.

This module does not use Grafana's own builder (``grafana-foundation-sdk`` on PyPI, generated and well maintained):
importing it adds 0.1 s to every preview, and a panel has only twelve keys. The tests parse the result with that library
to detect misspelled keys. Source: https://grafana.com/docs/grafana/latest/visualizations/dashboards/.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from string import ascii_uppercase

Json = dict[str, object]

DATASOURCE: Json = {"type": "prometheus", "uid": "${datasource}"}
"""The data source that the reader selects, because its name differs from one Grafana to another."""
RATE_INTERVAL = "$__rate_interval"
"""Grafana's own variable: at least four scrape intervals, and more for a long time range."""
_GRID, _COLUMNS, _HEIGHT = 24, 3, 7
"""Grafana's grid has 24 columns; three panels in a line stay legible on a laptop."""
_LEGEND_AND_TOOLTIP: Json = {
    "legend": {"displayMode": "list", "placement": "bottom", "calcs": [], "showLegend": True},
    "tooltip": {"mode": "multi", "sort": "desc"},
}


@dataclass(frozen=True, kw_only=True)
class Query:
    """One expression, and the legend of its series."""

    expression: str
    legend: str


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One graph over time, or one number."""

    title: str
    description: str
    unit: str
    """Grafana's name of the unit, such as ``reqps``, ``s``, ``bytes``, ``percentunit`` (0 to 1) or ``short``."""
    queries: tuple[Query, ...]
    most: float | None = None
    """The maximum of the axis; None = the maximum of the values."""
    now: bool = False
    """Show the current number instead of a graph: a window of days is expensive to query at every point."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """Panels under a heading. A folded row sends no queries until the reader opens it."""

    title: str
    panels: tuple[Panel, ...]
    folded: bool


def laid_out(rows: Sequence[Row]) -> list[Json]:
    """Place rows below each other, with ids in order, so that the same rows produce the same JSON."""
    placed: list[Json] = []
    ids, y = count(1), 0
    for row in rows:
        heading: Json = {
            "id": next(ids),
            "type": "row",
            "title": row.title,
            "collapsed": row.folded,
            "gridPos": {"h": 1, "w": _GRID, "x": 0, "y": y},
            "panels": [],
        }
        y += 1
        panels = list(_placed(row.panels, ids, y))
        placed += [{**heading, "panels": panels}] if row.folded else [heading, *panels]
        y += 0 if row.folded else _HEIGHT * -(-len(row.panels) // _COLUMNS)
    return placed


def _placed(panels: Sequence[Panel], ids: Iterator[int], y: int) -> Iterator[Json]:
    width = _GRID // _COLUMNS
    for index, panel in enumerate(panels):
        line, column = divmod(index, _COLUMNS)
        yield {
            "id": next(ids),
            "type": "stat" if panel.now else "timeseries",
            "title": panel.title,
            "description": panel.description,
            "datasource": DATASOURCE,
            "gridPos": {"h": _HEIGHT, "w": width, "x": width * column, "y": y + _HEIGHT * line},
            "fieldConfig": {"defaults": _field(panel), "overrides": []},
            "options": {} if panel.now else _LEGEND_AND_TOOLTIP,
            "targets": [
                _target(query, name, now=panel.now) for query, name in zip(panel.queries, ascii_uppercase, strict=False)
            ],
        }


def _field(panel: Panel) -> Json:
    """Return the field options, with an axis from 0: on a cut axis, a small change looks like an outage."""
    least: Json = {} if panel.now else {"min": 0}
    return {"unit": panel.unit, **least, **({} if panel.most is None else {"max": panel.most})}


def _target(query: Query, name: str, *, now: bool) -> Json:
    return {
        "refId": name,
        "datasource": DATASOURCE,
        "expr": query.expression,
        "legendFormat": query.legend,
        "instant": now,
        "range": not now,
    }
