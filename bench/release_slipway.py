"""Slipway's side: a system of one service, released by `slipway release` as CI calls it."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from bench.preview import PROJECT
from bench.release_load import load, version
from bench.release_outcome import Outcome, outcome
from local.commands import run

NAME, SERVICE = "bench-releases", "reader"
HOST = f"{NAME}.slipway.test"
STEPS = (*range(5, 51, 5), 100)
"""The same number and size of steps as in Flagger's tutorial."""
MARGIN = 1
"""Percentage points: the gate's default, and what Flagger's tutorial allows."""
SETTINGS = f"slipway: steps {STEPS[0]}, {STEPS[1]} … {STEPS[-2]}, {STEPS[-1]}; gate errors +{MARGIN} points"
ROLLED_BACK = 3
"""Exit code of `slipway release` after a rollback."""
_SECRET = "object-storage"  # noqa: S105 -- its name
_ENVIRONMENT = "later"
"""An environment that does not build images."""
_SHARED = (
    "models",
    "components",
    "sizing",
    "delivery",
    "serving",
    "images",
    ".slipway",
    "__main__.py",
    "Pulumi.yaml",
)
_RESOURCES: dict[str, object] = {
    "requests": {"cpu": "300m", "memory": "128Mi", "ephemeral-storage": "64Mi"},
    "limits": {"cpu": "1", "memory": "512Mi", "ephemeral-storage": "256Mi"},
}
"""The CPU request is what 200 requests/s take."""


def dev_settings() -> dict[str, Any]:
    """Return the dev stack's configuration: the cluster, its proxy, its Prometheus and its object storage."""
    return cast("dict[str, Any]", yaml.safe_load((PROJECT / "Pulumi.dev.yaml").read_text("utf-8"))["config"])


def entry() -> dict[str, Any]:
    """Return the catalogue entry."""
    service: dict[str, object] = {
        "image": "server",
        "args": ["digits"],
        "port": 5000,
        "model": {"name": "digits", "uri": "s3://models/digits/1", "secrets": [_SECRET]},
        "resources": _RESOURCES,
        "scaling": {"replicas": 1},
        "server": {"queueLimit": 512},
        "health": {"startup": "20s"},
        "drain": {"preStop": "2s", "drain": "5s", "grace": "8s", "requestTimeout": "5s"},
        "route": {"host": HOST, "path": "/predict"},
        "monitoring": {"interval": "1s"},
        "release": {"strategy": "canary", "warm": "5s", "gate": {"errors": {"margin": MARGIN}}, "steps": [*STEPS]},
    }
    return {
        "name": NAME,
        "images": {"server": {"context": "serving", "target": "server"}},
        "secrets": {_SECRET: {"keys": ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]}},
        "services": {SERVICE: service},
        "environments": {"dev": {}, _ENVIRONMENT: {}},
    }


@dataclass(frozen=True)
class Slipway:
    """The system, deployed with the good image."""

    folder: Path
    url: str

    def measured(self, bad: str, say: Callable[[str], None]) -> Outcome:
        """Release a bad image under load.

        Raises:
            RuntimeError: if the image was not rolled back.
        """
        with load(self.url, HOST) as sent:
            began = time.time()
            document = self._release(bad, say)
        samples = int(document["verdict"]["checks"]["errors"]["candidate"]["total"])
        return outcome(sent.answers, version(bad), began=began, samples=samples)

    def _release(self, image: str, say: Callable[[str], None]) -> dict[str, Any]:
        command = ["release", NAME, SERVICE, "--image", image, "--json", "--events"]
        process = subprocess.Popen(
            [sys.executable, "-m", "delivery", "-C", str(self.folder), *command],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,  # ^C reaches it only once, through us: a second one would skip its cleanup
        )
        assert process.stdout  # noqa: S101 -- for pyright
        assert process.stderr  # noqa: S101
        told: list[str] = []
        with process:
            try:
                for line in process.stderr:
                    told.append(line)
                    if (event := _event(line)) and event["kind"] in _TOLD:
                        say(f"{event['kind']} {event.get('stage', '')}: {event.get('said', '')}")
                document = process.stdout.read()
            except KeyboardInterrupt:
                process.send_signal(signal.SIGINT)
                raise
        if process.returncode != ROLLED_BACK:
            raise RuntimeError(f"slipway release ended with {process.returncode}, not {ROLLED_BACK}: {told[-1:]}")
        return cast("dict[str, Any]", json.loads(document))


_TOLD = {"moved", "stage", "verdict", "turned", "done"}


def _event(line: str) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads(line)) if line.startswith("{") else {}


@contextmanager
def deployed(folder: Path, good: str, say: Callable[[str], None]) -> Generator[Slipway]:
    """Create the project and deploy the good image; destroy the stack at the end."""
    dev = dev_settings()
    for name in _SHARED:
        (folder / name).symlink_to(PROJECT / name)
    (folder / "catalog").mkdir()
    for module in (PROJECT / "catalog").glob("*.py"):
        (folder / "catalog" / module.name).symlink_to(module)
    (folder / "catalog" / f"{NAME}.yaml").write_text(yaml.safe_dump(entry()), "utf-8")
    settings = {
        "slipway:system": {"entry": NAME, "environment": _ENVIRONMENT, "namespace": NAME},
        "slipway:images": {"server": good},
        **{key: dev[key] for key in ("slipway:cluster", "slipway:objectStorage", "slipway:secrets")},
    }
    _write(folder, settings)
    _pulumi(folder, "stack", "init")
    try:
        say("pulumi up")
        _write(folder, settings | {"slipway:release": {SERVICE: {"live": "blue", "slots": {"blue": {"image": good}}}}})
        _pulumi(folder, "up", "--yes", "--skip-preview")
        yield Slipway(folder, f"{dev['slipway:cluster']['ingressUrl']}/predict")
    finally:
        _write(folder, settings)
        _pulumi(folder, "destroy", "--yes", "--skip-preview")
        _pulumi(folder, "stack", "rm", "--yes")


def _write(folder: Path, settings: dict[str, Any]) -> None:
    (folder / f"Pulumi.{NAME}.yaml").write_text(yaml.safe_dump({"config": settings}), "utf-8")


def _pulumi(folder: Path, *arguments: str) -> None:
    run(["pulumi", *arguments, "-s", NAME, "-C", str(folder), "--non-interactive", "--color", "never"])
