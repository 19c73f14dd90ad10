"""A failed Job: the update prints a command, and the command runs the Job again."""

import re
from collections.abc import Iterator

import pytest

from tests.cluster.copies import SECRET, SMALL, Copy, entry, initialised, service
from tests.cluster.s3 import Models, uri
from tests.cluster.stack import Json, Stack, last_errors, project_elsewhere, run

NAME, SERVICE, JOB = "lost", "pupil", "train"
PREFIX = f"{NAME}-test/1"


def content() -> Json:
    job: Json = {
        "image": "trainer",
        "args": ["digits", "--publish", uri(PREFIX), "--seed", "1"],
        "objectStorage": True,
        "secrets": [SECRET],
        "before": [SERVICE],
        "resources": {**SMALL, "limits": {**SMALL["limits"], "memory": "1Gi"}},
        "deadline": "60s",
    }
    return entry(NAME, {SERVICE: service(NAME, uri(PREFIX))}, environments={"dev": {"jobs": {JOB: job}}})


@pytest.fixture
def copy(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    models = Models.of(stack.env)
    models.delete(PREFIX)
    with initialised(stack, project_elsewhere(tmp_path_factory.mktemp(NAME), content()), NAME) as made:
        yield made
    models.delete(PREFIX)


def node(stack: Stack, command: str) -> None:
    """Set whether the node accepts new pods."""
    done = run("kubectl", command, "-l", "kubernetes.io/hostname", env=stack.env)
    assert done.returncode == 0, done.stderr


def test_a_failed_job_runs_again_by_the_command_that_the_update_tells(stack: Stack, copy: Copy) -> None:
    node(stack, "cordon")
    try:
        failed = copy.up(expect_success=False)
    finally:
        node(stack, "uncordon")
    assert failed.returncode != 0
    told = re.search(r"pulumi (up -s lost --replace '(\S+)')", last_errors(failed))
    assert told, last_errors(failed)
    again = copy.up(expect_success=False)
    assert again.returncode != 0, "it stays failed"
    assert told[1] in last_errors(again)

    done = copy.pulumi("up", "--replace", told[2], "--yes", "--skip-preview")
    assert done.returncode == 0, done.stdout + done.stderr
    (job,) = copy.found("jobs")["items"]
    assert job["status"]["succeeded"] == 1
    assert copy.pods(SERVICE)
