"""Flagger's side: the same pods behind the same proxy, released by Flagger with the settings of its nginx tutorial.

Flagger runs as a process of this machine during the benchmark. Its canary has a namespace of its own.
"""

import json
import os
import subprocess
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import yaml

from bench.flagger_manifests import (
    DOCUMENTED,
    HOST,
    NAMESPACE,
    Json,
    Settings,
    canary,
    deployment,
    ingress,
    needed,
    template,
    written,
)
from bench.process import free_port, stop
from bench.release_load import load, version
from bench.release_outcome import Outcome, counted, outcome
from local.commands import run
from local.paths import Paths
from local.progress import Progress
from local.toolchain.build import provide
from local.toolchain.golang import require_go
from local.toolchain.sources import MODULES

MODULE = "github.com/fluxcd/flagger"
DEADLINE_SECONDS = 420
"""Longer than any release here takes: eleven intervals of 10 s, and the pods' start."""
_READY_SECONDS = 120
_POLL_SECONDS = 0.5
_STOP_SECONDS = 10
_GONE_SECONDS = 120


def decided_at(log: str) -> float:
    """Return when the last check failed, as unix time, from Flagger's log."""
    lines = (cast("Json", json.loads(line)) for line in log.splitlines() if line.startswith("{"))
    halts = [str(line["ts"]) for line in lines if "advancement" in line["msg"]]
    if not halts:
        raise RuntimeError("flagger's log names no failed check")
    return datetime.fromisoformat(halts[-1]).timestamp()


@dataclass(frozen=True)
class Flagger:
    """A running Flagger with an initialized canary."""

    name: str
    url: str
    log: Path
    process: "subprocess.Popen[bytes]"

    def measured(self, settings: Settings, bad: str, say: Callable[[str], None]) -> Outcome:
        """Release a bad image under load.

        Raises:
            RuntimeError: if it was not rolled back in time.
        """
        apply(canary(self.name, settings))
        with load(self.url, HOST) as sent:
            offset, began = self.log.stat().st_size, time.time()
            self._change_image(bad)
            self.await_phase("Progressing", _READY_SECONDS, say)  # it may still be finishing the previous release
            self.await_phase("Failed", DEADLINE_SECONDS, say)
        decided = decided_at(self.log.read_bytes()[offset:].decode())
        samples = counted(sent.answers, version(bad), decided - settings.window, decided)
        return outcome(sent.answers, version(bad), began=began, samples=samples)

    def _change_image(self, image: str) -> None:
        container = {"name": "server", "image": image, "env": [{"name": "SLIPWAY_VERSION", "value": version(image)}]}
        patch = {"spec": {"template": {"spec": {"containers": [container]}}}}
        kubectl("patch", "deployment", self.name, "--patch", json.dumps(patch))

    def await_phase(self, phase: str, seconds: float, say: Callable[[str], None]) -> None:
        """Wait for a phase of the canary."""
        deadline, told = time.monotonic() + seconds, ""
        while True:
            if self.process.poll() is not None:
                raise RuntimeError(f"flagger ended with {self.process.returncode}: {_tail(self.log)}")
            status = cast("Json", json.loads(kubectl("get", "canary", self.name, "-o", "json"))).get("status", {})
            found = str(status.get("phase", ""))
            line = f"{found}, weight {status.get('canaryWeight', 0)}, failed checks {status.get('failedChecks', 0)}"
            if line != told:
                say(line)
                told = line
            if found == phase:
                return
            if time.monotonic() > deadline:
                raise RuntimeError(f"flagger: no phase {phase} within {seconds:.0f} s: {line}; {_tail(self.log)}")
            time.sleep(_POLL_SECONDS)


def _tail(log: Path) -> str:
    return " | ".join(log.read_text("utf-8").splitlines()[-3:])


def kubectl(*arguments: str, namespace: str = NAMESPACE, stdin: str | None = None) -> str:
    """Run kubectl in a namespace and return its output."""
    return run(["kubectl", "-n", namespace, *arguments], stdin=stdin)


def apply(*objects: Mapping[str, object]) -> None:
    """Apply objects."""
    kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(objects))


@contextmanager
def running(
    folder: Path, url: str, prometheus: str, source: tuple[str, str], say: Callable[[str], None]
) -> Generator[Flagger]:
    """Run Flagger with an initialized canary, and remove everything at the end.

    Args:
        folder: The folder for the log.
        url: The proxy's URL, with the path.
        prometheus: The URL of Prometheus.
        source: Namespace and service of the deployed system whose pods are copied.
        say: Reports the progress.
    """
    paths = Paths.from_environment()
    binary = provide("flagger", paths.cache, Progress())
    definitions = _definitions(paths)
    namespace, name = source
    log = folder / "flagger.log"
    try:
        run(["kubectl", "apply", "--server-side", "-f", definitions])
        run(["kubectl", "wait", "--for=condition=Established", "-f", definitions, f"--timeout={_READY_SECONDS}s"])
        apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        _copy_pods(namespace, name)
        apply(template(prometheus))
        with log.open("wb") as out, _process(binary, prometheus, out) as process:
            flagger = Flagger(name, url, log, process)
            apply(canary(name, DOCUMENTED))
            flagger.await_phase("Initialized", _READY_SECONDS, say)
            yield flagger
    finally:
        run(["kubectl", "delete", "namespace", NAMESPACE, "--ignore-not-found", f"--timeout={_GONE_SECONDS}s"])
        run(["kubectl", "delete", "-f", definitions, "--ignore-not-found", f"--timeout={_GONE_SECONDS}s"])


def _copy_pods(namespace: str, name: str) -> None:
    """Copy a deployed service's live pods, and everything that they need."""

    def found(kind: str, one: str) -> Json:
        return cast("Json", json.loads(kubectl("get", kind, one, "-o", "json", namespace=namespace)))

    door = found("ingress", name)
    live = door["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"]
    original = found("deployment", live)
    for kind, one in needed(original["spec"]["template"]["spec"]):
        thing = found(kind, one)
        content = {key: thing[key] for key in ("data", "type", "automountServiceAccountToken") if key in thing}
        apply(written(thing["apiVersion"], thing["kind"], one, **content))
    apply(deployment(name, original), ingress(name, door))


def _definitions(paths: Paths) -> str:
    """Return the path of the resource definitions in Flagger's module, at the version that is built."""
    go = require_go(paths.cache, Progress())
    command = [go.binary, "mod", "download", "-json", MODULE]
    answer = json.loads(run(command, cwd=MODULES / "flagger", environment=go.environment()))
    return f"{answer['Dir']}/artifacts/flagger/crd.yaml"


@contextmanager
def _process(binary: Path, prometheus: str, out: Any) -> Generator["subprocess.Popen[bytes]"]:  # noqa: ANN401 -- a file
    told = {
        "kubeconfig": os.environ["KUBECONFIG"], "namespace": NAMESPACE, "mesh-provider": "nginx",
        "metrics-server": prometheus, "log-level": "info", "port": str(free_port()),
    }  # fmt: skip
    process = subprocess.Popen(
        [binary, *(f"-{key}={value}" for key, value in told.items())],
        stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        stop(process, _STOP_SECONDS)
