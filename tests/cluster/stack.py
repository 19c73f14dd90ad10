"""Drives the real thing as a user does: the Pulumi CLI on edited stack files, kubectl, and the local CLI."""

import copy
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import yaml

from tests.recording import PROJECT

Json = dict[str, Any]
NAMESPACE = "classifier-dev"
UP_SECONDS = 300
"""More than any `up` here may take: a hang fails its test instead of the whole run."""


Done = subprocess.CompletedProcess[str]


def run(*command: str, env: dict[str, str] | None = None, timeout: float = UP_SECONDS) -> Done:
    """Run a command in the project, without raising on its exit code."""
    return subprocess.run(
        command, cwd=PROJECT, env=env or dict(os.environ), capture_output=True, text=True, timeout=timeout, check=False
    )


def local(*arguments: str, timeout: float = UP_SECONDS) -> Done:
    """Call the local CLI."""
    return run(sys.executable, "-m", "local", *arguments, timeout=timeout)


def exported_environment() -> dict[str, str]:
    """Return what a user's shell holds after ``eval "$(make -s env)"``."""
    script = f'eval "$({sys.executable} -m local env)" && env -0'
    shell = subprocess.run(["bash", "-c", script], cwd=PROJECT, capture_output=True, text=True, check=True)
    pairs = (line.split("=", 1) for line in shell.stdout.split("\0") if line)
    return {pair[0]: pair[1] for pair in pairs}


def project_elsewhere(folder: Path, entry: Json | None = None) -> Path:
    """Lay out the program in a folder of its own, with the catalogue as it is or with one entry alone."""
    shared = (
        "__main__.py",
        "models",
        "components",
        "sizing",
        "delivery",
        "loader",
        "serving",
        "images",
        "examples",
        "Pulumi.yaml",
        ".slipway",
    )
    for name in (*shared, "catalog") if entry is None else shared:
        (folder / name).symlink_to(PROJECT / name)
    if entry is not None:
        (folder / "catalog").mkdir()
        for module in (PROJECT / "catalog").glob("*.py"):
            (folder / "catalog" / module.name).symlink_to(module)
        (folder / "catalog" / "profiles").symlink_to(PROJECT / "catalog" / "profiles")
        (folder / "catalog" / f"{entry['name']}.yaml").write_text(yaml.safe_dump(entry, sort_keys=False))
    return folder


def config_of(stack: str) -> Json:
    """Return a copy of a committed stack file's configuration, to be edited."""
    return copy.deepcopy(cast("Json", yaml.safe_load((PROJECT / f"Pulumi.{stack}.yaml").read_text())["config"]))


@dataclass(frozen=True)
class Stack:
    """The dev stack on the embedded cluster."""

    env: dict[str, str] = field(repr=False)
    """Holds the keys to the embedded cluster's object storage, which no failed assertion may print."""
    folder: Path
    """Where edited stack files are written; the project's own stay as they are."""

    def config(self) -> Json:
        """Return a copy of the committed stack file's configuration, to be edited."""
        return config_of("dev")

    def up(self, config: Json | None = None, *, expect_success: bool = True) -> Done:
        """Run `pulumi up` with the committed stack file, or with an edited one."""
        done = self.pulumi("up", "--yes", "--skip-preview", config=config)
        if expect_success:
            assert done.returncode == 0, done.stdout + done.stderr
        return done

    def pulumi(self, *arguments: str, config: Json | None = None) -> Done:
        """Run a Pulumi command on the dev stack."""
        edited: list[str] = []
        if config is not None:
            file = self.folder / "Pulumi.edited.yaml"
            file.write_text(yaml.safe_dump({"config": config}))
            edited = ["--config-file", str(file)]
        return run("pulumi", *arguments, "-s", "dev", "--non-interactive", "--color", "never", *edited, env=self.env)

    def service(self) -> Json:
        """Return the stack's output for the classifier."""
        done = run("pulumi", "stack", "output", "services", "--json", "-s", "dev", env=self.env)
        assert done.returncode == 0, done.stderr
        return cast("Json", json.loads(done.stdout)["classifier"])

    def kubectl(self, *arguments: str) -> Json:
        """Ask the API server, as JSON."""
        done = run("kubectl", *arguments, "-n", NAMESPACE, "-o", "json", env=self.env)
        assert done.returncode == 0, done.stderr
        return cast("Json", json.loads(done.stdout))

    def pods(self, slot: str) -> list[Json]:
        """List a slot's pods that are not on their way out."""
        found = self.kubectl("get", "pods", "-l", f"slipway.dev/slot={slot}")["items"]
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def workloads(self) -> Json:
        """Return what must not change when nothing may change: spec generations, pods and their restarts."""
        kinds = "deployments,services,configmaps,ingresses,networkpolicies,resourcequotas"
        objects = {
            f"{o['kind']}/{o['metadata']['name']}": (o["metadata"]["uid"], o["metadata"].get("generation"))
            for o in self.kubectl("get", kinds)["items"]
        }
        pods = {
            pod["metadata"]["name"]: [status["restartCount"] for status in pod["status"].get("containerStatuses", [])]
            for slot in ("blue", "green")
            for pod in self.pods(slot)
        }
        return {"objects": objects, "pods": pods}


def last_errors(done: Done) -> str:
    """Return the diagnostics part of Pulumi's output."""
    return (done.stdout + done.stderr).partition("Diagnostics:")[2]
