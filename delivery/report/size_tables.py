"""Shows a sizing as a table and as a text plot."""

from collections.abc import Iterator, Sequence
from math import isfinite

from rich.console import Group, RenderableType
from rich.text import Text

from delivery.report.tables import plain_table
from sizing.curve import Curve, Point
from sizing.size_report import Sized
from sizing.summary import declared, milliseconds, percent, summary

_WIDTH = 60
"""Columns of the plot's longest bar."""
_SCALE = 2.0
"""Bars are cut off at this multiple of the objective or, without one, of the time at the planned pods."""


def table(services: Sequence[Sized]) -> RenderableType:
    """Return a table with one row for each service, followed by the lines that the preview also shows."""
    columns = (
        "service",
        "req/s",
        "service time",
        "pods",
        "busy",
        "one away",
        "mean",
        "p95",
        "HPA at",
        "range",
        "verdict",
    )
    shown = plain_table(*columns)
    for one in services:
        found, demand, station = one.sizing, one.sizing.demand, one.sizing.station
        rate = f"{demand.rate:g}" if demand.peak == demand.rate else f"{demand.rate:g} .. {demand.peak:g}"
        away = found.busy_without_one
        shown.add_row(
            Text(one.name, "bold"),
            rate,
            f"{milliseconds(demand.service.seconds)} ± {percent(demand.service.cv)}",
            str(found.pods),
            percent(station.utilization),
            Text(percent(away) if isfinite(away) else "none left", "" if away < 1 else "yellow"),
            milliseconds(station.mean),
            milliseconds(station.quantile(0.95)),
            f"{percent(found.target)} or {found.per_pod:.3g}/s",
            f"{found.least}..{found.most}",
            Text("too few", "red") if one.lacks else Text(f"enough: {declared(one.spec)}", "green"),
        )
    return Group(shown, *(part for one in services for part in _below(one)))


def _below(one: Sized) -> Iterator[RenderableType]:
    yield Text()
    yield Text(summary(one.name, one.spec, one.sizing), style="red" if one.lacks else "")
    if one.simulated:
        ran = one.simulated
        said = f"met in {ran.held} of {ran.seeds} seeds; " if one.sizing.demand.objective else f"{ran.seeds} seeds: "
        yield Text(
            f"simulated: {said}mean {milliseconds(ran.mean)}, p95 {milliseconds(ran.p95)}",
            style="green" if ran.enough else "red",
        )


def plot(name: str, found: Curve) -> RenderableType:
    """Draw the quantile for each number of pods as a bar, with the objective as a line across the bars."""
    planned = next(point.seconds for point in found.points if point.takes)
    whole = _SCALE * (found.within or planned)
    promised = f", │ = {milliseconds(found.within)}" if found.within else ""
    head = Text(f"{name}: {found.name} of the time in system by pods{promised}, ◂ = planned", style="bright_black")
    return Group(Text(), head, *(_bar(point, found.within, whole) for point in found.points))


def _bar(point: Point, within: float | None, whole: float) -> Text:
    length = min(round(point.seconds / whole * _WIDTH), _WIDTH) if isfinite(point.seconds) else _WIDTH
    cells = list("█" * length + " " * (_WIDTH - length))
    if within is not None:
        cells[round(within / whole * _WIDTH) - 1] = "│"
    late = within is not None and point.seconds > within
    cut = "…" if point.seconds > whole else " "
    mark = " ◂" if point.takes else ""
    bar = Text("".join(cells), style="red" if late else "green")
    return Text.assemble(f"{point.pods:4} ", bar, f"{cut}{milliseconds(point.seconds)}{mark}")
