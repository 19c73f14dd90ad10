"""The GitHub template's own shell steps, run in order: what each exit code of slipway makes of the pipeline."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.recording import PROJECT
from tests.templates.workflow import DIGEST, Fakes, Pipeline

pytestmark = pytest.mark.slow

MERGED = {"event_name": "push", "ref_name": "main", "event.repository.default_branch": "main", "sha": "abc"}
IMAGE = f"r.example.com/ml/server@{DIGEST}"
RELEASED = f"release dev classifier --image {IMAGE} --json"
STAGED = f"promote dev staging --service classifier --image {IMAGE} --json"
PROMOTED = f"promote staging prod --service classifier --image {IMAGE} --json"


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@invalid", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone of a repository with the steps and three stack files, as a runner has it."""
    origin, made = tmp_path / "origin", tmp_path / "clone"
    git(tmp_path, "init", "-q", "--bare", "-b", "main", str(origin))
    git(tmp_path, "clone", "-q", str(origin), str(made))
    (made / "templates").mkdir()
    (made / "templates" / "ci.sh").write_bytes((PROJECT / "templates" / "ci.sh").read_bytes())
    (made / "templates" / "ci.sh").chmod(0o755)
    (made / "templates" / "validate.py").write_text("")
    (made / ".venv").symlink_to(PROJECT / ".venv")
    for stack in ("dev", "staging", "prod"):
        (made / f"Pulumi.{stack}.yaml").write_text("config: {}\n")
    git(made, "checkout", "-q", "-b", "main")
    git(made, "add", "templates", *(f"Pulumi.{stack}.yaml" for stack in ("dev", "staging", "prod")))
    git(made, "commit", "-q", "-m", "a project")
    git(made, "push", "-q", "origin", "main")
    return made


def run(clone: Path, codes: dict[str, int] | None = None, lost: str = "", **github: str) -> Pipeline:
    fakes = Fakes(clone.parent / "fakes", codes or {})
    fakes.install()
    made = Pipeline(clone, fakes, MERGED | github, lost=frozenset(filter(None, [lost])))
    made.run()
    return made


def ran(pipeline: Pipeline) -> dict[str, str]:
    return {name: result for name, result in pipeline.results.items() if result != "skipped"}


TO_DEV = dict.fromkeys(("validate", "build", "scan", "dev"), "success")
GREEN = TO_DEV | {"staging": "success", "prod": "success"}


def test_a_merge_goes_all_the_way_with_one_digest_and_leaves_its_record(clone: Path) -> None:
    pipeline = run(clone)
    assert ran(pipeline) == GREEN, pipeline.said
    assert pipeline.fakes.calls("slipway") == [RELEASED, STAGED, PROMOTED]
    assert pipeline.fakes.calls("trivy")[0].endswith(IMAGE)
    git(clone, "fetch", "-q", "origin", "main")
    for stack, asked in (("dev", RELEASED), ("staging", STAGED), ("prod", PROMOTED)):
        assert git(clone, "show", f"origin/main:Pulumi.{stack}.yaml") == f"config: {{}}\n# {asked}\n"
    assert git(clone, "diff", "--name-only", "HEAD", "origin/main").split() == [
        f"Pulumi.{stack}.yaml" for stack in ("dev", "prod", "staging")
    ]


def test_a_branch_ends_with_dev_and_its_record_is_on_the_branch_of_the_records(clone: Path) -> None:
    git(clone, "checkout", "-q", "-b", "feature")
    pipeline = run(clone, ref_name="feature")
    assert ran(pipeline) == TO_DEV, pipeline.said
    git(clone, "fetch", "-q", "origin", "main")
    assert RELEASED in git(clone, "show", "origin/main:Pulumi.dev.yaml")


def test_a_pull_request_is_validated_alone(clone: Path) -> None:
    assert ran(run(clone, event_name="pull_request")) == {"validate": "success"}


@pytest.mark.parametrize(("code", "section"), [(1, ".md)"), (3, "#rolled-back"), (4, "#inconclusive")])
def test_a_release_that_goes_back_is_red_names_its_section_and_stops_what_follows(
    clone: Path, code: int, section: str
) -> None:
    pipeline = run(clone, {"promote dev": code})
    assert ran(pipeline) == TO_DEV | {"staging": "failure"}
    assert pipeline.fakes.calls("slipway") == [RELEASED, STAGED]
    assert section in pipeline.said
    git(clone, "fetch", "-q", "origin", "main")
    assert STAGED in git(clone, "show", "origin/main:Pulumi.staging.yaml"), "the record of a rollback is kept too"


def test_waiting_for_a_person_is_green_and_goes_no_further(clone: Path) -> None:
    pipeline = run(clone, {"promote dev": 5})
    assert ran(pipeline) == TO_DEV | {"staging": "success"}
    assert pipeline.fakes.calls("slipway")[-1] == STAGED
    assert "#waiting" in pipeline.said


