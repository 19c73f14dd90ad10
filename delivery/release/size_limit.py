"""The size limit of a stack's configuration."""

import json
from typing import cast

from delivery.errors import DeliveryError
from delivery.release.service import Service
from models.delivery import ServiceDelivery
from models.release import ServiceRelease

MOST_BYTES = 100 * 1024
"""Pulumi passes a stack's configuration in one environment variable of at most 128 KiB."""


def refuse_oversized(service: Service, release: ServiceRelease, delivery: ServiceDelivery) -> None:
    """Refuse a release whose record would exceed the limit. Later writes are not checked, so that releases can end."""
    values = dict(service.stack.configuration.values())
    for key, model in (("release", release), ("delivery", delivery)):
        block = cast("dict[str, object]", values.get(key) or {})
        values[key] = {**block, service.name: model.model_dump(mode="json", by_alias=True, exclude_defaults=True)}
    size = sum(len(json.dumps(value)) for value in values.values())
    if size > MOST_BYTES:
        most = max(values, key=lambda key: len(json.dumps(values[key])))
        raise DeliveryError(
            f"{service.stack.name}: the configuration would grow to {size // 1024} KiB, most of it in slipway:{most}; "
            f"the limit is {MOST_BYTES // 1024} KiB, because Pulumi can pass at most 128 KiB; release large files "
            f"with `slipway release {service} --files DIR`, which stores them in revisions/"
        )
