"""Names of everything that Slipway creates: the only module that puts one together."""

import hashlib

from models.vocabulary import LABEL, LABEL_LENGTH

_HASH_LENGTH = 8
"""Hex digits: 32 bits, plenty among the few names of one namespace."""


def joined(*parts: str) -> str:
    """Join parts with '-'. What would pass 63 characters keeps its start and ends in a hash of the whole.

    A cut alone would let two long names meet in one object.
    """
    name = "-".join(parts)
    if len(name) <= LABEL_LENGTH:
        return name
    return f"{name[: LABEL_LENGTH - _HASH_LENGTH - 1].rstrip('-')}-{content_hash(name)}"


def label_value(text: str) -> str:
    """Return a text as a label's value: itself where it is one, else its hash."""
    fits = len(text) <= LABEL_LENGTH and LABEL.fullmatch(text)
    return text if fits else content_hash(text)


def content_hash(text: str) -> str:
    """Return the short hash by which content is named."""
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH_LENGTH]


def slot_name(service: str, slot: str) -> str:
    """Name a slot's Deployment, private Service, HPA and PDB."""
    return joined(service, slot)


def canary_name(service: str) -> str:
    """Name the canary Ingress."""
    return joined(service, "canary")


def stable_name(service: str) -> str:
    """Name the Ingress of hosts that never reach the canary."""
    return joined(service, "stable")


def account(workload: str) -> str:
    """Name the ServiceAccount, Role and RoleBinding of a service, store or Job."""
    return workload


def data_claim(store: str) -> str:
    """Name the claim of a store's own volume."""
    return joined(store, "data")


def lease(namespace: str, system: str, stack: str) -> str:
    """Name the Lease that says who drives a stack: two systems may share a namespace, and two stacks a system."""
    return joined("slipway", namespace, system, stack)


def repository(registry: str, system: str, image: str) -> str:
    """Name an image's repository."""
    return f"{registry}/{system}/{image}"
