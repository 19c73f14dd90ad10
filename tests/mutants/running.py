"""Tests of a copy of the tree, in a process of their own that is forked with the libraries loaded."""

import os
import re
import sys
from collections.abc import Sequence
from multiprocessing import get_context
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent.parent
OWN = {
    "tests",
    "models",
    "components",
    "sizing",
    "delivery",
    "templates",
    "catalog",
    "serving",
    "loader",
    "bench",
    "local",
    "schema",
}
LIBRARIES = (
    *("pytest", "yaml", "pydantic", "pulumi.runtime.mocks", "google.protobuf.json_format"),
    *(f"pulumi_kubernetes.{group}" for group in ("core.v1", "apps.v1", "batch.v1", "networking.v1", "rbac.v1")),
)
TEST_SECONDS = 120
"""For one mutant; one that hangs the tests has been noticed."""
SOUND_SECONDS = 900
"""For all of these tests together, on a busy machine."""
SURVIVED = "SURVIVED"


def run_tests(tree: Path, tests: Sequence[str], *, keep_byte_code: bool = False) -> str:
    """Run tests of a tree: the first that fails, or SURVIVED.

    Byte code is for the sound tree alone: what is made of a mutant would outlive it.

    Raises:
        RuntimeError: pytest ended in another way, such as with no tests at all.
    """
    context = get_context("forkserver")
    context.set_forkserver_preload(list(LIBRARIES))
    report = tree / "report.txt"
    process = context.Process(target=_run, args=(tree, tests, report, keep_byte_code))
    process.start()
    seconds = SOUND_SECONDS if keep_byte_code else TEST_SECONDS
    process.join(seconds)
    if process.exitcode is None:
        process.kill()
        return f"no end within {seconds} s"
    if process.exitcode == 0:
        return SURVIVED
    said = report.read_text("utf-8", "replace")
    failed = re.search(r"^(?:FAILED|ERROR) (?:tests/)?([^\s\[]+)", said, re.MULTILINE)
    if not failed:
        raise RuntimeError(f"exit code {process.exitcode} of {' '.join(tests)}:\n{said}")
    return failed[1]


def _run(tree: Path, tests: Sequence[str], report: Path, keep_byte_code: bool) -> None:
    """Forget what was loaded from the project itself, and end the process with pytest's exit code."""
    for name in [name for name in sys.modules if name.partition(".")[0] in OWN]:
        del sys.modules[name]
    sys.path[:] = [str(tree), *(path for path in sys.path if Path(path).resolve() != PROJECT)]
    sys.dont_write_bytecode = not keep_byte_code
    os.chdir(tree)
    with report.open("w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    # One seed: a mutant that only some draws notice is noticed every time, or never.
    options = ["-x", "-q", "--no-header", "--tb=no", "-p", "no:cacheprovider", "--hypothesis-seed=0"]
    sys.exit(pytest.main([*options, *tests]))
