"""Servers as strangers bring them (examples/servers): built, deployed, and asked as their published clients ask."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image

from tests.cluster.stack import Done, Json, Stack, last_errors, project_elsewhere, run
from tests.recording import PROJECT

BUILD_SECONDS = 600
"""Each image installs its packages and fits its model while it is built."""
ROOT_CHECK = ("python3", "-c", "import os; print(os.getuid(), os.access('/', os.W_OK), os.environ.get('SLIPWAY_SLOT'))")


class Example:
    """One folder of examples/servers, in a project of its own."""

    def __init__(self, name: str, service: str, folder: Path, stack: Stack) -> None:
        source = PROJECT / "examples" / "servers" / name
        self.stack, self.name, self.service = stack, f"{name}-dev", service
        entry: Json = yaml.safe_load((source / f"{name}.yaml").read_text("utf-8"))
        self.folder = project_elsewhere(folder, entry)
        file = f"Pulumi.{self.name}.yaml"
        text = (source / file).read_text("utf-8")
        (self.folder / file).write_text(text, "utf-8")
        self.url = yaml.safe_load(text)["config"]["slipway:cluster"]["ingressUrl"]
        self.host = entry["environments"]["dev"]["services"][service]["route"]["host"]

    def pulumi(self, *arguments: str) -> Done:
        named = [] if arguments[0] == "stack" else ["-s", self.name]
        options = ("-C", str(self.folder), "--non-interactive", "--color", "never")
        return run("pulumi", *arguments, *named, *options, env=self.stack.env, timeout=BUILD_SECONDS)

    def curl(self, path: str, *options: str) -> Any:
        """Send a request through the proxy, as a person does; give the JSON of the answer."""
        command = ("curl", "-sS", "--fail-with-body", "-H", f"Host: {self.host}", *options, f"{self.url}{path}")
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def inside(self, *command: str) -> str:
        """Run a command in the server's container."""
        target = f"deployment/{self.service}-blue"
        done = run("kubectl", "exec", "-n", self.name, target, "-c", "server", "--", *command, env=self.stack.env)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


def deployed(example: Example) -> Iterator[Example]:
    assert example.pulumi("stack", "init", example.name).returncode == 0
    done = example.pulumi("up", "--yes", "--skip-preview")
    assert done.returncode == 0, last_errors(done)
    yield example
    assert example.pulumi("destroy", "--yes", "--skip-preview").returncode == 0
    assert example.pulumi("stack", "rm", example.name, "--yes").returncode == 0


@pytest.fixture(scope="module")
def flask(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    yield from deployed(Example("flask", "parser", tmp_path_factory.mktemp("flask"), stack))


@pytest.fixture(scope="module")
def fastapi(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    yield from deployed(Example("fastapi", "nlu", tmp_path_factory.mktemp("fastapi"), stack))


def test_the_published_health_check_of_flask_is_answered(flask: Example) -> None:
    answer = flask.curl("/health")
    assert (answer["status"], answer["model_loaded"]) == ("healthy", True)
    assert "T" in answer["timestamp"]


def test_flask_answers_a_picture_in_a_form(flask: Example, tmp_path: Path) -> None:
    picture = tmp_path / "test.png"
    Image.new("RGB", (16, 16), (40, 70, 170)).save(picture)
    result = flask.curl("/parse", "-X", "POST", "-F", f"image=@{picture}")["result"]
    assert result[0][1] == "shirt"
    assert sum(share for _, _, share in result) == pytest.approx(1)


def test_flask_runs_as_a_user_that_its_image_lacks_on_a_root_that_it_cannot_write(flask: Example) -> None:
    assert flask.inside(*ROOT_CHECK) == "10001 False None"


def test_the_published_requests_of_fastapi_are_answered(fastapi: Example) -> None:
    assert fastapi.curl("/health") == {"status": "ok"}
    question = {"text": "a great phone and I like the screen", "schema": {"sentiment": ["positive", "negative"]}}
    asked = ("-X", "POST", "-H", "Content-Type: application/json", "-d", json.dumps(question))
    assert fastapi.curl("/predict", *asked) == {"sentiment": "positive"}


def test_fastapi_keeps_its_own_user(fastapi: Example) -> None:
    assert fastapi.inside(*ROOT_CHECK) == "1001 False None"


def test_the_workers_of_fastapi_report_their_requests_together(fastapi: Example) -> None:
    script = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:7860/metrics').read().decode())"

    def counted() -> float:
        lines = fastapi.inside("python3", "-c", script).splitlines()
        series = 'nlu_requests_total{endpoint="/health",method="GET",status="200"}'
        return next(float(line.rpartition(" ")[2]) for line in lines if line.startswith(series))

    before = counted()
    for _ in range(20):
        fastapi.curl("/health")
    assert counted() >= before + 20
