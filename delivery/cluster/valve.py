"""Moves traffic at once: the one field that splits requests, written straight to the API server.

A whole ``pulumi up`` takes seconds, and a bad release must lose its traffic now. The stack file already says the new
split, the valve writes what ``pulumi up`` would write (the same manifest functions), and the update that follows finds
it done. So file, state and cluster agree again after it, and a kill in between loses nothing.
"""

from collections.abc import Callable

from components import names
from components.manifests import exposure, gateway, ingress
from delivery.cluster.client import Cluster, Json
from delivery.errors import ClusterUnavailable, StaleObject
from models.release import ServiceRelease
from models.service import ServiceSpec
from models.system import DeployedService, SystemSpec

_SPLITTING = tuple(f"{ingress.PREFIX}{name}" for name in ("canary", "affinity-canary"))


_TRIES = 5
"""Writes of one split; controllers write an Ingress' status now and then."""


def move(
    cluster: Cluster, system: SystemSpec, service: str, release: ServiceRelease, *, confirm: Callable[[], None]
) -> bool:
    """Let traffic flow as ``release`` says, now; False where the object is not there yet: `pulumi up` makes it.

    The object is read first, then ``confirm`` makes sure that the stack is still this driver's, and the write names the
    version that was read. So one that is stopped after it was confirmed writes nothing over what its successor wrote.

    Raises:
        ClusterUnavailable: the API server does not answer.
        Lost: the stack is another driver's.
    """
    deployed = system.services[service]
    path = split_path(system.namespace, service, deployed.spec, system.cluster.traffic)
    for _ in range(_TRIES):
        found = cluster.get(path)
        if found is None:
            return False
        confirm()
        try:
            cluster.apply(path, moved(found, system, service, deployed, release))
        except StaleObject:
            continue
        return True
    raise ClusterUnavailable(f"{path}: changes faster than it can be written")


def split_path(namespace: str, service: str, spec: ServiceSpec, traffic: str) -> str:
    """Where the API server keeps the object that splits a service's traffic."""
    space = f"namespaces/{namespace}"
    if spec.route is None:
        return f"/api/v1/{space}/services/{service}"
    if traffic == "gateway":
        return f"/apis/{gateway.API_VERSION}/{space}/httproutes/{service}"
    return f"/apis/networking.k8s.io/v1/{space}/ingresses/{names.canary_name(service)}"


def moved(found: Json, system: SystemSpec, service: str, deployed: DeployedService, release: ServiceRelease) -> Json:
    """Return the object with the split that ``release`` says; nothing else of it changes."""
    route = deployed.spec.route
    if route is None:
        selector = exposure.selector(service, exposure.answering(release, routed=False))
        return {**found, "spec": {**found["spec"], "selector": selector}}
    if system.cluster.traffic == "gateway":
        return {**found, "spec": {**found["spec"], "rules": list(gateway.split_rules(service, route, release))}}
    kept = {k: v for k, v in found["metadata"]["annotations"].items() if not k.startswith(_SPLITTING)}
    annotations = {**kept, **ingress.canary_annotations(release, route.session)}
    return {**found, "metadata": {**found["metadata"], "annotations": annotations}}
