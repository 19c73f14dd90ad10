"""Where the driver reads metrics itself: the pods of a service's slots, and those of the proxy in front of them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from components import labels, names
from components.api_client import Json
from components.manifests.pod import PORT_NAME
from components.manifests.rates import SLOT
from delivery.metrics import proxies
from delivery.metrics.series import Labels
from delivery.metrics.sources import Target
from models.cluster import ClusterSettings
from models.offer import Counter

_RENAMED = "exported_"
"""Prefix of a process's own label whose name the scrape sets itself, as in Prometheus."""


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One process to read."""

    process: str
    """Its identity: a pod that replaces another one is another process."""
    address: str
    """Path below the API server, or a URL."""
    labels: Labels
    """The labels that every series of the process gets."""
    created: float
    """Unix time at which the pod was created; 0 = unknown."""

    def labelled(self, own: Labels) -> Labels:
        """Return the labels of a series."""
        return {**{_RENAMED * (name in self.labels) + name: value for name, value in own.items()}, **self.labels}


@dataclass(frozen=True, kw_only=True)
class Place:
    """Pods that are found by their labels, or one process at a URL."""

    counter: Counter
    namespace: str = ""
    selector: Mapping[str, str]
    port: int | None
    """None = the port that the pod's labels and port names indicate."""
    path: str = "/metrics"
    service: str = ""
    """The service whose pods these are; empty = they are the proxy's."""
    mentions: re.Pattern[str] | None = None
    """What a line about the service contains; None = every line is about it."""
    url: str = ""
    """Where the process is read; empty = pods, through the API server."""

    @property
    def listed(self) -> str:
        """The path of the pods in the API server."""
        return f"/api/v1/namespaces/{self.namespace}/pods"

    @property
    def shown(self) -> str:
        """The place in messages."""
        return self.url or f"pods {labels.label_selector(self.selector)} in namespace {self.namespace}"

    def endpoint(self, pod: Json) -> Endpoint | None:
        """Return how a running pod is read; None = it has no port for metrics."""
        metadata, port = pod["metadata"], self._port(pod)
        if port is None:
            return None
        name, own = metadata["name"], metadata.get("labels", {})
        attached = {"namespace": self.namespace, "pod": name, "instance": f"{name}:{port}"}
        if self.service:
            slot = own.get(labels.SLOT, "")
            attached |= {"service": names.slot_name(self.service, slot), SLOT: slot}
        return Endpoint(
            process=f"{self.counter}/{name}/{metadata.get('uid', '')}",
            address=f"{self.listed}/{name}:{port}/proxy{self.path}",
            labels=attached,
            created=datetime.fromisoformat(metadata["creationTimestamp"]).timestamp(),
        )

    @property
    def itself(self) -> Endpoint:
        """How the process at the URL is read."""
        return Endpoint(process=f"{self.counter}/{self.url}", address=self.url, labels={}, created=0.0)

    def _port(self, pod: Json) -> int | None:
        """Return the port's number, which is all that the API server understands."""
        own = pod["metadata"].get("labels", {})
        named = own.get(labels.METRICS)
        if named is None and self.port is not None:
            return self.port
        return next((number for name, number in _ports(pod) if name == (named or PORT_NAME)), None)


def runs(pod: Json) -> bool:
    """Return whether a pod runs and has an address."""
    status = pod.get("status", {})
    return status.get("phase") == "Running" and bool(status.get("podIP"))


def _ports(pod: Json) -> Iterator[tuple[str, int]]:
    for kind in ("containers", "initContainers"):
        for container in cast("list[Json]", pod["spec"].get(kind, [])):
            for port in container.get("ports", []):
                yield port.get("name", ""), int(port["containerPort"])


def places(target: Target, cluster: ClusterSettings, path: str, counters: set[Counter]) -> list[Place]:
    """Return where the series of a service are read.

    Args:
        target: The service.
        cluster: Where the proxy is.
        path: Path of the servers' metrics.
        counters: Whose series the gate reads.
    """
    found: list[Place] = []
    if "server" in counters:
        own = labels.select_service(target.service)
        found.append(
            Place(
                counter="server",
                namespace=target.namespace,
                selector=own,
                port=target.profile.port,
                path=path,
                service=target.service,
            )
        )
    if "proxy" in counters and target.behind is not None:
        usual, given = target.behind.metrics, cluster.proxy_pods
        found.append(
            Place(
                counter="proxy",
                namespace=given.namespace or cluster.ingress_namespace,
                selector=given.labels or usual.pods,
                port=given.port or usual.port,
                path=given.path,
                mentions=proxies.mentions(target.behind),
                url=str(cluster.proxy_metrics_url or ""),
            )
        )
    return found
