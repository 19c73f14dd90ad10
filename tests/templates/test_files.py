"""The templates as files: they parse, what they name is there, and a wrong stack file is one line."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from delivery.stack_file.stack_file import RECORD_FOLDERS
from templates.validate import main as validate
from tests.each import each
from tests.recording import PROJECT
from tests.templates.workflow import GITLAB, WORKFLOW, document, gitlab_jobs


def github_jobs() -> dict[str, dict[str, Any]]:
    return document(WORKFLOW)["jobs"]


def scripts() -> Iterator[tuple[str, str]]:
    for name, job in github_jobs().items():
        for step in job["steps"]:
            if "run" in step:
                yield f"github {name}: {step.get('name')}", step["run"]
    for name, job in gitlab_jobs().items():
        yield f"gitlab {name}", "\n".join([*job["before_script"], *job["script"]])
    yield "ci.sh", (PROJECT / "templates" / "ci.sh").read_text()


@each(("name", "script"), list(scripts()))
def test_every_step_is_shell(name: str, script: str) -> None:
    done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{name}: {done.stderr}"
    assert "${{" not in script, "an expression in a script is a way in for whoever names a branch"


def test_the_jobs_of_both_templates_are_those_of_the_readme() -> None:
    readme = (PROJECT / "templates" / "README.md").read_text()
    rows = re.findall(r"^\| (`[^|]*`) \| [^|]* \| [^|]* \|$", readme, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`([\w-]+)`", row)}
    jobs = set(github_jobs())
    assert len(jobs) == 10
    assert jobs == set(gitlab_jobs())
    assert jobs <= named


def test_gitlab_jobs_need_and_stand_in_what_is_there() -> None:
    jobs, stages = gitlab_jobs(), document(GITLAB)["stages"]
    for name, job in jobs.items():
        for needed in job.get("needs", []):
            assert stages.index(jobs[needed]["stage"]) < stages.index(job["stage"]), name


def test_one_stack_has_one_driver_in_both_templates() -> None:
    drivers = {"dev", "staging", "prod", "resume-staging", "resume-prod", "operate", "stop"}
    for name in drivers:
        stack = name.removeprefix("resume-")
        github, gitlab = github_jobs()[name], gitlab_jobs()[name]
        expected = ("${{ inputs.stack }}", "$SLIPWAY_STACK") if name in {"operate", "stop"} else (stack, stack)
        beside = "-stop" if name == "stop" else ""  # an abort must not wait for the release that it stops
        assert github["concurrency"] == {"group": f"slipway-{expected[0]}{beside}", "cancel-in-progress": "false"}
        assert gitlab["resource_group"] == f"slipway-{expected[1]}{beside}"
        assert (github["environment"], gitlab["environment"]) == expected
    assert {name for name, job in github_jobs().items() if "concurrency" in job} == drivers


def test_each_command_by_hand_has_one_job_and_an_abort_does_not_wait_for_a_release() -> None:
    choices = document(WORKFLOW)["on"]["workflow_dispatch"]["inputs"]["command"]["options"]
    assert {"abort", "rollback", "resume", "approve"} <= set(choices)
    assert "!= 'abort' && inputs.command != 'rollback'" in github_jobs()["operate"]["if"]
    assert "(inputs.command == 'abort' || inputs.command == 'rollback')" in github_jobs()["stop"]["if"]
    assert gitlab_jobs()["operate"]["rules"] == [{"if": "$SLIPWAY_COMMAND && $SLIPWAY_COMMAND !~ /^(abort|rollback)$/"}]
    assert gitlab_jobs()["stop"]["rules"] == [{"if": "$SLIPWAY_COMMAND =~ /^(abort|rollback)$/"}]
    for jobs in (github_jobs(), gitlab_jobs()):
        waiting = {str(jobs[name].get("concurrency") or jobs[name]["resource_group"]) for name in ("prod", "operate")}
        assert str(jobs["stop"].get("concurrency") or jobs["stop"]["resource_group"]) not in waiting


def test_the_record_of_a_pipeline_is_the_record_of_the_program() -> None:
    (found,) = re.findall(r"RECORD_FOLDERS:=([^}]*)\}", (PROJECT / "templates" / "ci.sh").read_text())
    assert found.split() == list(RECORD_FOLDERS)


def test_prod_waits_for_a_person_on_gitlab_and_waiting_is_not_red() -> None:
    (rule,) = gitlab_jobs()["prod"]["rules"]
    assert rule["when"] == "manual"
    assert rule["allow_failure"] == {"exit_codes": ["5"]}, "a manual job is optional unless it says otherwise"
    assert gitlab_jobs()["staging"]["allow_failure"] == {"exit_codes": ["5"]}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copytree(PROJECT / "catalog", tmp_path / "catalog", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT / "Pulumi.dev.yaml", tmp_path)
    return tmp_path


def test_stacks_that_can_be_deployed_pass(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert validate(["--project", str(project), "dev"]) == 0
    assert capsys.readouterr().out == "valid: dev\n"


def test_each_fault_of_a_stack_or_its_entry_is_one_line(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stack = project / "Pulumi.dev.yaml"
    stack.write_text(stack.read_text().replace("environment: dev}", "environment: dve}"))
    assert validate(["--project", str(project), "dev", "prdo"]) == 1
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("error: Pulumi.dev.yaml, line 5: slipway:system.environment: ")
    assert "dve" in first
    assert second.startswith("error: prdo: no such stack (dev)")
