"""Moves traffic at once: writes the one field that splits requests directly to the API server.

A whole ``pulumi up`` takes seconds, but a bad release must lose its traffic immediately. The stack file already
declares the new split. The valve writes what ``pulumi up`` would write, with the same manifest functions, and the
update that follows finds the split in place. After that update, the file, the state and the cluster agree again. A kill
in between loses nothing.
"""

from collections.abc import Callable

from components import names
from components.manifests import exposure, gateway, ingress
from components.manifests.manifest import API_VERSIONS
from delivery.cluster.client import Cluster, Json
from delivery.errors import ClusterUnavailable, StaleObject
from models.release import ServiceRelease
from models.service import ServiceSpec
from models.system import DeployedService, SystemSpec

_SPLITTING = tuple(f"{ingress.PREFIX}{name}" for name in ("canary", "affinity-canary"))


_TRIES = 5
"""Attempts to write one split, because controllers occasionally write an Ingress's status in between."""


def move(
    cluster: Cluster, system: SystemSpec, service: str, release: ServiceRelease, *, confirm: Callable[[], None]
) -> bool:
    """Apply the split of ``release`` now; return False if `pulumi up` has not created the object yet.

    The object is read first, then ``confirm`` checks that this driver still holds the stack. The write names the
    version that was read. A driver that is suspended after ``confirm`` therefore overwrites nothing of its successor's.

    Raises:
        ClusterUnavailable: the API server does not answer.
        Lost: another driver holds the stack.
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
    raise ClusterUnavailable(f"{path}: keeps changing while it is being written")


def split_path(namespace: str, service: str, spec: ServiceSpec, traffic: str) -> str:
    """Return the API path of the object that splits a service's traffic."""
    space = f"namespaces/{namespace}"
    if spec.route is None:
        return f"/api/v1/{space}/services/{service}"
    if traffic == "gateway":
        return f"/apis/{API_VERSIONS['HTTPRoute']}/{space}/httproutes/{service}"
    return f"/apis/networking.k8s.io/v1/{space}/ingresses/{names.canary_name(service)}"


def moved(found: Json, system: SystemSpec, service: str, deployed: DeployedService, release: ServiceRelease) -> Json:
    """Return the object with the split that ``release`` declares, and everything else unchanged."""
    route = deployed.spec.route
    if route is None:
        selector = exposure.selector(service, exposure.answering(release, routed=False))
        return {**found, "spec": {**found["spec"], "selector": selector}}
    if system.cluster.traffic == "gateway":
        rules = list(gateway.split_rules(service, route, release, deployed.longest))
        return {**found, "spec": {**found["spec"], "rules": rules}}
    kept = {k: v for k, v in found["metadata"]["annotations"].items() if not k.startswith(_SPLITTING)}
    annotations = {**kept, **ingress.canary_annotations(release, route.session)}
    return {**found, "metadata": {**found["metadata"], "annotations": annotations}}
