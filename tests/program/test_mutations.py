# pyright: basic
"""Mutated stack files and entries through preview, `slipway plan` and the validation in CI: one line for each fault.

`make check` runs a few hundred; SLIPWAY_MUTATIONS=10000 runs as many as that.
"""

import os
import random
import shutil
from pathlib import Path

import pulumi
import pytest
from typer.testing import CliRunner

import catalog
from catalog import yaml_document
from catalog.project_file import ProjectFile
from components import preflight
from delivery.commands.cli import app
from delivery.release.stack import Stack
from models.errors import ConfigurationError
from templates import validate
from tests.delivery.desk import Pulumi
from tests.mutations import changed_bytes, changed_value
from tests.recording import PROJECT, Recorded, run_main

COUNT = int(os.environ.get("SLIPWAY_MUTATIONS", "300"))
SEED = 18
LONGEST = 1_000
"""Characters of one fault; a list of known names is the longest part."""
STACKS = {
    "dev": ("classifier", "classifier"),
    "faces-dev": ("faces", "capture"),
    "parsing-dev": ("parsing", "parsing"),
    "nlu-dev": ("nlu", "nlu"),
    "wine-dev": ("wine", "taster"),
    "gpu-dev": ("gpu", "model"),
}
"""The entry and one service of each shipped stack that builds its images."""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with the shipped files, from which the program reads too."""
    read = catalog.read
    for variable in ("SLIPWAY_S3_ACCESS_KEY", "SLIPWAY_S3_SECRET_KEY", "SLIPWAY_SERVICE_TOKEN"):
        monkeypatch.setenv(variable, "x")
    monkeypatch.setattr(preflight, "_wheels_faults", lambda *_: ())  # `make up` creates the folder
    monkeypatch.setattr(Stack, "engine", Pulumi({"services": {}}))
    monkeypatch.setattr(catalog, "FOLDER", tmp_path / "catalog")
    monkeypatch.setattr(catalog, "read", lambda name, _folder=None: read(name, tmp_path / "catalog"))
    monkeypatch.setattr(ProjectFile, "read", lambda _project: ProjectFile(tmp_path))
    shutil.copytree(PROJECT / "catalog", tmp_path / "catalog", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    for file in PROJECT.glob("Pulumi.*.yaml"):
        shutil.copy(file, tmp_path)
    return tmp_path


def by_program(file: Path) -> list[str]:
    """Return the faults of a preview. Pulumi passes what it read from the stack file."""
    try:
        config = yaml_document.read(file.read_bytes(), file.name).config()
    except ConfigurationError:
        config = {}  # Pulumi refuses the file itself, in most cases; the program still ends with its own line
    values = {key.removeprefix("slipway:"): value for key, value in config.items() if key.startswith("slipway:")}
    recorded = Recorded()
    try:
        run_main(values, stack=file.stem.removeprefix("Pulumi."), into=recorded, preview=True)
    except pulumi.RunError as error:
        assert recorded.resources == [], "registered before the error"
        return str(error).splitlines()
    return []


def content(project: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}


def told(project: Path, stack: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Return the faults of all three."""
    lines = by_program(project / f"Pulumi.{stack}.yaml")
    capsys.readouterr()
    done = CliRunner().invoke(app, ["--cwd", str(project), "plan", stack, STACKS[stack][1]])
    assert done.exception is None or isinstance(done.exception, SystemExit), repr(done.exception)
    lines += done.stderr.splitlines() if done.exit_code else []
    if validate.main(["--project", str(project), stack]):
        lines += capsys.readouterr().out.splitlines()
    return lines


@pytest.mark.parametrize("stack", STACKS)
def test_the_shipped_files_are_accepted(project: Path, stack: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(project, stack, capsys) == []


@pytest.mark.slow
@pytest.mark.timeout(max(60, COUNT))
def test_no_mutation_ends_in_a_traceback_or_writes_anything(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chosen = random.Random(SEED)  # noqa: S311 -- repeatable
    refused = 0
    for _ in range(COUNT):
        stack = chosen.choice([*STACKS])
        file = chosen.choice([project / f"Pulumi.{stack}.yaml", project / "catalog" / f"{STACKS[stack][0]}.yaml"])
        whole = file.read_bytes()
        file.write_bytes(chosen.choice([changed_bytes, changed_value])(whole, chosen))
        before = content(project)
        lines = told(project, stack, capsys)
        assert content(project) == before, "something was written"
        assert [line for line in lines if "Traceback" in line or len(line) > LONGEST] == [], file.read_text("latin-1")
        refused += bool(lines)
        file.write_bytes(whole)
    assert COUNT / 3 < refused < COUNT, "both outcomes occur"
