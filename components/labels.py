"""Labels and selectors: the only module that spells them.

A Deployment's selector is immutable, so it holds only what never changes for a slot. The other labels follow
https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/.
"""

from collections.abc import Mapping

from components import names

SERVICE = "app.kubernetes.io/name"
SYSTEM = "app.kubernetes.io/part-of"
OWNER = "app.kubernetes.io/managed-by"
SLOT = "slipway.dev/slot"
ROLE = "slipway.dev/role"
STACK = "slipway.dev/stack"
"""On the namespace: a second stack that applies another value meets a conflict, which is what keeps it out."""

PRIVATE = "slot"
"""Role of a slot's own Service, which is what a ServiceMonitor selects: the live Service would count pods twice."""


def of_system(system: str) -> dict[str, str]:
    """Label an object that belongs to the whole system."""
    return {SYSTEM: system, OWNER: "slipway"}


def of_namespace(system: str, stack: str) -> dict[str, str]:
    """Label the namespace with the one stack that it belongs to."""
    return {**of_system(system), STACK: names.label_value(stack)}


def of_service(system: str, service: str) -> dict[str, str]:
    """Label an object of one service."""
    return {**of_system(system), SERVICE: service}


def of_slot(system: str, service: str, slot: str) -> dict[str, str]:
    """Label an object of one slot; its pods carry these."""
    return {**of_service(system, service), SLOT: slot}


def of_private_service(system: str, service: str, slot: str) -> dict[str, str]:
    """Label a slot's private Service so that monitors find it."""
    return {**of_slot(system, service, slot), ROLE: PRIVATE}


def select_system(system: str) -> dict[str, str]:
    """Select every pod of a system."""
    return {SYSTEM: system}


def select_service(service: str) -> dict[str, str]:
    """Select the pods of both slots."""
    return {SERVICE: service}


def select_slot(service: str, slot: str) -> dict[str, str]:
    """Select one slot's pods; fixed for the slot's whole life."""
    return {SERVICE: service, SLOT: slot}


def select_private_services(service: str) -> dict[str, str]:
    """Select the private Services of both slots."""
    return {SERVICE: service, ROLE: PRIVATE}


def label_selector(wanted: Mapping[str, str]) -> str:
    """Return the API's ``labelSelector`` for objects that carry all of these."""
    return ",".join(f"{key}={value}" for key, value in wanted.items())
