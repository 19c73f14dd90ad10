"""Break the program in every known way, one at a time: ``python -m tests.mutants``, or only where a text occurs.

Each mutant runs in a copy of the tree against the tests that are nearest to it. The goldens are left out: a golden
proves nothing but that something changed. Exits 1 if a mutant survives, or no longer matches its source.
"""

import os
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from rich.console import Console
from rich.table import Table

from tests.mutants import (
    of_components,
    of_delivery,
    of_evidence,
    of_local,
    of_models,
    of_network,
    of_planning,
    of_pods,
    of_scaling,
    of_server,
    of_sight,
    of_traffic,
    of_workloads,
)
from tests.mutants.mutant import Mutant
from tests.mutants.running import PROJECT, SURVIVED, run_tests

GROUPS = (
    of_models,
    of_components,
    of_pods,
    of_workloads,
    of_network,
    of_scaling,
    of_sight,
    of_traffic,
    of_planning,
    of_delivery,
    of_evidence,
    of_server,
    of_local,
)
WORKERS = 2
EXPECTED_SECONDS = 0.75
"""For one mutant, on two cores."""

console = Console()


def mismatch(mutant: Mutant) -> str | None:
    """Say why a mutant cannot be applied to the sources as they are now."""
    sound = (PROJECT / mutant.file).read_text()
    found = sound.count(mutant.old)
    if found != 1:
        return (
            f"{mutant.file}: {mutant.old!r} occurs {found} times, not once: the source has changed; "
            f"update the mutant ({mutant.why!r}) in tests/mutants/"
        )
    try:  # a mutant that does not even parse proves nothing
        compile(sound.replace(mutant.old, mutant.new), mutant.file, "exec")
    except SyntaxError as error:
        return f"{mutant.file}: {mutant.why!r} does not parse: {error}"
    missing = [path for path in mutant.tests if not (PROJECT / path.partition("::")[0]).is_file()]
    return f"there is no {', '.join(missing)} to notice {mutant.why!r}" if missing else None


def killer(mutant: Mutant, tree: Path) -> str:
    """Apply a mutant to a tree, run the tests, and put the tree back."""
    file = tree / mutant.file
    sound, times = file.read_text(), file.stat()
    file.write_text(sound.replace(mutant.old, mutant.new))
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


def every_test() -> list[str]:
    """List the tests that notice some mutant."""
    return sorted({path.partition("::")[0] for group in GROUPS for mutant in group.MUTANTS for path in mutant.tests})


def main() -> int:
    """Run, show the table, and give the exit code."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    mutants = [m for group in GROUPS for m in group.MUTANTS if wanted in f"{m.file} {m.why}"]
    if faults := [fault for mutant in mutants if (fault := mismatch(mutant))]:
        console.print("\n".join(faults), markup=False)
        return 1
    with tempfile.TemporaryDirectory(prefix="slipway-mutants-") as folder:
        trees = [Path(folder) / f"worker-{number}" for number in range(WORKERS)]
        shutil.copytree(PROJECT, trees[0], ignore=shutil.ignore_patterns(".*", "__pycache__"))
        console.print("the tests as they are, about 2 min")
        if (verdict := run_tests(trees[0], every_test(), keep_byte_code=True)) != SURVIVED:
            console.print(f"the tests fail without any mutant: {verdict}", markup=False)
            return 1
        for tree in trees[1:]:
            shutil.copytree(trees[0], tree)
        verdicts = run_all(mutants, trees)
    table = Table("file", "what would go wrong", "killed by")
    for mutant, verdict in zip(mutants, verdicts, strict=True):
        table.add_row(mutant.file, mutant.why, verdict)
    console.print(table)
    survivors = [mutant for mutant, verdict in zip(mutants, verdicts, strict=True) if verdict == SURVIVED]
    console.print(f"{len(mutants) - len(survivors)} of {len(mutants)} mutants killed")
    for mutant in survivors:  # again and last: of a long log often only the end is kept
        tests = " ".join(mutant.tests)
        console.print(
            f"SURVIVED: {mutant.file}: {mutant.old!r} -> {mutant.new!r} ({mutant.why}; {tests})", markup=False
        )
    return int(bool(survivors))


if __name__ == "__main__":
    sys.exit(main())
