"""Every address, port and name of the local cluster, in one place.

Nothing here is reachable from another machine: servers listen on loopback or on the bridge's own address, and
`packet_filter.py` drops packets that other interfaces send to the bridge's ranges.
"""

import json
from dataclasses import asdict, dataclass, field, fields
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from local.errors import LocalError

BRIDGE = "slipway0"
NODE_NAME = "slipway"
CLUSTER_DOMAIN = "cluster.local"
LOOPBACK = "127.0.0.1"
DNS_PORT = 53  # fixed: a pod's resolver knows no other port

CONTEXT = "slipway-local"
BUILDER = "slipway"
INGRESS_CLASS = "nginx"
PROVISIONER = "slipway.dev/folder"  # as the storage classes in manifests/cluster.yaml name it
S3_REGION, S3_BUCKET = "us-east-1", "models"

PAUSE_REPOSITORY, PAUSE_TAG = "pause", "1"
BASE_REPOSITORY, REDIS_REPOSITORY, BASE_TAG = "base/python", "base/redis", "bookworm"

DEFAULT_PODS, DEFAULT_SERVICES = IPv4Network("10.88.0.0/16"), IPv4Network("10.96.0.0/16")
# The first addresses of the pods' range belong to the node itself.
_NODE_ADDRESSES = 256


def _port(number: int, *, on_node: bool = False, part: str = "") -> int:
    """Declare a port: on loopback or on the node's address, of every cluster or of one optional part."""
    return field(default=number, metadata={"on_node": on_node, "part": part})


@dataclass(frozen=True, kw_only=True)
class Listener:
    """A TCP port that some daemon opens."""

    name: str
    address: str
    number: int


@dataclass(frozen=True, kw_only=True)
class Ports:
    """The TCP ports that a user may change: `--port NAME=NUMBER`, with a dash for each underscore."""

    api: int = _port(6443, on_node=True)
    etcd: int = _port(2379)
    etcd_peer: int = _port(2380)
    etcd_metrics: int = _port(2381)
    registry: int = _port(5050)
    ingress: int = _port(8080)
    traefik: int = _port(8082)
    dns_health: int = _port(8083)
    dns_ready: int = _port(8084)
    volume_provisioner: int = _port(8085)
    kubelet: int = _port(10250, on_node=True)
    kubelet_health: int = _port(10248)
    proxy_metrics: int = _port(10249)
    proxy_health: int = _port(10256)
    controller_manager: int = _port(10257)
    scheduler: int = _port(10259)
    s3: int = _port(7070, on_node=True)
    prometheus: int = _port(9090, on_node=True)
    metrics_server: int = _port(4443, on_node=True, part="scaling")
    prometheus_adapter: int = _port(6444, on_node=True, part="scaling")
    keda_adapter: int = _port(6445, on_node=True, part="keda")
    keda_adapter_metrics: int = _port(8087, part="keda")
    keda_operator: int = _port(9666, part="keda")
    keda_health: int = _port(8088, part="keda")
    prometheus_operator: int = _port(8086, part="monitoring")


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """The network and the ports of one cluster; they stay until `down`.

    Attributes:
        pods: The bridge's network: the node has its first address, pods have those from the 257th on.
        services: The range of Kubernetes' Services.
        ports: Where the daemons listen.
    """

    pods: IPv4Network = DEFAULT_PODS
    services: IPv4Network = DEFAULT_SERVICES
    ports: Ports = field(default_factory=Ports)

    @classmethod
    def load(cls, file: Path) -> "Addresses":
        """Read what `save` wrote; return the defaults if there is no file, as for clusters of earlier versions.

        Raises:
            LocalError: the file is damaged, or a later version wrote it.
        """
        if not file.is_file():
            return cls()
        try:
            record: dict[str, Any] = json.loads(file.read_text("utf-8"))
            pods, services = IPv4Network(record["pods"]), IPv4Network(record["services"])
            return cls(pods=pods, services=services, ports=Ports(**record["ports"]))
        except (ValueError, KeyError, TypeError) as wrong:
            raise LocalError(
                f"{file}: has no valid cluster addresses ({wrong}): remove the file, then run `make down`"
            ) from wrong

    def save(self, file: Path) -> None:
        """Write the addresses to a file."""
        record = {"pods": str(self.pods), "services": str(self.services), "ports": asdict(self.ports)}
        file.write_text(json.dumps(record, indent=1), "utf-8")

    def listeners(self, parts: tuple[str, ...] = ()) -> list[Listener]:
        """Return every port of a cluster that has these optional parts."""
        found = [Listener(name="dns", address=self.node_ip, number=DNS_PORT)]
        for one in fields(Ports):
            if not one.metadata["part"] or one.metadata["part"] in parts:
                address = self.node_ip if one.metadata["on_node"] else LOOPBACK
                name = one.name.replace("_", "-")
                found.append(Listener(name=name, address=address, number=getattr(self.ports, one.name)))
        return found

    @property
    def pod_ports(self) -> tuple[int, ...]:
        """The TCP ports of the node's address that pods reach: DNS, the API server, object storage, Prometheus."""
        return (DNS_PORT, self.ports.api, self.ports.s3, self.ports.prometheus)

    @property
    def node_ip(self) -> str:
        """The address of the node and of the servers that pods reach."""
        return str(self.pods[1])

    @property
    def pod_first(self) -> str:
        """The first address that a pod may get."""
        return str(self.pods[_NODE_ADDRESSES])

    @property
    def pod_last(self) -> str:
        """The last address that a pod may get."""
        return str(self.pods[-2])

    @property
    def api_service_ip(self) -> str:
        """The address of the Service `kubernetes`."""
        return str(self.services[1])

    @property
    def api_url(self) -> str:
        """The API server's URL."""
        return f"https://{self.node_ip}:{self.ports.api}"

    @property
    def etcd_url(self) -> str:
        """The URL of etcd, the API server's store."""
        return f"https://{LOOPBACK}:{self.ports.etcd}"

    @property
    def ingress_url(self) -> str:
        """The URL for requests to the stacks' routes."""
        return f"http://{LOOPBACK}:{self.ports.ingress}"

    @property
    def traefik_url(self) -> str:
        """The URL of the proxy's own health and metrics."""
        return f"http://{LOOPBACK}:{self.ports.traefik}"

    @property
    def s3_url(self) -> str:
        """The object storage's URL, for pods and for this machine."""
        return f"http://{self.node_ip}:{self.ports.s3}"

    @property
    def prometheus_url(self) -> str:
        """The URL of the Prometheus that release gates read, for pods and for this machine."""
        return f"http://{self.node_ip}:{self.ports.prometheus}"

    @property
    def registry(self) -> str:
        """The image registry's name; this spelling makes containerd and BuildKit speak plain HTTP."""
        return f"localhost:{self.ports.registry}"

    @property
    def registry_url(self) -> str:
        """The URL of the image registry's API."""
        return f"http://{LOOPBACK}:{self.ports.registry}"

    @property
    def pause_image(self) -> str:
        """The image that holds a pod's namespaces."""
        return f"{self.registry}/{PAUSE_REPOSITORY}:{PAUSE_TAG}"
