"""``python -m bench.release [--rounds N]``: what a bad release costs users with Slipway and with Flagger.

The bad image answers every fifth prediction with 500. Both tools release it as a canary in the same steps, behind the
same proxy, under the same load, with the same Prometheus and the same threshold. They take turns, so that neither
disturbs the other. The last line holds the ratios of Slipway to Flagger, with Flagger's documented settings, in time
and in failed requests.
"""

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import flagger, release_slipway
from bench.flagger_manifests import DOCUMENTED, FASTEST, Settings
from bench.release_load import bad_image, give_way, good_image
from bench.release_outcome import HEADINGS, Outcome, ratios, row
from bench.release_slipway import NAME, SERVICE, SETTINGS

MINUTES_PER_ROUND, MINUTES_AROUND = 5, 2

Say = Callable[[str], None]
Sides = dict[str, Callable[[str, Say], Outcome]]


def order(sides: list[str], number: int) -> list[str]:
    """Return the order of a round. It alternates, because the machine may get slower or faster between rounds."""
    return sides if number % 2 == 0 else sides[::-1]


def sides(folder: Path, stack: ExitStack, good: str, told: Callable[[str], Say]) -> Sides:
    """Set up both tools, and return a function per side that measures one release of an image."""
    (folder / "slipway").mkdir()
    slipway = stack.enter_context(release_slipway.deployed(folder / "slipway", good, told("slipway")))
    prometheus = release_slipway.dev_settings()["slipway:cluster"]["prometheusUrl"]
    other = stack.enter_context(flagger.running(folder, slipway.url, prometheus, (NAME, SERVICE), told("flagger")))

    def analysed(settings: Settings) -> Callable[[str, Say], Outcome]:
        return lambda bad, say: other.measured(settings, bad, say)

    return {SETTINGS: slipway.measured} | {str(one): analysed(one) for one in (DOCUMENTED, FASTEST)}


def compare(rounds: int, console: Console) -> dict[str, list[Outcome]]:
    """Release the bad image with each tool, once per round."""
    began = time.monotonic()

    def told(name: str) -> Say:
        return lambda line: console.print(f"{time.monotonic() - began:5.0f} s  {name}: {line}", markup=False)

    good = good_image()
    outcomes: dict[str, list[Outcome]] = {}
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as name, ExitStack() as stack:
        tools = sides(Path(name), stack, good, told)
        outcomes = {one: [] for one in tools}
        for number in range(rounds):
            for place, side in enumerate(order(list(tools), number)):
                say = told(f"round {number + 1}, {side.partition(':')[0]}")
                # A new variant each time: a tool that has refused an image would refuse it again without looking at it.
                found = tools[side](bad_image(good, number * len(tools) + place + 1), say)
                outcomes[side].append(found)
                say(str(found))
    return outcomes


def main() -> None:
    """Measure and print the table and the ratios."""
    parser = argparse.ArgumentParser(prog="python -m bench.release", description=__doc__)
    parser.add_argument("--rounds", type=int, default=1, help="releases with each tool; the table holds medians")
    rounds = parser.parse_args().rounds
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a canceled CI job cleans up too
    give_way()
    console = Console(width=160, highlight=False)
    console.print(f"rounds: {rounds}, about {MINUTES_AROUND + rounds * MINUTES_PER_ROUND} min")
    outcomes = compare(rounds, console)
    table = Table(*HEADINGS, title=f"a release with 20 % errors, medians of {rounds}")
    for side, found in outcomes.items():
        table.add_row(*row(side, found))
    console.print(table)
    for settings in (FASTEST, DOCUMENTED):  # the main result comes last
        console.print(f"slipway / flagger, {settings.name}:")
        sys.stdout.write(f"{ratios(outcomes[SETTINGS], outcomes[str(settings)])}\n")


if __name__ == "__main__":
    main()
