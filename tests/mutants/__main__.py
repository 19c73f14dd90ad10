"""Break the program on purpose, one known way at a time; the tests must notice every one.

Each mutant runs in a copy of the tree against the tests that are nearest to it. The goldens are left out: a golden
proves nothing but that something changed. Exits 1 if a mutant survives, or no longer matches its source.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from rich.console import Console
from rich.table import Table

from tests.mutants.choice import Choice, Known, chosen
from tests.mutants.history import changed_since, changed_within, seed_of_newest_commit
from tests.mutants.listed import listed
from tests.mutants.mutant import Mutant
from tests.mutants.running import PROJECT, SURVIVED, run_tests
from tests.mutants.tree import Mismatch, mutated

WORKERS = 2
EXPECTED_SECONDS = 0.75
"""For one mutant, on two cores."""
MOST = 200
"""Touched mutants of one run: about 150 s. A change of a central file can touch all of them."""

console = Console()


def mismatch(mutant: Mutant) -> str | None:
    """Say why a mutant cannot be applied to the sources as they are now."""
    try:
        mutated((PROJECT / mutant.file).read_text(), mutant)
    except Mismatch as error:
        return f"{mutant.file}: {error}; update the mutant ({mutant.why!r}) in tests/mutants/"
    missing = [path for path in mutant.tests if not (PROJECT / path.partition("::")[0]).is_file()]
    return f"there is no {', '.join(missing)} to notice {mutant.why!r}" if missing else None


def killer(mutant: Mutant, tree: Path) -> str:
    """Apply a mutant to a tree, run the tests, and put the tree back."""
    file = tree / mutant.file
    sound, times = file.read_text(), file.stat()
    file.write_text(mutated(sound, mutant))
    try:
        return run_tests(tree, mutant.tests)
    finally:
        file.write_text(sound)
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))  # so that its byte code fits again


def run_all(mutants: list[Mutant], trees: list[Path]) -> list[str]:
    """Run every mutant on whichever tree is free, telling how far it is."""
    free: SimpleQueue[Path] = SimpleQueue()
    for tree in trees:
        free.put(tree)
    started = time.monotonic()

    def one(numbered: tuple[int, Mutant]) -> str:
        number, mutant = numbered
        tree = free.get()
        try:
            verdict = killer(mutant, tree)
        finally:
            free.put(tree)
        at = f"{time.monotonic() - started:4.0f} of about {EXPECTED_SECONDS * len(mutants):.0f} s"
        console.print(f"{number:3}/{len(mutants)}  {at}  {mutant.why}: {verdict}", markup=False, soft_wrap=True)
        return verdict

    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(one, enumerate(mutants, 1)))


def every_test(mutants: list[Mutant]) -> list[str]:
    """List the test files that must notice one of these mutants."""
    return sorted({path.partition("::")[0] for mutant in mutants for path in mutant.tests})


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    made = argparse.ArgumentParser(prog="python -m tests.mutants", description=(__doc__ or "").partition("\n")[0])
    made.add_argument("text", nargs="?", default="", help="only mutants whose file or reason contains this text")
    which = made.add_mutually_exclusive_group()
    which.add_argument(
        "--changed-since",
        metavar="REV",
        help="only mutants of files, or of tests, that differ between this revision and the working tree",
    )
    which.add_argument(
        "--changed-within",
        metavar="DAYS",
        type=float,
        help="the same for files of commits made in the DAYS before the newest commit",
    )
    made.add_argument("--sample", metavar="N", type=int, default=0, help="beside those, N others drawn at random")
    made.add_argument("--seed", metavar="N", type=int, help="of the sample; by default from the newest commit's hash")
    made.add_argument(
        "--most", metavar="N", type=int, default=MOST, help="upper limit of touched mutants (default: %(default)s)"
    )
    return made


def all_known(text: str) -> list[Known]:
    """List the mutants whose file or reason contains a text."""
    return [one for one in listed() if text in f"{one.mutant.where} {one.mutant.why}"]


def selected(known: list[Known], asked: argparse.Namespace) -> list[Mutant]:
    """Return the mutants of this run, and say how they were chosen."""
    changed: set[str] = set()
    if asked.changed_since is not None:
        changed = changed_since(asked.changed_since)
    elif asked.changed_within is not None:
        changed = changed_within(asked.changed_within)
    elif not asked.sample:
        return [one.mutant for one in known]
    seed = seed_of_newest_commit() if asked.seed is None else asked.seed
    choice = chosen(known, changed, sample=asked.sample, most=asked.most, seed=seed)
    console.print(told(choice, len(known), seed), markup=False, soft_wrap=True)
    return choice.mutants


def told(choice: Choice, total: int, seed: int) -> str:
    """Say what a choice holds, what it left out, and how to repeat it."""
    counts = f"{len(choice.touched)} mutants that the change touches and {len(choice.sampled)} others, of {total}"
    lines = [f"{counts}; to repeat this sample add --seed {seed}"]
    by_file = Counter(known.mutant.file for known in choice.left_out)
    lines += [f"left out beyond the limit: {count} of {file}" for file, count in sorted(by_file.items())]
    return "\n".join(lines)


def main() -> int:
    """Run, show the table, and give the exit code."""
    asked = parser().parse_args()
    known = all_known(asked.text)
    if faults := [fault for one in known if (fault := mismatch(one.mutant))]:  # also of those that do not run
        console.print("\n".join(faults), markup=False)
        return 1
    try:
        mutants = selected(known, asked)
    except ValueError as error:
        console.print(error, markup=False)
        return 2
    if not mutants:
        console.print("no mutant to run")
        return 0
    with tempfile.TemporaryDirectory(prefix="slipway-mutants-") as folder:
        trees = [Path(folder) / f"worker-{number}" for number in range(WORKERS)]
        shutil.copytree(PROJECT, trees[0], ignore=shutil.ignore_patterns(".*", "__pycache__"))
        console.print("the tests as they are, at most 2 min")
        if (verdict := run_tests(trees[0], every_test(mutants), keep_byte_code=True)) != SURVIVED:
            console.print(f"the tests fail without any mutant: {verdict}", markup=False)
            return 1
        for tree in trees[1:]:
            shutil.copytree(trees[0], tree)
        verdicts = run_all(mutants, trees)
    table = Table("where", "change", "what would go wrong", "killed by")
    for mutant, verdict in zip(mutants, verdicts, strict=True):
        table.add_row(mutant.where, mutant.kind, mutant.why, verdict)
    console.print(table)
    survivors = [mutant for mutant, verdict in zip(mutants, verdicts, strict=True) if verdict == SURVIVED]
    kinds = ", ".join(f"{number} {kind}" for kind, number in Counter(mutant.kind for mutant in mutants).most_common())
    places = len({mutant.where for mutant in mutants})
    console.print(f"{len(mutants) - len(survivors)} of {len(mutants)} mutants killed ({kinds}; {places} places)")
    for mutant in survivors:  # again and last: of a long log often only the end is kept
        tests = " ".join(mutant.tests)
        console.print(
            f"SURVIVED: {mutant.file}: {mutant.old!r} -> {mutant.new!r} ({mutant.why}; {tests})", markup=False
        )
    return int(bool(survivors))


if __name__ == "__main__":
    sys.exit(main())
