"""actionlint over the GitHub template: syntax, expressions, and outputs of jobs that a job does not need.

It needs the toolchain (actionlint is built by the first who asks), but no cluster.
"""

import subprocess
from pathlib import Path

import pytest

from local.paths import Paths
from local.progress import Progress
from local.toolchain.build import provide
from tests.templates.workflow import WORKFLOW


@pytest.fixture(scope="module")
def linter() -> Path:
    return provide("actionlint", Paths.from_environment().cache, Progress())


def complaints(linter: Path, text: str) -> str:
    command = [linter, "-shellcheck=", "-pyflakes=", "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False).stdout


def test_the_github_template_is_a_valid_workflow(linter: Path) -> None:
    assert complaints(linter, WORKFLOW.read_text()) == ""


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("needs: [build, dev]", "needs: [dev]", 'property "build" is not defined'),
        ("runs-on: *runner", "runs_on: *runner", 'unexpected key "runs_on"'),
        ("needs.dev.outputs.code", "needs.dev.output.code", 'property "output" is not defined'),
    ],
)
def test_a_mistake_is_noticed(linter: Path, right: str, wrong: str, said: str) -> None:
    text = WORKFLOW.read_text()
    assert right in text
    assert said in complaints(linter, text.replace(right, wrong))
