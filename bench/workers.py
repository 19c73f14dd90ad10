"""Find the number of workers per CPU limit that answers most pictures (``make bench-workers``; P6 of docs/systems.md).

The parser of `serving/tests` answers pictures in closed loops on two cores, one loop per worker; the splits take turns
in rounds. The published rule is 2 x cores + 1 workers, with a measured optimum of 2 to 4; our rule is one per core
(`serving/cpu.py`). pytest runs this for its fixtures; run it alone on the machine. The last line compares our rule with
the best split.
"""

import os
import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.console import Console
from rich.table import Table

from serving.cpu import Threads
from serving.payloads.parsing.answers import answer_of
from serving.payloads.parsing.model import Parser, load_parser
from serving.payloads.parsing.training.people import Picture
from serving.pictures import decode

CORES = 2
ROUNDS, SECONDS = 3, 4.0
SPLITS = ((1, 1), (1, 2), (2, 1), (3, 1), (4, 1), (2 * CORES + 1, 1))
"""Workers, and threads inside one inference."""


def test_workers(parser_folder: Path, people: list[Picture]) -> None:
    """Compare the splits, and print the table."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    parsers = {intra: load_parser(parser_folder, intra, "float") for _, intra in SPLITS}
    pictures = [picture.encoded() for picture in people]
    found: dict[tuple[int, int], list[tuple[float, float]]] = {split: [] for split in SPLITS}
    for _ in range(ROUNDS):
        for split, seen in found.items():
            seen.append(_measured(split[0], parsers[split[1]], pictures))
    rates = {split: statistics.median(rate for rate, _ in seen) for split, seen in found.items()}
    table = Table("workers", "threads per inference", "pictures/s", "p95, ms", title=f"{CORES} cores")
    for (workers, intra), seen in found.items():
        p95 = statistics.median(late for _, late in seen)
        table.add_row(str(workers), str(intra), f"{rates[workers, intra]:.1f}", f"{1000 * p95:.0f}")
    console, ours = Console(), Threads.for_cpus(CORES)
    console.print(table)
    chosen = rates[ours.workers, ours.intra_op]
    console.print(
        f"ratio of {ours.workers} x {ours.intra_op}, our rule: to the best {chosen / max(rates.values()):.2f}, "
        f"to 2 x cores + 1 {chosen / rates[SPLITS[-1]]:.2f}"
    )


def _measured(workers: int, parser: Parser, pictures: Sequence[bytes]) -> tuple[float, float]:
    """Return the pictures per second, and the 95th percentile of the seconds per picture."""
    end = time.perf_counter() + SECONDS

    def answer(worker: int) -> list[float]:
        taken: list[float] = []
        while (began := time.perf_counter()) < end:
            content = pictures[(worker + len(taken)) % len(pictures)]
            answer_of(parser.parse(decode(content)))
            taken.append(time.perf_counter() - began)
        return taken

    with ThreadPoolExecutor(workers) as pool:
        times = sorted(one for taken in pool.map(answer, range(workers)) for one in taken)
    return len(times) / SECONDS, times[int(0.95 * len(times))]
