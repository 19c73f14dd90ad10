"""NetworkPolicies that permit only declared traffic. One policy per workload contains all its rules.

Ingress rules use a port's *name*, which is valid for old and new pods while a rollout changes the number. Egress rules
use a port's *number*: a name would have to be resolved at the destination, which not every policy engine does.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

from components import labels, names
from components.manifests import pod, store
from components.manifests.manifest import Json
from models.cluster import ClusterSettings
from models.exposure import Exposure
from models.external import ANYWHERE, External
from models.jobs import JobSpec
from models.scaling import Triggered
from models.service import ServiceSpec
from models.system import DeployedService, SystemSpec

_NAMESPACE_NAME = "kubernetes.io/metadata.name"
_DNS_PORT = 53
_API_SERVER_PORTS = (443, 6443)
"""Ports of the Service ``kubernetes`` and of its API server: engines check before or after address translation."""


def policies(system: SystemSpec) -> dict[str, Json]:
    """Return every policy of a system by name: default deny, DNS, one per workload, one for old pods."""
    calls = _calls_by_caller(system)
    flows = {
        **{name: _service(system, name, deployed, calls) for name, deployed in system.services.items()},
        **{name: _store(system, name, calls) for name in system.stores},
        **{name: _job(system, name, spec) for name, spec in system.jobs.items()},
    }
    named = {names.joined("flows", name): policy for name, policy in flows.items()}
    return {"default-deny": _default_deny(system), "dns": _dns_egress(system), **named, **_scraped_at_main_port(system)}


def _every_pod(system: SystemSpec) -> Json:
    """Return the selector of all pods in the namespace, or of the system's own pods in an existing namespace."""
    return {"matchLabels": labels.select_system(system.name)} if system.existing_namespace else {}


def _default_deny(system: SystemSpec) -> Json:
    return {"podSelector": _every_pod(system), "policyTypes": ["Ingress", "Egress"]}


def _dns_egress(system: SystemSpec) -> Json:
    """Let every pod resolve names at any address: node-local DNS caches use link-local addresses."""
    ports = [_port(_DNS_PORT, protocol) for protocol in ("UDP", "TCP")]
    return {"podSelector": _every_pod(system), "policyTypes": ["Egress"], "egress": [{"ports": ports}]}


def _service(system: SystemSpec, name: str, deployed: DeployedService, calls: Mapping[str, tuple[str, ...]]) -> Json:
    """Admit the proxy, Prometheus, declared callers and exposed traffic; permit the calls of either slot."""
    spec, slots = deployed.spec, deployed.slot_specs
    proxies = [_in_namespace(system.cluster.ingress_namespace)] if spec.route else []
    scrapers = list(_scrapers(spec, system.cluster))
    entering = [] if deployed.has_management_port or spec.profile.port is not None else scrapers
    callers = [*map(_in_namespace, spec.exposure.namespaces), *_callers(calls, name)]
    ingress = _entered(pod.PORT_NAME, [*proxies, *entering, *callers])
    if deployed.has_management_port:
        ingress += _entered(pod.MANAGEMENT_NAME, scrapers)
    if callers and (further := dict.fromkeys(name for slot in slots for name in slot.open_ports)):
        ingress.append({"from": callers, "ports": [_port(port) for port in further]})
    if spec.exposure.public:
        ingress.append(_from_outside(spec.exposure))
    if spec.profile.port is not None:
        ingress += _entered(spec.profile.port, scrapers)
    egress = [*_calls(system, calls[name]), *_externals(system, _each(slot.external_servers for slot in slots))]
    if any(slot.model and slot.model.scheme == "s3" for slot in slots):
        egress += _external(system.object_storage)
    egress += _external(system.tracing)
    if any(slot.account.permissions for slot in slots):
        egress.append(_out(system.cluster.api_server_networks, *_API_SERVER_PORTS))
    return _flows(name, ingress, egress)


def _store(system: SystemSpec, name: str, calls: Mapping[str, tuple[str, ...]]) -> Json:
    """Admit declared callers, and KEDA if a trigger queries this store. A store calls nothing."""
    asking = [_in_namespace(system.cluster.keda_namespace)] if name in _asked_by_keda(system) else []
    return _flows(name, _entered(store.PORT_NAME, [*asking, *_callers(calls, name)]), [])


def _job(system: SystemSpec, name: str, spec: JobSpec) -> Json:
    """Admit no ingress, because nothing calls a Job."""
    storage = _external(system.object_storage) if spec.object_storage else []
    return _flows(name, [], [*_calls(system, spec.calls), *_externals(system, spec.externals), *storage])


def _flows(workload: str, ingress: list[Json], egress: list[Json]) -> Json:
    return {
        "podSelector": {"matchLabels": labels.select_service(workload)},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": ingress,
        "egress": egress,
    }


def _entered(port: str | int, peers: list[Json]) -> list[Json]:
    """Admit these peers at the workload's own port. A rule with an empty "from" would admit all traffic."""
    return [{"from": peers, "ports": [_port(port)]}] if peers else []


def _scrapers(spec: ServiceSpec, cluster: ClusterSettings) -> Iterator[Json]:
    """Yield who reads the metrics."""
    yield from _prometheus(spec, cluster)
    yield from _api_servers(spec, cluster)


