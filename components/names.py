"""Names of all objects that Slipway creates. No other module composes a name."""

import hashlib

from models.vocabulary import LABEL, LABEL_LENGTH

_HASH_LENGTH = 8
"""Hex digits. 32 bits are enough for the few names of one namespace."""


_SCALED_OBJECT_LENGTH = LABEL_LENGTH - len("keda-hpa-")
"""KEDA puts this prefix before a ScaledObject's name to name its HPA, and uses the result as a label's value."""


def joined(*parts: str, most: int = LABEL_LENGTH) -> str:
    """Join parts with '-'. A name of more than ``most`` characters is cut and ends in a hash of the full name.

    Without the hash, two long names could become the same.
    """
    name = "-".join(parts)
    if len(name) <= most:
        return name
    return f"{name[: most - _HASH_LENGTH - 1].rstrip('-')}-{content_hash(name)}"


def label_value(text: str) -> str:
    """Return a text as a label's value: the text itself if it is valid, otherwise its hash."""
    fits = len(text) <= LABEL_LENGTH and LABEL.fullmatch(text)
    return text if fits else content_hash(text)


def content_hash(text: str) -> str:
    """Return the short hash of a text, which is used in names."""
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH_LENGTH]


def slot_name(service: str, slot: str) -> str:
    """Return the name of a slot's Deployment, private Service, HPA and PDB."""
    return joined(service, slot)


def scaled_object(service: str, slot: str) -> str:
    """Return the name of a slot's ScaledObject.

    Source: ``scaledobject_webhook.go`` of https://github.com/kedacore/keda.
    """
    return joined(service, slot, most=_SCALED_OBJECT_LENGTH)


def canary_name(service: str) -> str:
    """Return the name of the canary Ingress."""
    return joined(service, "canary")


def stable_name(service: str) -> str:
    """Return the name of the Ingress for hosts that never reach the canary."""
    return joined(service, "stable")


def account(workload: str) -> str:
    """Return the name of the ServiceAccount, Role and RoleBinding of a service, store or Job."""
    return workload


def data_claim(store: str) -> str:
    """Return the name of the claim of a store's own volume."""
    return joined(store, "data")


def lease(namespace: str, system: str, stack: str) -> str:
    """Return the name of a stack's Lease. Two systems may share a namespace, and two stacks may share a system."""
    return joined("slipway", namespace, system, stack)


def repository(registry: str, system: str, image: str) -> str:
    """Return the name of an image's repository."""
    return f"{registry}/{system}/{image}"
