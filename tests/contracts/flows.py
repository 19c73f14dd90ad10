"""What NetworkPolicies let through, evaluated as Kubernetes defines it; no policy engine is asked.

Source: https://kubernetes.io/docs/concepts/services-networking/network-policies/ and the API reference of
networking.k8s.io/v1. A connection needs the leave of the source's side and of the destination's.
"""

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Json = Mapping[str, Any]
Labels = Mapping[str, str]
Protocol = Literal["TCP", "UDP", "SCTP"]
Direction = Literal["Ingress", "Egress"]
_PEERS: dict[Direction, tuple[str, str]] = {"Ingress": ("ingress", "from"), "Egress": ("egress", "to")}


@dataclass(frozen=True, eq=False)
class Pod:
    """An address that policies apply to, and that selectors find."""

    name: str
    namespace: str
    labels: Labels
    address: str
    namespace_labels: Labels = field(default_factory=dict[str, str])
    ports: Mapping[tuple[str, Protocol], int] = field(default_factory=dict[tuple[str, Protocol], int])
    """Number by name and protocol."""


@dataclass(frozen=True, eq=False)
class Outside:
    """An address that is no pod's: only an ``ipBlock``, or a rule for everybody, matches it."""

    name: str
    address: str


End = Pod | Outside


@dataclass(frozen=True)
class Connection:
    """Who opens it, to whom, at which port of the destination."""

    source: End
    destination: End
    port: int
    protocol: Protocol = "TCP"

    def __str__(self) -> str:
        return f"{self.source.name} -> {self.destination.name}:{self.port}/{self.protocol}"


class PolicySet:
    """The policies of a cluster, each as the API server has it."""

    def __init__(self, policies: Iterable[Json]) -> None:
        self._policies = list(policies)
        self._between: dict[tuple[Direction, End, End], list[list[Json]] | None] = {}
        """What :meth:`_ports` found: a matrix asks for each pair at many ports."""

    def allow(self, connection: Connection) -> bool:
        """Whether both sides let a connection through."""
        return self.permits("Egress", connection) and self.permits("Ingress", connection)

    def permits(self, side: Direction, connection: Connection) -> bool:
        """Whether one side does: the source's for egress, the destination's for ingress."""
        own, peer = connection.source, connection.destination
        if own is peer:
            return True  # a pod cannot be kept from itself
        ports = self._ports(side, *((own, peer) if side == "Egress" else (peer, own)))
        return ports is None or any(_is_port(each, connection) for each in ports)

    def _ports(self, direction: Direction, own: End, peer: End) -> list[list[Json]] | None:
        """The ports of every rule that is for this peer; None where no policy isolates the pod in this direction."""
        key = (direction, own, peer)
        if key not in self._between:
            self._between[key] = self._found(direction, own, peer)
        return self._between[key]

    def _found(self, direction: Direction, own: End, peer: End) -> list[list[Json]] | None:
        if not isinstance(own, Pod):
            return None
        isolating = [
            policy
            for policy in self._policies
            if policy["metadata"]["namespace"] == own.namespace
            and direction in _types(policy["spec"])
            and matches(policy["spec"].get("podSelector", {}), own.labels)
        ]
        rules, peers = _PEERS[direction]
        leave = [
            rule.get("ports", [])
            for policy in isolating
            for rule in policy["spec"].get(rules, [])
            if _is_peer(rule.get(peers, []), peer, policy["metadata"]["namespace"])
        ]
        return leave if isolating else None


def _types(spec: Json) -> list[str]:
    """Ingress always, and Egress where there are such rules, unless the policy says otherwise."""
    return spec.get("policyTypes") or ["Ingress", *(["Egress"] if spec.get("egress") else [])]


def _is_peer(peers: list[Json], end: End, namespace: str) -> bool:
    return not peers or any(_is_one(peer, end, namespace) for peer in peers)


def _is_one(peer: Json, end: End, namespace: str) -> bool:
    if "ipBlock" in peer:
        block = peer["ipBlock"]
        return _within(end.address, block["cidr"]) and not any(_within(end.address, x) for x in block.get("except", []))
    if not isinstance(end, Pod):
        return False
    if "namespaceSelector" in peer:
        if not matches(peer["namespaceSelector"], end.namespace_labels):
            return False
    elif end.namespace != namespace:
        return False
    return matches(peer.get("podSelector", {}), end.labels)


def _within(address: str, network: str) -> bool:
    return ipaddress.ip_address(address) in ipaddress.ip_network(network)


def _is_port(ports: list[Json], connection: Connection) -> bool:
    return not ports or any(_is_this(port, connection) for port in ports)


def _is_this(port: Json, connection: Connection) -> bool:
    """Compare one port entry; a name is resolved at the destination, and means nothing outside the cluster."""
    if port.get("protocol", "TCP") != connection.protocol:
        return False
    wanted = port.get("port")
    if wanted is None:
        return True
    if isinstance(wanted, str):
        pod = connection.destination
        return isinstance(pod, Pod) and pod.ports.get((wanted, connection.protocol)) == connection.port
    return wanted <= connection.port <= port.get("endPort", wanted)


def matches(selector: Json, labels: Labels) -> bool:
    """Whether a label selector selects these labels; an empty one selects everything."""
    exact: Labels = selector.get("matchLabels", {})
    expressions: list[Json] = selector.get("matchExpressions", [])
    return exact.items() <= labels.items() and all(_holds(expression, labels) for expression in expressions)


def _holds(expression: Json, labels: Labels) -> bool:
    key, values = expression["key"], expression.get("values", [])
    match expression["operator"]:
        case "In":
            return key in labels and labels[key] in values
        case "NotIn":
            return key not in labels or labels[key] not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
        case other:
            raise ValueError(f"{other!r} is no operator of a label selector")
