"""Draw graphs over time as SVG text from plain series, in the style of docs/overview.svg.

A line is interrupted where a series has no value: a gap in the data must not look like a quiet period.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 320, 224
COLUMNS, MARGIN, HEAD = 3, 16, 56
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 10, 34, 72
"""Margins of a graph in pixels: room for the axis, the title, and the times and legend."""
_LEGEND_LINES, _LEGEND_LETTERS = 3, 20
"""Lines of the legend, and letters of a name: with two names per line, longer ones overlap in wide fonts."""
_LEGEND_PITCH = 15
_TICKS = 4
_SMALL = 11
_FONT = 'font-family="Helvetica, Arial, sans-serif"'
BLUES, GREENS = ("#1d4ed8", "#60a5fa", "#1e3a8a", "#93c5fd"), ("#15803d", "#4ade80", "#14532d", "#86efac")
OTHERS = ("#9a3412", "#7c3aed", "#475569", "#be185d")
INK, FAINT, LINE = "#0f172a", "#475569", "#cbd5e1"
_GAP = 1.5
"""Steps without a point after which a line is interrupted."""

Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True, kw_only=True)
class Line:
    """One series."""

    name: str
    slot: str
    """Blue slots are drawn in blues, green ones in greens."""
    points: Points
    """(unix time, value), in order."""
    constant: bool = False
    """Whether this is a limit, which is drawn dashed."""


@dataclass(frozen=True, kw_only=True)
class Graph:
    """One panel."""

    title: str
    unit: str
    """Grafana's name of the unit."""
    lines: tuple[Line, ...]
    now: bool = False
    """Whether to show only the newest value of each line, as a number."""


@dataclass(frozen=True, kw_only=True)
class Span:
    """The displayed time, as unix times, and the seconds between two points."""

    start: float
    end: float
    step: float


def picture(title: str, subtitle: str, graphs: Sequence[Graph], span: Span) -> str:
    """Draw all graphs, three in a row."""
    lines = -(-len(graphs) // COLUMNS)
    width, height = COLUMNS * (WIDTH + MARGIN) + MARGIN, HEAD + lines * (HEIGHT + MARGIN)
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {_FONT}>',
        f'  <rect width="{width}" height="{height}" fill="#ffffff"/>',
        _text((MARGIN, 26), title, size=16),
        _text((MARGIN, 44), subtitle, fill=FAINT),
    ]
    for index, graph in enumerate(graphs):
        line, column = divmod(index, COLUMNS)
        x, y = MARGIN + column * (WIDTH + MARGIN), HEAD + line * (HEIGHT + MARGIN)
        drawn += [f'  <g transform="translate({x} {y})">', *_graph(graph, span), "  </g>"]
    return "\n".join([*drawn, "</svg>", ""])


def _graph(graph: Graph, span: Span) -> Iterator[str]:
    yield f'<rect width="{WIDTH}" height="{HEIGHT}" rx="8" fill="#f8fafc" stroke="{LINE}"/>'
    yield _text((12, 21), graph.title, size=13)
    colored = list(zip(graph.lines, _colors(graph.lines), strict=True))
    if not any(line.points for line in graph.lines):
        yield _text((WIDTH / 2, HEIGHT / 2), "no data", fill=FAINT, anchor="middle")
    elif graph.now:
        yield from _numbers(graph)
    else:
        scale = 2**20 if graph.unit == "bytes" else 1  # round in the displayed unit (MiB)
        most = scale * _rounded(max(value for line in graph.lines for _, value in line.points) / scale)
        yield from _axes(graph.unit, most, span)
        for line, color in colored:
            yield from _curve(line, color, most, span)
        yield from _legend([pair for pair in colored if pair[0].points])


def _numbers(graph: Graph) -> Iterator[str]:
    room = (HEIGHT - _TOP) / len(graph.lines)
    for index, line in enumerate(graph.lines):
        y = _TOP + room * (index + 0.55)
        shown = shown_in(graph.unit)(line.points[-1][1]) if line.points else "no data"
        yield _text((WIDTH / 2, y), shown, size=26, anchor="middle")
        yield _text((WIDTH / 2, y + 16), line.name, fill=FAINT, anchor="middle")


def _axes(unit: str, most: float, span: Span) -> Iterator[str]:
    for tick in range(_TICKS + 1):
        value = most * tick / _TICKS
        y = _y(value, most)
        yield f'<path d="M{_LEFT} {y:.1f} H{WIDTH - _RIGHT}" stroke="{LINE}" stroke-width="0.5"/>'
        yield _text((_LEFT - 6, y + 4), shown_in(unit)(value), fill=FAINT, anchor="end")
    under = HEIGHT - _BOTTOM + 14
    yield _text((_LEFT, under), _clock(span.start), fill=FAINT)
    yield _text((WIDTH - _RIGHT, under), _clock(span.end), fill=FAINT, anchor="end")


