"""Break the program in every known way, one at a time: ``python -m tests.mutants``.

Each mutant runs in a copy of the tree against the tier-1 tests, the goldens left out, since a golden proves nothing but
that something changed. Exits 1 if a mutant survives, or no longer matches its source.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from rich.console import Console
from rich.table import Table

from tests.mutants import of_components, of_models
from tests.mutants.mutant import Mutant

PROJECT = Path(__file__).parent.parent.parent
MUTANTS = [*of_models.MUTANTS, *of_components.MUTANTS]
WORKERS = 2
TEST_SECONDS = 120
"""For one mutant; one that hangs the tests has been noticed."""
EXPECTED_SECONDS = 150
SURVIVED = "SURVIVED"

console = Console()


def mismatch(mutant: Mutant) -> str | None:
    """Say why a mutant cannot be applied to the sources as they are now."""
    found = (PROJECT / mutant.file).read_text().count(mutant.old)
    if found == 1:
        return None
    return (
        f"{mutant.file}: {mutant.old!r} occurs {found} times, not once: the source has changed; "
        f"update the mutant ({mutant.why!r}) in tests/mutants/"
    )


def killing_test(tree: Path, changed: str) -> str:
    """Run the tests nearest to what changed, then the others: the first that fails, or SURVIVED."""
    near = ("components", "contracts") if changed == "components" else ("models",)
    others = tuple(folder for folder in ("models", "components", "contracts", "program") if folder not in near)
    return next((verdict for folders in (near, others) if (verdict := run_tests(tree, folders)) != SURVIVED), SURVIVED)


def run_tests(tree: Path, folders: tuple[str, ...]) -> str:
    """Run the tests in some folders of a tree: the first that fails, or SURVIVED."""
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "--tb=no", "-p", "no:cacheprovider"]
    try:
        done = subprocess.run(
            [*command, *(f"tests/{folder}" for folder in folders)],
            cwd=tree, env=environment, capture_output=True, text=True, check=False, timeout=TEST_SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"no end within {TEST_SECONDS} s"
    if done.returncode == 0:
        return SURVIVED
    failed = re.search(r"^(?:FAILED|ERROR) (?:tests/)?([^\s\[]+)", done.stdout, re.MULTILINE)
    return failed[1] if failed else f"exit code {done.returncode}: {done.stdout[-200:]}{done.stderr[-200:]}"


def killer(mutant: Mutant, tree: Path) -> str:
    """Apply a mutant to a tree, run the tests, and put the tree back."""
    file = tree / mutant.file
    sound = file.read_text()
    broken = sound.replace(mutant.old, mutant.new)
    compile(broken, mutant.file, "exec")  # a mutant that does not even parse proves nothing
    file.write_text(broken)
    try:
        return killing_test(tree, mutant.file.partition("/")[0])
    finally:
        file.write_text(sound)


def copies(folder: Path) -> list[Path]:
    """Copy the tree once for each worker, without environments, caches and what is hidden."""
    trees = [folder / f"worker-{number}" for number in range(WORKERS)]
    for tree in trees:
        shutil.copytree(PROJECT, tree, ignore=shutil.ignore_patterns(".*", "__pycache__", "toolchain"))
    return trees


def run_all(trees: list[Path]) -> list[str]:
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
        at = f"{time.monotonic() - started:4.0f} of about {EXPECTED_SECONDS} s"
        console.print(f"{number:3}/{len(MUTANTS)}  {at}  {mutant.why}: {verdict}", markup=False, soft_wrap=True)
        return verdict

    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(one, enumerate(MUTANTS, 1)))


def main() -> int:
    """Run, show the table, and give the exit code."""
    if faults := [fault for mutant in MUTANTS if (fault := mismatch(mutant))]:
        console.print("\n".join(faults), markup=False)
        return 1
    with tempfile.TemporaryDirectory(prefix="slipway-mutants-") as folder:
        trees = copies(Path(folder))
        console.print("the tests as they are, about 20 s")
        if (verdict := killing_test(trees[0], "")) != SURVIVED:
            console.print(f"the tests fail without any mutant: {verdict}", markup=False)
            return 1
        verdicts = run_all(trees)
    table = Table("file", "what would go wrong", "killed by")
    for mutant, verdict in zip(MUTANTS, verdicts, strict=True):
        table.add_row(mutant.file, mutant.why, verdict)
    console.print(table)
    console.print(f"{len(MUTANTS) - verdicts.count(SURVIVED)} of {len(MUTANTS)} mutants killed")
    return int(SURVIVED in verdicts)


if __name__ == "__main__":
    sys.exit(main())