def test_a_busy_stack_is_tried_again_and_then_red(clone: Path) -> None:
    pipeline = run(clone, {"promote staging": 6})
    assert ran(pipeline) == GREEN | {"prod": "failure"}
    assert pipeline.fakes.calls("slipway").count(PROMOTED) == 3
    assert "#busy" in pipeline.said


@pytest.mark.parametrize(("lost", "command"), [("staging", "resume staging"), ("prod", "resume prod")])
def test_after_a_lost_runner_the_release_is_resumed(clone: Path, lost: str, command: str) -> None:
    pipeline = run(clone, lost=lost)
    assert pipeline.results[lost] == "failure"
    assert pipeline.results[f"resume-{lost}"] == "success", pipeline.said
    assert pipeline.fakes.calls("slipway")[-1] == f"{command} classifier --json"


def test_a_rolled_back_release_is_not_resumed(clone: Path) -> None:
    pipeline = run(clone, {"promote staging": 3})
    assert pipeline.results["resume-prod"] == pipeline.results["resume-staging"] == "skipped"


def test_what_the_scanner_finds_ends_the_pipeline(clone: Path) -> None:
    fakes = Fakes(clone.parent / "fakes")
    fakes.install()
    with (fakes.folder / "trivy").open("a") as script:
        script.write("exit 1\n")
    pipeline = Pipeline(clone, fakes, dict(MERGED))
    pipeline.run()
    assert pipeline.results["scan"] == "failure"
    assert fakes.calls("slipway") == []


@pytest.mark.parametrize(
    ("command", "asked"),
    [("approve", "approve prod classifier --reason seen --json"), ("resume", "resume prod classifier --json")],
)
def test_one_command_is_run_by_hand(clone: Path, command: str, asked: str) -> None:
    fakes = Fakes(clone.parent / "fakes")
    fakes.install()
    inputs = {"stack": "prod", "command": command, "reason": "seen"}
    pipeline = Pipeline(clone, fakes, MERGED | {"event_name": "workflow_dispatch"}, inputs)
    pipeline.run()
    assert ran(pipeline) == {"operate": "success"}, pipeline.said
    assert fakes.calls("slipway") == [asked]


PUSHED = 'git -C "$FAKES/../origin" show main:Pulumi.prod.yaml'
DURING = (
    f'for _ in $(seq 100); do {PUSHED} | grep -q resume && break; sleep 0.3; done; {PUSHED} > "$FAKES/during"\nexit '
)
"""The release goes on until its record is there, 30 s at most."""


def git_that(fakes: Fakes, does: str) -> None:
    """A git that does something before its work."""
    script = fakes.folder / "git"
    script.write_text(f'#!/usr/bin/env bash\n{does}\nexec {shutil.which("git")} "$@"\n')
    script.chmod(0o755)


def test_the_record_is_pushed_while_the_release_still_runs_also_where_its_keeper_starts_late(clone: Path) -> None:
    fakes = Fakes(clone.parent / "fakes")
    fakes.install()
    git_that(fakes, '[ "$1" != update-index ] || sleep 0.5')
    script = fakes.folder / "slipway"
    script.write_text(script.read_text().replace("exit ", DURING))
    inputs = {"stack": "prod", "command": "resume"}
    pipeline = Pipeline(clone, fakes, MERGED | {"event_name": "workflow_dispatch"}, inputs)
    pipeline.run()
    assert "# resume prod classifier" in (fakes.folder / "during").read_text(), pipeline.said


FAILS_ONCE = """
asked=$1; [ "$1" != -c ] || asked=$5
if [ "$asked" = {command} ] && grep -qs slipway "$FAKES/calls" && mkdir "$FAKES/failed" 2>/dev/null; then exit 128; fi
"""


@pytest.mark.parametrize(
    "command",
    [
        "fetch",
        "ls-tree",
        "rev-parse",
        "update-index",
        "write-tree",
        "read-tree",
        "diff-tree",
        "commit-tree",
        "push",
        "update-ref",
    ],
)
def test_a_git_that_fails_once_neither_loses_the_record_nor_anything_else_of_the_branch(
    clone: Path, command: str
) -> None:
    fakes = Fakes(clone.parent / "fakes")
    fakes.install()
    git_that(fakes, FAILS_ONCE.format(command=command))
    inputs = {"stack": "prod", "command": "resume"}
    pipeline = Pipeline(clone, fakes, MERGED | {"event_name": "workflow_dispatch"}, inputs)
    pipeline.run()
    assert ran(pipeline) == {"operate": "success"}, pipeline.said
    assert (fakes.folder / "failed").exists(), "git was never asked for it"
    git(clone, "fetch", "-q", "origin", "main")
    assert git(clone, "diff", "--name-only", "HEAD", "origin/main").split() == ["Pulumi.prod.yaml"]
