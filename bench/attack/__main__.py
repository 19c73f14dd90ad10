"""``python -m bench.attack [--short | --quick] [--only TEXT]``: attack a model server; print what came of it.

Every attack runs in a process of its own, with less priority than the server. It has other addresses than the other
client, which sends normal requests meanwhile, as behind a load balancer that keeps addresses; behind a proxy, all
clients have that of the proxy. The server may use as much memory as a small pod.

The command fails if the server ends, uses more memory, or answers an attack or the other client otherwise than it must.
Times are printed, not judged: they also depend on the machine.
"""

import argparse
import sys

from rich.console import Console
from rich.table import Table

from bench.attack import connections, contents
from bench.attack.memory import Group, limited
from bench.attack.outcome import BOUND_MEBIBYTES, COLUMNS, Outcome
from bench.attack.running import AttackError, Form, all_of
from bench.attack.target import target
from bench.attack.wire import Attack, Attacks
from bench.preview import PROJECT

ROLES: dict[str, Attacks] = {"digits": {**connections.ATTACKS, **contents.ON_DIGITS}, "nlu": contents.ON_NLU}
SHORT: set[Attack] = {
    connections.slow_headers, connections.five_thousand_connections, connections.one_header, connections.slow_bodies,
    connections.unfinished_uploads, connections.chunk_extensions, connections.pipelining,
    connections.answers_not_taken, connections.smuggling, contents.string_among_numbers, contents.small_numbers,
    contents.empty_tensors, contents.deep_json, contents.enormous_picture, contents.webp_bomb, contents.large_answer,
}  # fmt: skip
"""Attacks that once found a fault."""
QUICK: set[Attack] = {
    connections.five_thousand_connections, connections.one_header, connections.unfinished_uploads,
    connections.chunk_extensions, connections.pipelining, connections.answers_not_taken, connections.smuggling,
    contents.string_among_numbers, contents.small_numbers, contents.deep_json, contents.enormous_picture,
    contents.webp_bomb, contents.compressed_body,
}  # fmt: skip
"""Attacks of every kind that need few seconds and a model that is trained in few."""


def chosen(only: str, *, short: bool, quick: bool) -> dict[str, dict[Attack, set[str]]]:
    """Return the attacks to run, by role."""
    among = QUICK if quick else SHORT if short else {attack for attacks in ROLES.values() for attack in attacks}
    return {
        role: {one: expected for one, expected in attacks.items() if one in among and only in one.__name__}
        for role, attacks in ROLES.items()
    }


def limit_words(group: Group | None) -> str:
    """Say which memory limit the server has."""
    if group is None:
        return f"no control group can be made here: memory is measured, not limited ({BOUND_MEBIBYTES} MiB)"
    most = f"at most {group.peak} MiB with page cache and socket buffers"
    return f"memory limit {BOUND_MEBIBYTES} MiB, control group version {group.version}, {most}"


def main() -> int:
    """Run the attacks; return 1 if one had a fault."""
    options = argparse.ArgumentParser(prog="python -m bench.attack")
    options.add_argument("--short", action="store_true", help=f"run the {len(SHORT)} attacks that found faults")
    options.add_argument("--quick", action="store_true", help=f"run {len(QUICK)} attacks in a minute, for CI")
    options.add_argument("--only", default="", help="run the attacks whose name contains this text")
    given = options.parse_args()
    console = Console(width=150)
    limits: list[str] = []
    work = PROJECT / ".slipway" / "attack"
    work.mkdir(parents=True, exist_ok=True)
    form = Form(quiet=3, least=1, once=True) if given.quick else Form()
    found: list[Outcome] = []

    def show(outcome: Outcome) -> None:
        found.append(outcome)
        console.print("  ".join(outcome.line), highlight=False)

    try:
        for role, attacks in chosen(given.only, short=given.short, quick=given.quick).items():
            if attacks:
                with limited(BOUND_MEBIBYTES) as group, target(role, work, group) as server:
                    all_of(server, attacks, form, show)
                    limits.append(f"{role}: {limit_words(group)}")
    except AttackError as error:
        console.print(f"FAULT: {error}", highlight=False)
        return 1
    title = "attacks; attackers and the other client have addresses of their own"
    table = Table(*COLUMNS, title=title, caption="\n".join(limits))
    for outcome in found:
        table.add_row(*outcome.line)
    console.print(table)
    return 1 if any(outcome.faults for outcome in found) else 0


if __name__ == "__main__":
    sys.exit(main())
