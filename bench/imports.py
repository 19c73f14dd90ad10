"""Draw the imports between the parts of a package as SVG: ``python -m bench.imports`` rewrites docs/imports/.

A part is a subpackage, or a module directly in the package. Each part is one row above the highest part that it
imports, so lines lead down. The picture leaves out imports that a longer path implies.
"""

import ast
import graphlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

PROJECT = Path(__file__).parent.parent
FOLDER = PROJECT / "docs" / "imports"
PACKAGES = ("models", "components", "sizing", "delivery", "serving", "local")
_BOX, _GAP, _ROW, _MARGIN = 26, 14, 74, 16
"""Pixels: height of a box, space between two, height of a row, margin."""
_LETTER = 6.6
"""Width in pixels of an 11 px letter in a monospaced font."""
_WIDEST = 1180
_FONT = 'font-family="ui-monospace, Menlo, Consolas, monospace" font-size="11"'


class CycleError(Exception):
    """Parts import one another in a cycle; the message names them in order."""


@dataclass(frozen=True)
class Imports:
    """The imports between the parts of a package."""

    package: str
    edges: Mapping[str, frozenset[str]]

    @cached_property
    def level(self) -> dict[str, int]:
        """The row of each part: 1 for a part that imports no other. Raises CycleError."""
        try:
            order = list(graphlib.TopologicalSorter(self.edges).static_order())
        except graphlib.CycleError as fault:
            raise CycleError(" → ".join(reversed(fault.args[1]))) from None
        found: dict[str, int] = {}
        for part in order:
            found[part] = 1 + max((found[below] for below in self.edges[part]), default=0)
        return found

    @cached_property
    def reduced(self) -> dict[str, list[str]]:
        """The imports that are not implied by a longer path."""

        def reach(part: str) -> frozenset[str]:
            return self.edges[part].union(*(reach(below) for below in self.edges[part]))

        return {
            part: sorted(below for below in targets if not any(below in reach(other) for other in targets - {below}))
            for part, targets in self.edges.items()
        }


def modules(package: str) -> dict[str, Path]:
    """Return the source files of a package by dotted name; the package's own tests are left out."""
    paths = [path for path in sorted((PROJECT / package).rglob("*.py")) if "tests" not in path.parts]
    return {".".join(path.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__"): path for path in paths}


def imports(package: str) -> Imports:
    """Return the imports between the parts of a package, at module level and inside functions."""
    known = modules(package)
    edges: dict[str, set[str]] = {}
    for name, path in known.items():
        part = _part(name)
        if not part or part == "__main__":
            continue
        targets = edges.setdefault(part, set())
        targets |= {_part(found) for found in _imported(path, known)} - {part, ""}
    return Imports(package, {part: frozenset(targets & edges.keys()) for part, targets in edges.items()})


def _part(name: str) -> str:
    return name.split(".")[1] if "." in name else ""


def _imported(path: Path, known: Mapping[str, Path]) -> Iterator[str]:
    tree = ast.parse(path.read_text("utf-8"))
    typing_only = {
        node
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and isinstance(block.test, ast.Name) and block.test.id == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node not in typing_only:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in known else node.module if node.module in known else ""


def drawing(found: Imports) -> str:
    """Return the picture as SVG."""
    rows = [[part for part in sorted(found.edges) if found.level[part] == level] for level in _levels(found)]
    lines = [line for row in rows for line in _wrapped(row)]
    head = f"{found.package}: {len(found.edges)} parts, {len(rows)} levels; lines lead down to what is imported"
    width = max(len(head) * _LETTER, *(_width(line) for line in lines)) + 2 * _MARGIN
    height = 40 + _ROW * len(lines)
    places = {
        part: (x, height - _ROW * (number + 1) + _ROW - _BOX - _MARGIN)
        for number, line in enumerate(lines)
        for part, x in _centred(line, width)
    }
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height}" {_FONT}>',
            '<rect width="100%" height="100%" fill="#ffffff"/>',
            f'<text x="{_MARGIN}" y="24" fill="#0f172a">{head}</text>',
            *(_line(places[part], places[below], part, below) for part, to in found.reduced.items() for below in to),
            *(_box(part, *at) for part, at in places.items()),
            "</svg>\n",
        ]
    )


def _levels(found: Imports) -> range:
    return range(1, max(found.level.values()) + 1)


def _wide(part: str) -> float:
    return len(part) * _LETTER + 16


def _width(line: list[str]) -> float:
    return sum(map(_wide, line)) + _GAP * (len(line) - 1)


def _wrapped(row: list[str]) -> Iterator[list[str]]:
    """Break a row that is too wide into several lines."""
    line: list[str] = []
    for part in row:
        if line and _width([*line, part]) > _WIDEST:
            yield line
            line = []
        line.append(part)
    yield line


def _centred(line: list[str], width: float) -> Iterator[tuple[str, float]]:
    x = (width - _width(line)) / 2
    for part in line:
        yield part, x
        x += _wide(part) + _GAP


def _box(part: str, x: float, y: float) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{_wide(part):.1f}" height="{_BOX}" rx="4" fill="#eff6ff" '
        f'stroke="#1d4ed8"/><text x="{x + 8:.1f}" y="{y + 17:.1f}" fill="#0f172a">{part}</text>'
    )


def _line(start: tuple[float, float], end: tuple[float, float], part: str, below: str) -> str:
    x, y = start[0] + _wide(part) / 2, start[1] + _BOX
    to_x, to_y = end[0] + _wide(below) / 2, end[1]
    middle = (y + to_y) / 2
    path = f"M{x:.1f} {y:.1f} C{x:.1f} {middle:.1f} {to_x:.1f} {middle:.1f} {to_x:.1f} {to_y:.1f}"
    return f'<path d="{path}" fill="none" stroke="#94a3b8"/>'


def main() -> None:
    """Rewrite every picture."""
    FOLDER.mkdir(exist_ok=True)
    for package in PACKAGES:
        (FOLDER / f"{package}.svg").write_text(drawing(imports(package)), "utf-8")


if __name__ == "__main__":
    main()
