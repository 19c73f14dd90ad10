"""What fences a namespace in: Pod Security, ResourceQuota and LimitRange."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import TYPE_CHECKING

from components.manifests.pod import amounts, devices
from models.quantity import bytes_text, cpu_text, parse
from models.service import ServiceSpec

if TYPE_CHECKING:
    from pulumi_kubernetes.core.v1 import LimitRangeSpecArgsDict

SLOTS = 2
"""Both slots may be full at once: that is what a release needs."""


def pod_security_labels(version: str) -> dict[str, str]:
    """Enforce, warn and audit the restricted Pod Security Standard at a pinned version."""
    modes = ("enforce", "warn", "audit")
    return {
        f"pod-security.kubernetes.io/{key}": value
        for mode in modes
        for key, value in ((mode, "restricted"), (f"{mode}-version", version))
    }


def quota(services: Iterable[ServiceSpec]) -> dict[str, str]:
    """Sum what all services may use at their ceilings, with both slots full and a rollout's surge on each."""
    totals: dict[str, Decimal] = {}
    for spec in services:
        replicas = SLOTS * (spec.scaling.ceiling + spec.rollout.max_surge)
        for key, amount in _of_one_pod(spec).items():
            totals[key] = totals.get(key, Decimal(0)) + replicas * parse(amount)
    return {key: _text_of(key)(total) for key, total in sorted(totals.items())}


def _of_one_pod(spec: ServiceSpec) -> dict[str, str]:
    limited = {f"limits.{name}": amount for name, amount in amounts(spec.resources.limits).items()}
    # A quota knows extended resources by their requests alone: a limit of them is refused.
    requested = {**amounts(spec.resources.requests), **devices(spec)}
    return {"pods": "1", **limited, **{f"requests.{name}": amount for name, amount in requested.items()}}


def _text_of(key: str) -> Callable[[Decimal], str]:
    return bytes_text if key.endswith((".memory", ".ephemeral-storage")) else cpu_text


def container_defaults() -> "LimitRangeSpecArgsDict":
    """Give a container that declares nothing (a debug container, say) a small share, so that the quota admits it."""
    small = {"cpu": "50m", "memory": "64Mi", "ephemeral-storage": "64Mi"}
    most = {"cpu": "250m", "memory": "256Mi", "ephemeral-storage": "256Mi"}
    return {"limits": [{"type": "Container", "default_request": small, "default": most}]}
