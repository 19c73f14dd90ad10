"""Medians, the table, and the ratios of ours to the best of the others."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from rich.table import Table

from bench.server.contestants import OURS
from bench.server.measure import Round


@dataclass(frozen=True, kw_only=True)
class Figures:
    """One server's medians, with its best configuration; units as in `Round`, `size` in MiB."""

    variant: str
    throughput: float
    p50: float
    p99: float
    good: float
    idle: float
    loaded: float
    cold_start: float
    first: float
    size: float


RATIOS = {
    "throughput": "throughput",
    "p99": "p99",
    "memory": "loaded",
    "idleMemory": "idle",
    "coldStart": "cold_start",
    "size": "size",
}
"""Names in the last line → figures. More throughput is better, less of everything else."""


def figures(variant: str, rounds: Sequence[Round], size: float) -> Figures:
    """Medians of a server's rounds."""
    seen = [asdict(one) for one in rounds]
    medians = {name: statistics.median(one[name] for one in seen) for name in seen[0]}
    return Figures(variant=variant, size=size, **medians)


def best(found: Mapping[str, Figures], figure: str) -> str:
    """The peer with the best value of a figure."""
    pick = max if figure == "throughput" else min
    return pick((name for name in found if name != OURS), key=lambda name: getattr(found[name], figure))


def ratios(found: Mapping[str, Figures]) -> dict[str, float]:
    """Ours as a multiple of the best peer's, figure by figure, and the first request's own ratio.

    Raises:
        ValueError: the best peer bore no rate at all: nothing can be compared.
    """
    if not any(one.throughput for name, one in found.items() if name != OURS):
        raise ValueError("no peer bore any rate: is the machine busy with something else?")
    compared = {
        name: round(getattr(found[OURS], figure) / getattr(found[best(found, figure)], figure), 3)
        for name, figure in RATIOS.items()
    }
    return {**compared, "firstToMedian": round(found[OURS].first, 3)}


def shown(found: Mapping[str, Figures], title: str, fixed_rate: int) -> Table:
    """One row for each server."""
    columns = (
        "server", "its best configuration", "requests/s at p99 ≤ 50 ms", f"p50 at {fixed_rate}/s, ms", "p99, ms",
        "good",
        "memory idle, MiB", "under load", "cold start, s", "first / median", "size, MiB",
    )  # fmt: skip
    table = Table(title=title)
    for index, column in enumerate(columns):
        table.add_column(column, justify="left" if index < 2 else "right")  # noqa: PLR2004 - words, then numbers
    for name, one in found.items():
        table.add_row(
            name,
            one.variant,
            f"{one.throughput:.0f}",
            f"{one.p50:.1f}",
            f"{one.p99:.1f}",
            f"{one.good:.1%}",
            f"{one.idle:.0f}",
            f"{one.loaded:.0f}",
            f"{one.cold_start:.2f}",
            f"{one.first:.2f}",
            f"{one.size:.0f}",
        )
    return table
