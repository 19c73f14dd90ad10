"""What fences a namespace in: Pod Security, ResourceQuota and LimitRange."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from components.manifests.container import amounts, devices
from models.quantity import bytes_text, cpu_text, parse
from models.resources import Resources
from models.scaling import within
from models.service import ServiceSpec
from models.system import DeployedService, SystemSpec

if TYPE_CHECKING:
    from pulumi_kubernetes.core.v1 import LimitRangeSpecArgsDict

SLOTS = 2
"""Both slots may be full at once: that is what a release needs."""
_CLASS_SUFFIX = "storageclass.storage.k8s.io"
_BYTES = (".memory", ".ephemeral-storage", "requests.storage")


def pod_security_labels(version: str) -> dict[str, str]:
    """Enforce, warn and audit the restricted Pod Security Standard at a pinned version."""
    modes = ("enforce", "warn", "audit")
    return {
        f"pod-security.kubernetes.io/{key}": value
        for mode in modes
        for key, value in ((mode, "restricted"), (f"{mode}-version", version))
    }


def quota(system: SystemSpec) -> dict[str, str]:
    """Sum what a system may use at its most. It reserves nothing: it stops what nobody declared.

    A pod counts until it is gone, its whole grace time long, so there is room for those on their way out: without it a
    rollout at the ceiling would wait for them.
    """
    return {key: _text_of(key)(total) for key, total in sorted(_totals(system).items())}


def shrinks(system: SystemSpec) -> bool:
    """Return whether an update lowers the quota. It must then wait until the old, larger pods are gone.

    A quota that is lowered first admits no new pod beside the old ones, and the old ones stay until a new one is ready.
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
        yield from _times(1, store.resources)  # the next pod starts only when the last one is gone
    for job in system.jobs.values():
        yield from _times(2, job.resources)  # other work is another Job, and the one before may still run


def _of_service(deployed: DeployedService) -> dict[str, Decimal]:
    """Return the larger amount of both slots for each resource."""
    most: dict[str, Decimal] = {}
    for spec in deployed.every:
        for key, amount in _times(_most_pods(spec, deployed), spec.resources):
            most[key] = max(amount, most.get(key, amount))
    return most


def _most_pods(spec: ServiceSpec, deployed: DeployedService) -> int:
    """Both slots at their ceiling and rolling at once: a surge on each, and the whole old set still leaving.

    A release that narrows a slot's scaling leaves the quota alone; one that asks for more than the entry raises it.
    """
    scaling, slots = spec.scaling, deployed.release.slots.values()
    asked = (within(scaling, slot.min_replicas, slot.max_replicas).ceiling for slot in slots)
    return SLOTS * (2 * max(scaling.ceiling, *asked) + spec.rollout.max_surge)


def _times(pods: int, resources: Resources) -> Iterator[tuple[str, Decimal]]:
    yield "pods", Decimal(pods)
    for name, amount in amounts(resources.limits).items():
        yield f"limits.{name}", pods * parse(amount)
    # A quota knows extended resources by their requests alone: a limit of them is refused.
    for name, amount in {**amounts(resources.requests), **devices(resources)}.items():
        yield f"requests.{name}", pods * parse(amount)


def _of_claims(system: SystemSpec) -> Iterator[tuple[str, Decimal]]:
    """Sum the volumes, and those of each class that is named; with none, nobody may claim one.

    A claim that was there before counts like any other of the namespace.
    """
    yield from (("persistentvolumeclaims", Decimal(0)), ("requests.storage", Decimal(0)))
    for volume in (*system.volumes.values(), *(store.volume for store in system.stores.values())):
        for prefix in ("", f"{volume.storage_class}.{_CLASS_SUFFIX}/") if volume.storage_class else ("",):
            yield f"{prefix}persistentvolumeclaims", Decimal(1)
            yield f"{prefix}requests.storage", parse(volume.size)


def _text_of(key: str) -> Callable[[Decimal], str]:
    return bytes_text if key.endswith(_BYTES) else cpu_text


def container_defaults() -> "LimitRangeSpecArgsDict":
    """Give a container that declares nothing (a debug container, say) a small share, so that the quota admits it."""
    small = {"cpu": "50m", "memory": "64Mi", "ephemeral-storage": "64Mi"}
    most = {"cpu": "250m", "memory": "256Mi", "ephemeral-storage": "256Mi"}
    return {"limits": [{"type": "Container", "default_request": small, "default": most}]}
