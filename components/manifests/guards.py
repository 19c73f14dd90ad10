"""The restrictions of a namespace: Pod Security, ResourceQuota and LimitRange."""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal

from components.manifests.manifest import Json
from models.container import ContainerSpec
from models.pod_resources import limited, requested
from models.quantity import MOST, bytes_text, cpu_text, parse
from models.resources import Resources
from models.scaling import within
from models.service import ServiceSpec
from models.system import DeployedService, SystemSpec

SLOTS = 2
"""A release needs room for both slots at full size."""
_CLASS_SUFFIX = "storageclass.storage.k8s.io"
Pod = tuple[Mapping[str, Decimal], Mapping[str, Decimal], Mapping[str, int]]
"""Requests, limits and extended resources of one pod."""
_BYTES = (".memory", ".ephemeral-storage", "requests.storage")


def pod_security_labels(version: str, enforced: str = "restricted") -> dict[str, str]:
    """Return labels that enforce a Pod Security Standard at a pinned version, and warn on and audit *restricted*."""
    modes = {"enforce": enforced, "warn": "restricted", "audit": "restricted"}
    return {
        f"pod-security.kubernetes.io/{key}": value
        for mode, standard in modes.items()
        for key, value in ((mode, standard), (f"{mode}-version", version))
    }


def quota(system: SystemSpec) -> dict[str, str]:
    """Return the most that a system may use. The quota reserves nothing: it rejects what is not declared.

    A terminating pod counts until it is gone, which may take its whole grace period. The quota includes these pods:
    otherwise a rollout at the ceiling would wait for them. The API server would lower an amount above ``MOST``, and
    Pulumi would see a difference.
    """
    return {key: _text_of(key)(min(total, Decimal(MOST))) for key, total in sorted(_totals(system).items())}


def shrinks(system: SystemSpec) -> bool:
    """Return whether an update lowers the quota. The quota must then wait until the old, larger pods are gone.

    A quota that is lowered first admits no new pod next to the old ones, which stay until a new one is ready.
    """
    before = _totals(system.model_copy(update={"services": {n: _as_it_ran(s) for n, s in system.services.items()}}))
    now = _totals(system)
    return any(total > now.get(key, Decimal(0)) for key, total in before.items())


def _as_it_ran(deployed: DeployedService) -> DeployedService:
    ran = {slot: deployed.ran.get(slot, revision) for slot, revision in deployed.revisions.items()}
    return deployed.model_copy(update={"revisions": ran})


def _totals(system: SystemSpec) -> dict[str, Decimal]:
    totals: dict[str, Decimal] = {}
    for key, amount in (*_of_pods(system), *_of_claims(system)):
        totals[key] = totals.get(key, Decimal(0)) + amount
    return totals


def _of_pods(system: SystemSpec) -> Iterator[tuple[str, Decimal]]:
    for deployed in system.services.values():
        yield from _of_service(deployed).items()
    for store in system.stores.values():
        yield from _times(1, _of_one(store.resources))  # the next pod starts only after the last one is gone
    for job in system.jobs.values():
        yield from _times(2, _of_one(job.resources))  # a change creates a new Job while the old one may still run


def _of_service(deployed: DeployedService) -> dict[str, Decimal]:
    """Return the larger amount of both slots for each resource."""
    most: dict[str, Decimal] = {}
    for spec in deployed.every:
        for key, amount in _of_slot(spec, _most_pods(spec, deployed)):
            most[key] = max(amount, most.get(key, amount))
    return most


def _most_pods(spec: ServiceSpec, deployed: DeployedService) -> int:
    """Return the most pods: both slots roll at their ceiling, each with its surge and all old pods terminating.

    A release that narrows a slot's scaling does not change the quota. One that exceeds the entry's ceiling raises it.
    """
    scaling, slots = spec.scaling, deployed.release.slots.values()
    asked = (within(scaling, slot.min_replicas, slot.max_replicas).ceiling for slot in slots)
    most = max(scaling.ceiling, *asked)
    return SLOTS * (2 * most + spec.rollout.surge(most))


def _of_slot(spec: ServiceSpec, pods: int) -> Iterator[tuple[str, Decimal]]:
    yield from _times(pods, (requested(spec, spec.resources), limited(spec, spec.resources), spec.resources.devices))


def _of_one(resources: Resources) -> Pod:
    """Return what a pod of one container takes."""
    alone = ContainerSpec()
    return requested(alone, resources), limited(alone, resources), resources.devices


def _times(pods: int, pod: Pod) -> Iterator[tuple[str, Decimal]]:
    asked, limits, pieces = pod
    yield "pods", Decimal(pods)
    for name, amount in limits.items():
        yield f"limits.{name}", pods * amount
    # A quota supports only requests of extended resources: a limit of one is refused.
    for name, amount in {**asked, **pieces}.items():
        yield f"requests.{name}", pods * Decimal(amount)


def _of_claims(system: SystemSpec) -> Iterator[tuple[str, Decimal]]:
    """Yield the amounts of all volumes, and of each named storage class. Without volumes, no claim is permitted.

    An existing claim counts like any other claim in the namespace.
    """
    yield from (("persistentvolumeclaims", Decimal(0)), ("requests.storage", Decimal(0)))
    for volume in (*system.volumes.values(), *(store.volume for store in system.stores.values())):
        for prefix in ("", f"{volume.storage_class}.{_CLASS_SUFFIX}/") if volume.storage_class else ("",):
            yield f"{prefix}persistentvolumeclaims", Decimal(1)
            yield f"{prefix}requests.storage", parse(volume.size)


def _text_of(key: str) -> Callable[[Decimal], str]:
    return bytes_text if key.endswith(_BYTES) else cpu_text


def container_defaults() -> Json:
    """Return small defaults, so that the quota admits a container without resources (such as a debug container)."""
    small = {"cpu": "50m", "memory": "64Mi", "ephemeral-storage": "64Mi"}
    most = {"cpu": "250m", "memory": "256Mi", "ephemeral-storage": "256Mi"}
    return {"limits": [{"type": "Container", "defaultRequest": small, "default": most}]}
