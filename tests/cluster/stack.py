"""Runs real commands as a user does: the Pulumi CLI on edited stack files, kubectl, and the local CLI."""

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
"""Time limit of a command: longer than any `up` here, so that a hang fails only its test."""


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
    """Return the environment of a user's shell after ``eval "$(make -s env)"``."""
    script = f'eval "$({sys.executable} -m local env)" && env -0'
    shell = subprocess.run(["bash", "-c", script], cwd=PROJECT, capture_output=True, text=True, check=True)
    pairs = (line.split("=", 1) for line in shell.stdout.split("\0") if line)
    return {pair[0]: pair[1] for pair in pairs}


def project_elsewhere(folder: Path, entry: Json | None = None) -> Path:
    """Link the program into a separate folder, with the committed catalogue or with only one entry."""
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
    """Environment variables; not shown in failed assertions, because they hold the keys of the object storage."""
    folder: Path
    """Folder for edited stack files; the committed ones stay unchanged."""

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
        """Run kubectl in the dev stack's namespace; return its JSON."""
        done = run("kubectl", *arguments, "-n", NAMESPACE, "-o", "json", env=self.env)
        assert done.returncode == 0, done.stderr
        return cast("Json", json.loads(done.stdout))

    def pods(self, slot: str) -> list[Json]:
        """Return a slot's pods that are not being deleted."""
        found = self.kubectl("get", "pods", "-l", f"slipway.dev/slot={slot}")["items"]
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def workloads(self) -> Json:
        """Return the generations of all objects, and the pods with their restarts, to prove that nothing changed."""
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

    def writes(self) -> list[str]:
        """Return the writes that Pulumi has sent to the API server, without dry runs."""
        state = Path(self.env["KUBECONFIG"]).parent.parent
        events = [json.loads(line) for line in (state / "logs" / "audit.jsonl").read_text().splitlines()]
        return [
            f"{event['verb']} {event['requestURI']}"
            for event in events
            if "pulumi" in event.get("userAgent", "") and "dryRun=All" not in event["requestURI"]
        ]


def last_errors(done: Done) -> str:
    """Return the diagnostics part of Pulumi's output."""
    return (done.stdout + done.stderr).partition("Diagnostics:")[2]