def _curve(line: Line, color: str, most: float, span: Span) -> Iterator[str]:
    dashed = ' stroke-dasharray="4 3"' if line.constant else ""
    for part in _unbroken(line.points, span.step):
        path = " ".join(
            f"{'L' if index else 'M'}{_x(at, span):.1f} {_y(value, most):.1f}" for index, (at, value) in enumerate(part)
        )
        # A single point is a line of zero length, which its round end makes visible.
        path += " h0" if len(part) == 1 else ""
        yield f'<path d="{path}" fill="none" stroke="{color}" stroke-width="1.5" stroke-linecap="round"{dashed}/>'


def _unbroken(points: Points, step: float) -> Iterator[Points]:
    part: list[tuple[float, float]] = []
    for at, value in points:
        if part and at - part[-1][0] > _GAP * step:
            yield tuple(part)
            part = []
        part.append((at, value))
    if part:
        yield tuple(part)


def _legend(colored: Sequence[tuple[Line, str]]) -> Iterator[str]:
    """Name as many lines as fit, and print how many are left out."""
    per_line, room = 2, (WIDTH - 24) / 2
    fits = per_line * _LEGEND_LINES
    shown = colored if len(colored) <= fits else colored[: fits - 1]
    for index, (line, color) in enumerate(shown):
        row, column = divmod(index, per_line)
        x, y = 12 + column * room, HEIGHT - 11 - _LEGEND_PITCH * (_LEGEND_LINES - 1 - row)
        yield f'<rect x="{x:.0f}" y="{y - 7}" width="10" height="3" fill="{color}"/>'
        yield _text((x + 14, y), _shortened(line.name), fill=FAINT)
    if left := len(colored) - len(shown):
        yield _text((12 + room, HEIGHT - 11), f"and {left} more", fill=FAINT)


def _shortened(name: str) -> str:
    """Shorten a name in its middle, because pods differ at the end of their names."""
    half = _LEGEND_LETTERS // 2
    return name if len(name) <= _LEGEND_LETTERS else f"{name[: half - 1]}…{name[-half:]}"


def _colors(lines: Sequence[Line]) -> Iterator[str]:
    palettes = {"blue": BLUES, "green": GREENS}
    used = dict.fromkeys((*palettes, ""), 0)
    for line in lines:
        kind = line.slot if line.slot in palettes else ""
        palette = palettes.get(kind, OTHERS)
        yield "#94a3b8" if line.constant else palette[used[kind] % len(palette)]
        used[kind] += 0 if line.constant else 1


def _rounded(most: float) -> float:
    """Round up to 1, 2 or 5 times a power of ten; return 1 if no value is above 0."""
    if most <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(most))
    return next(power * factor for factor in (1, 2, 5, 10) if most <= power * factor * (1 + 1e-9))


def _x(at: float, span: Span) -> float:
    return _LEFT + (WIDTH - _LEFT - _RIGHT) * (at - span.start) / (span.end - span.start)


def _y(value: float, most: float) -> float:
    share = min(max(value / most, 0.0), 1.0)
    return HEIGHT - _BOTTOM - (HEIGHT - _BOTTOM - _TOP) * share


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S")


def shown_in(unit: str) -> Callable[[float], str]:
    """Return the function that formats a value of one of Grafana's units."""
    written: dict[str, Callable[[float], str]] = {
        "percentunit": lambda value: f"{100 * value:.4g} %",
        "reqps": lambda value: f"{value:.3g}/s" if value < 1000 else f"{value:.0f}/s",  # noqa: PLR2004 -- letters
        "s": lambda value: f"{value:.3g} s" if value >= 1 else f"{1000 * value:.3g} ms",
        "bytes": lambda value: f"{value / 2**20:.0f} MiB",
    }
    return written.get(unit, lambda value: f"{value:.3g}")


def _text(
    at: tuple[float, float],
    text: str,
    *,
    size: int = _SMALL,
    fill: str = INK,
    anchor: Literal["start", "middle", "end"] = "start",
) -> str:
    """Return a text with its start, middle or end at a point. Text above the small size is a heading, in bold."""
    weight = ' font-weight="bold"' if size > _SMALL else ""
    where = f'x="{at[0]:.0f}" y="{at[1]:.0f}" font-size="{size}" text-anchor="{anchor}"'
    return f'<text {where} fill="{fill}"{weight}>{escape(text)}</text>'
