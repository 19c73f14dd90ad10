"""``python -m bench.verdicts [RELEASES]``: how often the gate is wrong, and what its verdicts cost.

2,000 simulated releases of each kind go through the steps 10, 50 and 100 %, judged by the gate's own ``judge`` with its
defaults. ``tests/delivery/judge/test_false_verdicts.py`` asserts the same on 200 of each kind; this table has smaller
chance errors.
"""

import json
import sys

from rich.console import Console
from rich.table import Table

from bench.simulated import HEADINGS, KINDS, tallies

RELEASES, SEED = 2_000, 5
EXPECTED_SECONDS = 0.06
"""Time for one release of each kind."""


def main() -> None:
    """Simulate every kind, and print the table and the share of wrong endings."""
    releases = int(sys.argv[1]) if len(sys.argv) > 1 else RELEASES
    console = Console(width=120)
    console.print(f"{releases} releases of each kind, about {releases * EXPECTED_SECONDS:.0f} s")
    table = Table(*HEADINGS, title=f"{releases} simulated releases of each kind")
    wrong: dict[str, float] = {}
    for tally in tallies(releases, SEED, KINDS):
        table.add_row(*tally.line)
        wrong[tally.kind.name] = round(1 - tally.outcomes[tally.kind.right] / releases, 4)
    console.print(table)
    sys.stdout.write(f"wrong endings: {json.dumps(wrong)}\n")


if __name__ == "__main__":
    main()
