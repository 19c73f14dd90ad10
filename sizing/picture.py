"""A sizing as an SVG chart: quantile of the time in system by number of pods."""

from collections.abc import Iterable, Iterator
from html import escape
from math import isfinite

from sizing.curve import Curve
from sizing.summary import milliseconds

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 720, 360, 70, 24, 56, 52
_TICKS = 5
_SCALE = 2.0
"""Height of the chart as a multiple of the objective, or of the time at the planned pods."""
_OURS, _TEXTBOOK, _LIMIT, _TEXT, _GRID = "#2563eb", "#94a3b8", "#dc2626", "#0f172a", "#e2e8f0"


def picture(name: str, said: str, found: Curve) -> str:
    """Return the whole SVG file; ``said`` is the line below the title."""
    return "\n".join(_parts(name, said, found)) + "\n"


def _parts(name: str, said: str, found: Curve) -> Iterator[str]:
    planned = next(point for point in found.points if point.takes)
    whole = _SCALE * (found.within or planned.seconds)
    first, last = found.points[0].pods, found.points[-1].pods

    def across(pods: float) -> float:
        return _LEFT + (pods - first) / max(last - first, 1) * (_WIDTH - _LEFT - _RIGHT)

    def up(seconds: float) -> float:
        return _HEIGHT - _BOTTOM - min(seconds / whole, 1) * (_HEIGHT - _TOP - _BOTTOM)

    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        'font-family="Helvetica, Arial, sans-serif" font-size="13">'
    )
    yield f'  <rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>'
    title = f"{name}: {found.name} of the time in system by pods"
    yield f'  <text x="{_LEFT}" y="22" font-weight="bold" fill="{_TEXT}">{escape(title)}</text>'
    yield f'  <text x="{_LEFT}" y="40" font-size="11" fill="#475569">{escape(said)}</text>'
    for tick in range(_TICKS + 1):
        at = whole * tick / _TICKS
        yield f'  <path d="M{_LEFT} {up(at):.1f}H{_WIDTH - _RIGHT}" stroke="{_GRID}"/>'
        yield _label(_LEFT - 8, up(at) + 4, milliseconds(at), "end")
    for point in found.points:
        yield _label(across(point.pods), _HEIGHT - _BOTTOM + 18, str(point.pods), "middle")
    yield _label((_WIDTH + _LEFT) / 2, _HEIGHT - 12, "pods", "middle")
    textbook = [(across(p.pods), up(p.textbook)) for p in found.points if p.textbook < whole]
    ours = [(across(p.pods), up(p.seconds)) for p in found.points if isfinite(p.seconds) and p.seconds < whole]
    yield _line(textbook, _TEXTBOOK, ' stroke-dasharray="5 4"')
    yield _line(ours, _OURS)
    yield from (f'  <circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{_OURS}"/>' for x, y in ours)
    x, y = across(planned.pods), up(planned.seconds)
    yield f'  <circle cx="{x:.1f}" cy="{y:.1f}" r="7" fill="none" stroke="{_OURS}" stroke-width="2"/>'
    if found.within is not None:
        at = up(found.within)
        yield f'  <path d="M{_LEFT} {at:.1f}H{_WIDTH - _RIGHT}" stroke="{_LIMIT}" stroke-width="1.5"/>'
        yield _label(_WIDTH - _RIGHT, at - 6, f"objective {milliseconds(found.within)}", "end", _LIMIT)
    yield _label(_WIDTH - _RIGHT, _TOP + 10, "● dealt in turn, ring = planned", "end", _OURS)
    yield _label(_WIDTH - _RIGHT, _TOP + 26, "╌ M/M/n: one queue for all, exponential times", "end", "#64748b")
    yield "</svg>"


def _line(points: Iterable[tuple[float, float]], colour: str, more: str = "") -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'  <polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{more}/>'


def _label(x: float, y: float, text: str, anchor: str, colour: str = _TEXT) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'  <text {place} font-size="12" fill="{colour}">{escape(text)}</text>'
