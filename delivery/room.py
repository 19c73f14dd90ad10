"""How much a stack's configuration may hold."""

import json
from typing import cast

from delivery.errors import DeliveryError
from delivery.session import Session
from models.delivery import ServiceDelivery
from models.release import ServiceRelease

MOST_BYTES = 100 * 1024
"""Of a stack's configuration: the engine passes it in one environment variable of 128 KiB, with what others set."""


def refuse_oversized(session: Session, service: str, release: ServiceRelease, delivery: ServiceDelivery) -> None:
    """Refuse what the engine could not hand over; only here, for a release under way must always get to its end."""
    values = session.file.values()
    for key, model in (("release", release), ("delivery", delivery)):
        block = cast("dict[str, object]", values.get(key) or {})
        values[key] = {**block, service: model.model_dump(mode="json", by_alias=True, exclude_defaults=True)}
    size = sum(len(json.dumps(value)) for value in values.values())
    if size > MOST_BYTES:
        most = max(values, key=lambda key: len(json.dumps(values[key])))
        raise DeliveryError(
            f"{session.stack}: its configuration would hold {size // 1024} KiB, most of it in slipway:{most}; Pulumi "
            f"hands over 128 KiB, so it stops at {MOST_BYTES // 1024}; release large files with `slipway release "
            f"{session.stack} {service} --files DIR`, which keeps them in files of their own"
        )
