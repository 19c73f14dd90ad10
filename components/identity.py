"""Verify the cluster and the namespace of an update before the first resource is registered.

The uid of the namespace kube-system identifies a cluster: every cluster has one, and it never changes. OpenTelemetry
and others follow this convention (``k8s.cluster.uid``,
https://opentelemetry.io/docs/specs/semconv/resource/k8s/#cluster). A kube context identifies a cluster on one machine
only.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from components import labels, names
from components.api_server import Forbidden
from components.manifests.claims import claims
from components.recorded import Recorded
from models.system import SystemSpec
from models.vocabulary import OTHER_SLOT

IDENTITY = "kube-system"
"""The namespace whose uid identifies a cluster."""

Json = Mapping[str, Any]


class NamespaceSource(Protocol):
    """The source of namespaces and their objects."""

    def namespace(self, name: str) -> Json | None:
        """Return a namespace as the API server's JSON, or None if it does not exist. Raise Forbidden or Away."""
        ...

    def objects(self, namespace: str) -> Iterable[tuple[str, Json]]:
        """Return (kind, ``metadata``) of the objects in a namespace."""
        ...


@dataclass(frozen=True, kw_only=True)
class Live:
    """The cluster's identity, and the stack's namespace in it."""

    cluster: str | None
    """The uid of kube-system; None if the account may not read it."""
    readable: bool
    """Whether the account may read the stack's namespace."""
    namespace: Json | None
    """``metadata`` of the stack's namespace; None if it does not exist or may not be read."""


def asked(source: NamespaceSource, namespace: str) -> Live:
    """Return the cluster's identity and the stack's namespace. Raise Away if the API server does not answer."""
    try:
        system = source.namespace(IDENTITY)
    except Forbidden:
        system = None
    cluster = system["metadata"]["uid"] if system else None
    try:
        found = source.namespace(namespace)
    except Forbidden:
        return Live(cluster=cluster, readable=False, namespace=None)
    return Live(cluster=cluster, readable=True, namespace=found["metadata"] if found else None)


def cluster_faults(system: SystemSpec, recorded: Recorded, live: Live) -> Iterator[str]:
    """Refuse a cluster other than that of the last update, unless the stack file names its uid."""
    context, wanted = system.cluster.context, system.cluster.uid
    if wanted and live.cluster is None:
        yield (
            f"slipway:cluster.uid: the account of context {context!r} may not read the namespace {IDENTITY}, whose uid "
            "must be compared; grant it get on that namespace, or remove uid"
        )
    elif wanted and live.cluster != wanted:
        yield (
            f"slipway:cluster.uid: context {context!r} reaches cluster {live.cluster}, but the stack file sets "
            f"{wanted}; correct the context or the uid"
        )
    elif not wanted and recorded.cluster and live.cluster and recorded.cluster != live.cluster:
        yield _moved(context, f"not cluster {recorded.cluster}, where this stack runs", live)
    elif not wanted and not _known(recorded, live) and _elsewhere(recorded, live):
        name = recorded.namespace["name"] if recorded.namespace else ""
        yield _moved(context, f"which does not have this stack's namespace {name}", live)


def state_faults(system: SystemSpec, recorded: Recorded, live: Live) -> Iterator[str]:
    """Refuse to update a new cluster from a state that describes the old one: the engine would find nothing to do."""
    if system.cluster.uid and recorded.cluster != live.cluster and _elsewhere(recorded, live):
        yield (
            f"slipway:cluster.uid: the stack's state still describes the objects of the previous cluster; run "
            f"pulumi refresh, which removes from the state what cluster {live.cluster} does not have and deletes "
            "nothing in either cluster, then pulumi up"
        )


def _moved(context: str, what: str, live: Live) -> str:
    remedy = f"set slipway:cluster.uid: {live.cluster}" if live.cluster else "run pulumi refresh and then retry"
    return (
        f"slipway:cluster.context: {context!r} reaches {f'cluster {live.cluster}, ' if live.cluster else 'a cluster '}"
        f"{what}; correct the context, or, to move the stack there, {remedy} (docs/data.md)"
    )


def _known(recorded: Recorded, live: Live) -> bool:
    """Return whether both uids are known. Otherwise the namespace must identify the cluster."""
    return recorded.cluster is not None and live.cluster is not None


def _elsewhere(recorded: Recorded, live: Live) -> bool:
    """Return whether the namespace that the stack owns is missing from this cluster."""
    if recorded.namespace is None or not live.readable:
        return False
    return live.namespace is None or live.namespace["uid"] != recorded.namespace["uid"]


def namespace_faults(system: SystemSpec, stack: str, recorded: Recorded, live: Live) -> Iterator[str]:
    """Refuse a namespace of another owner: server-side apply would adopt it, and destroy would delete it."""
    name, found = system.namespace, live.namespace
    where = f"namespace {name}:"
    if found is None:
        if live.readable and system.existing_namespace:
            yield f"{where} does not exist in the cluster; create it, or remove slipway:system.existingNamespace"
        return
    worn = found.get("labels", {})
    if recorded.namespace and recorded.namespace["uid"] == found["uid"]:
        return
    owner, entry = worn.get(labels.STACK), worn.get(labels.SYSTEM)
    if owner is None:
        if not system.existing_namespace:
            yield (
                f"{where} already exists and belongs to no stack; set slipway:system.namespace to another namespace, "
                "or, to deploy into this one and keep it unchanged, set slipway:system.existingNamespace: true"
            )
    elif (owner, entry) != (labels.of_namespace(system.name, stack)[labels.STACK], system.name):
        yield owned_elsewhere(name, f"{owner}, of the system {entry}")


def owned_elsewhere(namespace: str, owner: str) -> str:
    """Return the line that refuses the namespace of another stack."""
    return (
        f"namespace {namespace}: already belongs to another stack ({owner}), and two stacks in one namespace would "
        "overwrite each other; set slipway:system.namespace to another namespace"
    )


def object_faults(system: SystemSpec, recorded: Recorded, source: NamespaceSource) -> Iterator[str]:
    """Refuse other owners' objects that have a name of this system: server-side apply would adopt them."""
    slots = {names.slot_name(service, slot) for service in system.services for slot in OTHER_SLOT}
    ours = slots | system.services.keys() | system.stores.keys() | system.jobs.keys() | claims(system).keys()
    entries = {system.name, recorded.system or system.name}
    for kind, metadata in source.objects(system.namespace) if system.existing_namespace else ():
        name = metadata["name"]
        if name in ours and metadata["labels"].get(labels.SYSTEM) not in entries:
            yield (
                f"namespace {system.namespace}: its {kind} {name} does not belong to this stack: an update would "
                "overwrite it, and a destroy would delete it; choose another name in the entry or another "
                "slipway:system.namespace"
            )
