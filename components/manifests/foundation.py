"""Objects that a system's services share: namespace, volumes, network policies, quota and limits."""

from collections.abc import Iterator

from components import labels, names
from components.manifests import adapter, dashboards, guards, network
from components.manifests.claims import claims
from components.manifests.manifest import SKIP_AWAIT, Json, Manifest, Part, metadata, written
from models.storage import Volume
from models.system import SystemSpec


def foundation(system: SystemSpec, stack: str) -> Iterator[Manifest]:
    """Yield the shared objects, without the quota."""
    part = _part(system)
    if not system.existing_namespace:  # in an existing one, the owner sets labels, quota and defaults
        yield part.manifest("namespace", _namespace(system, stack))
        limits = written("LimitRange", _metadata(system, "container-defaults"), spec=guards.container_defaults())
        yield part.manifest("limits", limits)
    for name, spec in network.policies(system).items():
        yield part.manifest(name, written("NetworkPolicy", _shared(system, name), spec=spec))
    if rules := adapter.adapter_rules(system):
        # The adapter's own configuration belongs to the cluster.
        own = _shared(system, "adapter-rules")
        yield part.manifest("adapter-rules", written("ConfigMap", own, data={"config.yaml": rules}))
    if (data := dashboards.dashboards(system)) and system.cluster.dashboards:
        own = _shared(system, "dashboard")
        own["labels"] = {**system.cluster.dashboards.labels, **own["labels"]}
        yield part.manifest("dashboard", written("ConfigMap", own, data=data))
    for claim, volume in claims(system).items():
        yield part.manifest(claim, _claim(system, claim, volume))


def claim_id(system: SystemSpec, claim: str) -> str:
    """Return the id of a claim's manifest."""
    return _part(system).id_of(claim)


def quota(system: SystemSpec, pods: tuple[str, ...]) -> Iterator[Manifest]:
    """Yield the ResourceQuota of a namespace that the stack owns.

    Args:
        system: The system.
        pods: The ids of all workloads. A quota that shrinks must wait until their old, larger pods are gone.
    """
    if system.existing_namespace:
        return
    document = written("ResourceQuota", _metadata(system, "quota"), spec={"hard": guards.quota(system)})
    yield _part(system).manifest("quota", document, after=pods if guards.shrinks(system) else ())


def _part(system: SystemSpec) -> Part:
    return Part("Foundation", system.name)


def _namespace(system: SystemSpec, stack: str) -> Json:
    """Return the namespace, which enforces the Pod Security Standard of the system's pods."""
    own = labels.of_namespace(system.name, stack)
    secured = guards.pod_security_labels(system.cluster.pod_security_version, system.pod_security)
    return written("Namespace", {"name": system.namespace, "labels": {**own, **secured}})


def _claim(system: SystemSpec, claim: str, volume: Volume) -> Json:
    spec: Json = {"accessModes": [volume.access], "resources": {"requests": {"storage": volume.size}}}
    if volume.storage_class:
        spec["storageClassName"] = volume.storage_class
    # Many storage classes bind a claim only when a pod uses it, and the pods are created after the claim.
    described = {**_metadata(system, claim), "annotations": SKIP_AWAIT}
    return written("PersistentVolumeClaim", described, spec=spec)


def _shared(system: SystemSpec, name: str) -> Json:
    """Return metadata with a generic name, which starts with the system's name in an existing namespace."""
    return _metadata(system, names.joined(system.name, name) if system.existing_namespace else name)


def _metadata(system: SystemSpec, name: str) -> Json:
    return metadata(system, name, labels.of_system(system.name))
