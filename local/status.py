"""Report each daemon's version, process and health."""

from dataclasses import asdict, dataclass
from typing import Any

from local import addresses, cluster, processes
from local.daemon import Daemon
from local.paths import Paths
from local.toolchain.groups import group_of


@dataclass(frozen=True, kw_only=True)
class Component:
    """The state of one daemon; `reason` says why it is not healthy."""

    version: str
    pid: int | None
    healthy: bool
    reason: str


def report(paths: Paths) -> dict[str, Any]:
    """Return the status document of `status --json`; a cluster that was never started is not healthy."""
    at = paths.addresses
    found = {daemon.name: _component(paths, daemon) for daemon in cluster.daemons(paths)} if paths.is_ours() else {}
    return {
        "kubeconfig": str(paths.kubeconfig),
        "context": addresses.CONTEXT,
        "ingressUrl": at.ingress_url,
        "registry": at.registry,
        "prometheusUrl": at.prometheus_url,
        "backend": paths.pulumi_backend_url,
        "auditLog": str(paths.logs / "audit.jsonl"),
        "components": {name: asdict(component) for name, component in found.items()},
        "healthy": bool(found) and all(component.healthy for component in found.values()),
    }


def table(document: dict[str, Any]) -> str:
    """Return the status document as lines for people."""
    rows = [
        f"{name:<24} {component['version']:<10} {component['pid'] or '-':<8} "
        + ("healthy" if component["healthy"] else f"NOT healthy: {component['reason']}")
        for name, component in document["components"].items()
    ]
    if not rows:
        return "no local cluster is running: start one with `make up`"
    places = [
        f"{key:<13} {document[key]}"
        for key in ("kubeconfig", "context", "ingressUrl", "registry", "prometheusUrl", "backend")
    ]
    return "\n".join([f"{'component':<24} {'version':<10} {'pid':<8} state", *rows, "", *places])


def _component(paths: Paths, daemon: Daemon) -> Component:
    record = processes.load(paths, daemon.name)
    version = group_of(daemon.binary).version
    if record is None or not record.alive():
        log = paths.logs / f"{daemon.name}.log"
        reason = "never started" if record is None else f"ended: {processes.last_line(log)!r}"
        return Component(version=version, pid=None, healthy=False, reason=reason)
    failure = processes.probe_failure(daemon)
    return Component(version=version, pid=record.pid, healthy=failure is None, reason=failure or "")
