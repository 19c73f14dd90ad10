"""Labels and selectors. No other module spells them out.

A Deployment's selector is immutable, so it contains only labels that never change for a slot. The other labels follow
https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/.
"""

from collections.abc import Mapping, Sequence

from components import names

SERVICE = "app.kubernetes.io/name"
SYSTEM = "app.kubernetes.io/part-of"
OWNER = "app.kubernetes.io/managed-by"
SLOT = "slipway.dev/slot"
ROLE = "slipway.dev/role"
METRICS = "slipway.dev/metrics"
"""Label of pods whose metrics are not at their main port, with the name of that other port."""
STACK = "slipway.dev/stack"
"""Label of the namespace. A second stack that applies another value gets a conflict, which keeps it out."""

PRIVATE = "slot"
"""Role of a slot's private Service, which a ServiceMonitor selects: the live Service would count pods twice."""


def of_system(system: str) -> dict[str, str]:
    """Return the labels of an object that belongs to the whole system."""
    return {SYSTEM: system, OWNER: "slipway"}


def of_namespace(system: str, stack: str) -> dict[str, str]:
    """Return the labels of the namespace, which name the one stack that owns it."""
    return {**of_system(system), STACK: names.label_value(stack)}


def of_service(system: str, service: str) -> dict[str, str]:
    """Return the labels of an object of one service."""
    return {**of_system(system), SERVICE: service}


def of_slot(system: str, service: str, slot: str) -> dict[str, str]:
    """Return the labels of an object of one slot."""
    return {**of_service(system, service), SLOT: slot}


def of_pod(system: str, service: str, slot: str, *, metrics: str | None) -> dict[str, str]:
    """Return the labels of a slot's pods. ``metrics`` names the port for metrics if it is not the main port."""
    return {**of_slot(system, service, slot), **({METRICS: metrics} if metrics else {})}


def of_private_service(system: str, service: str, slot: str) -> dict[str, str]:
    """Return the labels of a slot's private Service, by which monitors find it."""
    return {**of_slot(system, service, slot), ROLE: PRIVATE}


def select_system(system: str) -> dict[str, str]:
    """Return the selector of all pods of a system."""
    return {SYSTEM: system}


def select_service(service: str) -> dict[str, str]:
    """Return the selector of the pods of both slots."""
    return {SERVICE: service}


def select_without_metrics_port(services: Sequence[str]) -> dict[str, object]:
    """Return the selector of these services' pods whose metrics are at their main port."""
    return {
        "matchExpressions": [
            {"key": SERVICE, "operator": "In", "values": list(services)},
            {"key": METRICS, "operator": "DoesNotExist"},
        ]
    }


def select_slot(service: str, slot: str) -> dict[str, str]:
    """Return the selector of one slot's pods, which never changes."""
    return {SERVICE: service, SLOT: slot}


def select_private_services(service: str) -> dict[str, str]:
    """Return the selector of the private Services of both slots."""
    return {SERVICE: service, ROLE: PRIVATE}


def label_selector(wanted: Mapping[str, str]) -> str:
    """Return the API's ``labelSelector`` for objects that carry all these labels."""
    return ",".join(f"{key}={value}" for key, value in wanted.items())
