"""What fences a namespace in: Pod Security, ResourceQuota and LimitRange."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import TYPE_CHECKING

from components.manifests.pod import amounts
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
    pods = 0
    for spec in services:
        replicas = SLOTS * (spec.scaling.ceiling + spec.rollout.max_surge)
        pods += replicas
        for kind, part in (("requests", spec.resources.requests), ("limits", spec.resources.limits)):
            for name, amount in amounts(part).items():
                key = f"{kind}.{name}"
                totals[key] = totals.get(key, Decimal(0)) + replicas * parse(amount)
    return {"pods": str(pods), **{key: _text_of(key)(total) for key, total in sorted(totals.items())}}


def _text_of(key: str) -> Callable[[Decimal], str]:
    return cpu_text if key.endswith(".cpu") else bytes_text


def container_defaults() -> "LimitRangeSpecArgsDict":
    """Give a container that declares nothing (a debug container, say) a small share, so that the quota admits it."""
    small = {"cpu": "50m", "memory": "64Mi", "ephemeral-storage": "64Mi"}
    most = {"cpu": "250m", "memory": "256Mi", "ephemeral-storage": "256Mi"}
    return {"limits": [{"type": "Container", "default_request": small, "default": most}]}
