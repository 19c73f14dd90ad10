"""``python -m bench.server [--quick] [--json FILE]``: our server beside MLServer, BentoML and LitServe.

All serve the same ONNX file with the same onnxruntime, one at a time on core 0, asked from core 1 with the same tensor.
Each peer's configurations are tried first, and its fastest one is measured. Then every server is started anew in each
round, one after the other, so that a machine that gets slower meanwhile slows all. The last line is ours against the
best peer, figure by figure.
"""

import argparse
import http.client
import json
import math
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from bench.preview import PROJECT
from bench.server import environments
from bench.server.contestants import OURS, Contestant, contestants
from bench.server.figures import Figures, figures, ratios, shown
from bench.server.load import Load
from bench.server.measure import DEFAULT, QUICK, Round, Say, Stand
from bench.server.model import probabilities, trained
from bench.server.running import ask, running
from local.paths import Paths
from local.progress import Progress
from local.toolchain.build import provide

CORES = 2
FIXED_SHARE = 0.5
"""The fixed load as a part of what the slowest server can do: all bear it."""
_SAME = 1e-5

Told = Callable[[str], Say]


def agree(every: Sequence[Contestant], folder: Path) -> None:
    """Ask one configuration of each server once: four servers of one model give one answer.

    Raises:
        RuntimeError: they do not.
    """
    said: dict[str, list[float]] = {}
    for one in {one.name: one for one in every}.values():
        with running(one, folder):
            connection = http.client.HTTPConnection("127.0.0.1", one.port)
            said[one.name] = probabilities(ask(connection, one))
            connection.close()
    for name, values in said.items():
        if not all(math.isclose(a, b, abs_tol=_SAME) for a, b in zip(values, said[OURS], strict=True)):
            raise RuntimeError(
                f"{name} answers {values}, slipway {said[OURS]}: not the same model, or not the same input"
            )


def chosen(every: Sequence[Contestant], stand: Stand, told: Told) -> dict[Contestant, float]:
    """The fastest configuration of each server, with what it did in a closed loop, requests/s."""
    rates: dict[str, dict[Contestant, float]] = {}
    for one in every:
        found = stand.qualified(one)
        told(one.name)(f"{one.variant}: {found.rate:.0f}/s in a closed loop, {found.success:.0%} good")
        rates.setdefault(one.name, {})[one] = found.rate * (found.success == 1)
    return {max(own, key=lambda one: own[one]): max(own.values()) for own in rates.values()}


def compare(stand: Stand, told: Told) -> tuple[dict[str, Figures], int]:
    """All figures, and the fixed load that they belong to."""
    every = contestants(stand.folder)
    if not stand.plan.every_configuration:
        every = list({one.name: one for one in reversed(every)}.values())[::-1]
    agree(every, stand.folder)
    best = chosen(every, stand, told)
    fixed_rate = max(1, round(FIXED_SHARE * min(best.values())))
    rounds: dict[Contestant, list[Round]] = {one: [] for one in best}
    for number in range(stand.plan.rounds):
        for one, seen in rounds.items():
            seen.append(stand.measured(one, fixed_rate, told(f"round {number + 1}, {one.name}")))
    found = {
        one.name: figures(one.variant, seen, environments.mebibytes(stand.folder, one.name))
        for one, seen in rounds.items()
    }
    return found, fixed_rate


def written(found: Mapping[str, Figures], fixed_rate: int) -> str:
    """All that the table shows, as JSON."""
    servers = {name: asdict(one) for name, one in found.items()}
    return json.dumps({"fixedRate": fixed_rate, "servers": servers, "ratios": ratios(found)}, indent=2)


def main() -> None:
    """Set up, measure, and print table and ratios."""
    parser = argparse.ArgumentParser(prog="python -m bench.server", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="one short round, the first configuration of each: to see that it runs"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there as well")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a canceled CI job stops its servers too
    if len(os.sched_getaffinity(0)) < CORES:
        parser.error("this needs two cores: one for the server and one for the load")
    plan = QUICK if options.quick else DEFAULT
    console, began = Console(width=180, highlight=False), time.monotonic()

    def told(name: str) -> Say:
        return lambda line: console.print(f"{time.monotonic() - began:5.0f} s  {name}: {line}", markup=False)

    folder = PROJECT / ".slipway" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    environments.prepare(folder, told("environment"))
    trained(folder / "model")
    load = Load(provide("vegeta", Paths.from_environment().cache, Progress()))
    console.print(f"rounds: {plan.rounds}, about {plan.minutes:.0f} min")
    found, fixed_rate = compare(Stand(folder, load, plan), told)
    console.print(shown(found, f"one ONNX model on one core, medians of {plan.rounds}", fixed_rate))
    if options.json:
        options.json.write_text(written(found, fixed_rate), "utf-8")
    sys.stdout.write(f"ratio slipway/best peer: {json.dumps(ratios(found))}\n")


if __name__ == "__main__":
    main()
