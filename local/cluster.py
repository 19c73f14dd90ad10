"""Bring the cluster up: its daemons, their start order, and the point at which the cluster is usable."""

import time
from pathlib import Path

from local import (
    addresses,
    cgroups,
    configs,
    control_plane,
    definitions,
    kube,
    monitoring,
    network,
    node,
    parts,
    patience,
    pki,
    processes,
    storage,
)
from local.commands import run
from local.daemon import Daemon
from local.errors import LocalError
from local.graph import Task
from local.paths import Paths
from local.progress import Progress
from local.toolchain.build import Toolchain

OBJECTS = "cluster-objects"
DEFINITIONS = "resource-definitions"
IMAGES = "part-images"
DEPENDENTS = "part-dependents"
READY = "node-ready"
_START_LIMIT_SECONDS = 180  # twenty times the duration on an idle machine: builds may occupy both processors
_GRACE_SECONDS = 10
_ESTABLISHED_SECONDS = 30
_HICCUP_SECONDS = 5  # a running daemon that fails its probe for this long is restarted


def prepare(paths: Paths) -> None:
    """Create directories, credentials, configuration, cgroup and network. Every step is idempotent."""
    paths.create()
    pki.create(paths.pki, paths.addresses)
    configs.write_all(paths)
    cgroups.create()
    network.create(paths.addresses, paths.state / "sysctls.json")


def daemons(paths: Paths) -> tuple[Daemon, ...]:
    """Return the table of daemons; `prepare` must have run before."""
    always = (control_plane, node, storage, monitoring)
    return (*(daemon for part in always for daemon in part.daemons(paths)), *parts.daemons(paths))


class Cluster:
    """The daemons of one cluster as tasks of `up`."""

    def __init__(self, paths: Paths, toolchain: Toolchain, progress: Progress) -> None:
        self._paths = paths
        self._toolchain = toolchain
        self._progress = progress
        self._launcher = processes.Launcher(paths)

    def tasks(self) -> list[Task]:
        """Return one task per daemon, tasks that apply objects and push images, and one that waits for a ready node."""
        rows = [
            Task(daemon.name, lambda daemon=daemon: self._ensure(daemon), daemon.needs)
            for daemon in daemons(self._paths)
        ]
        of_parts = (daemon.name for daemon in parts.daemons(self._paths))
        return [
            *rows,
            Task(OBJECTS, self._apply_objects, ("kube-apiserver",)),
            Task(DEFINITIONS, self._apply_definitions, ("kube-apiserver",)),
            Task(IMAGES, lambda: parts.seed_images(self._paths, self._toolchain), ("registry",)),
            Task(DEPENDENTS, self._apply_dependents, (OBJECTS, DEFINITIONS, IMAGES, *of_parts)),
            Task(READY, self._await_node, ("kubelet", "kube-proxy", "kube-controller-manager", "kube-scheduler")),
        ]

    def _ensure(self, daemon: Daemon) -> None:
        """Start the daemon unless it already runs with the same binary and configuration and is healthy."""
        binary = self._toolchain.wait(daemon.binary)
        record = processes.load(self._paths, daemon.name)
        if record is not None and record.alive():
            if record.fingerprint == daemon.fingerprint(binary) and self._recovers(daemon):
                return
            self._progress.note(f"{daemon.name} is unhealthy or out of date: restarting it")
            processes.stop(record, _GRACE_SECONDS)
        with self._progress.step(f"start {daemon.name}", daemon.expected_seconds):
            started = self._launcher.start(daemon, binary)
            self._launcher.await_healthy(daemon, started, patience.limit(_START_LIMIT_SECONDS))

    def _recovers(self, daemon: Daemon) -> bool:
        deadline = time.monotonic() + patience.limit(_HICCUP_SECONDS)
        while processes.probe_failure(daemon) is not None:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.5)
        return True

    def _apply_objects(self) -> None:
        """Apply the ingress class, the storage classes, the daemons' rights, and what optional parts need."""
        with self._progress.step("apply the cluster's own objects", 2):
            self._apply(Path(__file__).parent / "manifests")
            for objects in parts.objects(self._paths):
                self._apply(Path("-"), objects)

    def _apply_dependents(self) -> None:
        """Apply the objects that need the optional parts' daemons, which are healthy by now."""
        for objects in parts.dependents(self._paths):
            self._apply(Path("-"), objects)

    def _apply_definitions(self) -> None:
        """Apply the resource definitions (such as ServiceMonitor, ScaledObject and HTTPRoute), then the Gateway."""
        folder = definitions.provide(self._paths.cache, self._progress, parts.definitions(self._paths))
        with self._progress.step("apply resource definitions", 8):
            self._apply(folder)
            self._kubectl(
                "wait",
                "--for=condition=Established",
                f"--timeout={patience.limit(_ESTABLISHED_SECONDS):.0f}s",
                f"--filename={folder}",
            )
            self._apply(Path("-"), definitions.gateway(self._paths.addresses))

    def _apply(self, objects: Path, content: str | None = None) -> None:
        """Apply a file, a folder or (with `-`) a text by server-side apply, which does not write unchanged objects.

        This retries while the API server is overloaded, as it may be in its first seconds on a slow machine.
        """
        arguments = ("apply", "--server-side", "--force-conflicts", f"--filename={objects}")
        kube.insisting(lambda: self._kubectl(*arguments, stdin=content))

    def _kubectl(self, *arguments: str, stdin: str | None = None) -> None:
        kubectl = self._toolchain.wait("kubectl")
        # kubectl's cache stays in the state directory.
        environment = {"HOME": str(self._paths.state), "PATH": "/usr/bin:/bin"}
        command = [kubectl, f"--kubeconfig={self._paths.kubeconfig}", *arguments]
        run(command, environment=environment, stdin=stdin)

    def _await_node(self) -> None:
        """Wait until the node is Ready and the default namespace's ServiceAccount exists."""
        seconds = patience.limit(_START_LIMIT_SECONDS)
        deadline = time.monotonic() + seconds
        with self._progress.step("wait for the node", 8):
            while not self._usable():
                if time.monotonic() > deadline:
                    log = self._paths.logs / "kubelet.log"
                    raise LocalError(f"kubelet: the node is not Ready after {seconds:.0f} s; its log: {log}")
                time.sleep(0.2)

    def _usable(self) -> bool:
        found = kube.get(self._paths, f"/api/v1/nodes/{addresses.NODE_NAME}")
        account = kube.get(self._paths, "/api/v1/namespaces/default/serviceaccounts/default")
        return found is not None and account is not None and kube.condition(found, "Ready")