def _prometheus(spec: ServiceSpec, cluster: ClusterSettings) -> Iterator[Json]:
    if spec.monitoring is not None and cluster.monitoring and spec.profile.scrape:
        yield _in_namespace(cluster.monitoring_namespace)


def _api_servers(spec: ServiceSpec, cluster: ClusterSettings) -> Iterator[Json]:
    """Yield the API server's addresses if it reads metrics on the driver's behalf (``metrics: direct``).

    They must be named for that. By default they are unknown, and the rule would admit everybody.
    """
    if cluster.direct and cluster.api_server_networks != ANYWHERE and spec.profile.scrape:
        yield from _blocks(cluster.api_server_networks)


_MAIN_PORT_READERS: dict[str, Callable[[ServiceSpec, ClusterSettings], Iterator[Json]]] = {
    "scrape-main-port": _prometheus,
    "read-main-port": _api_servers,
}


def _scraped_at_main_port(system: SystemSpec) -> dict[str, Json]:
    """Admit who reads metrics to the main port of pods without a management port, in services that have one.

    Such pods are those of a slot that is pinned to an older revision, and those that a rollout has not replaced yet. A
    main port that is open to all clients needs no rule.
    """
    found: dict[str, Json] = {}
    for policy, readers in _MAIN_PORT_READERS.items():
        peers = {
            name: list(readers(deployed.spec, system.cluster))
            for name, deployed in system.services.items()
            if deployed.has_management_port
            and deployed.spec.profile.port is None
            and not _open_to_all(deployed.spec.exposure)
        }
        if managed := [name for name, those in peers.items() if those]:
            found[policy] = {
                "podSelector": labels.select_without_metrics_port(managed),
                "policyTypes": ["Ingress"],
                "ingress": _entered(pod.PORT_NAME, peers[managed[0]]),  # those of the cluster, the same for each
            }
    return found


def _calls_by_caller(system: SystemSpec) -> dict[str, tuple[str, ...]]:
    """Return the callees of each service, in either slot, and of each Job."""
    calls = {name: _each(slot.calls for slot in deployed.slot_specs) for name, deployed in system.services.items()}
    return calls | {name: spec.calls for name, spec in system.jobs.items()}


def _callers(calls_by_caller: Mapping[str, tuple[str, ...]], callee: str) -> Iterator[Json]:
    for caller, calls in calls_by_caller.items():
        if callee in calls:
            yield {"podSelector": {"matchLabels": labels.select_service(caller)}}


def _open_to_all(exposure: Exposure) -> bool:
    return exposure.public and "from" not in _from_outside(exposure)


def _from_outside(exposure: Exposure) -> Json:
    """Admit all clients, or only the source ranges if pods see the client's address.

    Without ``externalTrafficPolicy: Local``, nodes replace the client's address with their own, and the load balancer
    checks the ranges. The rule has no "from" instead of 0.0.0.0/0, because identity-based engines exclude nodes from
    that range.
    """
    rule: Json = {"ports": [_port(pod.PORT_NAME)]}
    if exposure.source_ranges and exposure.external_traffic_policy == "Local":
        rule["from"] = _blocks(exposure.source_ranges)
    return rule


def _calls(system: SystemSpec, calls: Iterable[str]) -> list[Json]:
    return [
        {
            "to": [{"podSelector": {"matchLabels": labels.select_service(callee)}}],
            "ports": [_port(port) for port in _ports_of(system, callee)],
        }
        for callee in calls
    ]


def _ports_of(system: SystemSpec, callee: str) -> list[int]:
    """Return the pods' ports: policies apply after a Service's address and port are translated."""
    if callee in system.stores:
        return [system.stores[callee].port]
    slots = system.services[callee].slot_specs
    return list(dict.fromkeys(port for slot in slots for port in (slot.port, *slot.open_ports.values())))


def _each(lists: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """Return the union, in order of first appearance."""
    return tuple(dict.fromkeys(name for names in lists for name in names))


def _externals(system: SystemSpec, used: Iterable[str]) -> list[Json]:
    return [rule for name in used for rule in _external(system.externals[name])]


def _external(server: External | None) -> list[Json]:
    return [_out(server.networks, server.port)] if server else []


def _out(networks: tuple[str, ...], *ports: int) -> Json:
    """Permit egress to these networks. To permit any network, omit "to", for the reason in :func:`_from_outside`."""
    rule: Json = {"ports": [_port(port) for port in ports]}
    if networks != ANYWHERE:
        rule["to"] = _blocks(networks)
    return rule


def _asked_by_keda(system: SystemSpec) -> set[str]:
    triggers = [
        trigger
        for deployed in system.services.values()
        for slot in deployed.slot_specs
        if isinstance(slot.scaling, Triggered)
        for trigger in slot.scaling.triggers.values()
    ]
    return {trigger.redis.store for trigger in triggers if trigger.redis}


def _in_namespace(name: str) -> Json:
    return {"namespaceSelector": {"matchLabels": {_NAMESPACE_NAME: name}}}


def _blocks(networks: Iterable[str]) -> list[Json]:
    return [{"ipBlock": {"cidr": network}} for network in networks]


def _port(port: int | str, protocol: str = "TCP") -> Json:
    return {"protocol": protocol, "port": port}
