"""What every tier shares."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.recording import DIGEST, PROJECT, Recorded, run_main

Config = dict[str, Any]
IMAGE = f"registry.example.com/ml/classifier/server@{DIGEST}"


def stack_config(environment: str) -> Config:
    """Read a shipped stack file's ``slipway:`` namespace as plain data."""
    content = yaml.safe_load((PROJECT / f"Pulumi.{environment}.yaml").read_text())
    return json.loads(json.dumps({key.removeprefix("slipway:"): value for key, value in content["config"].items()}))


def runnable(environment: str) -> Config:
    """Complete a shipped stack file with what a person must add: outside dev, the digest to run."""
    config = stack_config(environment)
    if environment == "dev":
        del config["image"]["wheels"]  # a folder that only `make up` fills
    else:
        config["release"] = {"classifier": {"slots": {"blue": {"image": IMAGE}}}}
    return config


@pytest.fixture(autouse=True)
def kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A kubeconfig that knows the contexts of the shipped stack files, and nothing of this machine."""
    path = tmp_path / "kubeconfig"
    contexts = [{"name": name, "context": {}} for name in ("slipway-local", "staging", "prod")]
    path.write_text(yaml.safe_dump({"contexts": contexts}))
    monkeypatch.setenv("KUBECONFIG", str(path))
    return path


@pytest.fixture
def program() -> Callable[..., Recorded]:
    """Run the real ``__main__.py`` under mocks with a ``slipway:`` namespace."""
    return run_main
