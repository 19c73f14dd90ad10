"""Volumes: what outlives a pod."""

from models.storage import ModelCache, OwnVolume, Volume
from tests.models.tables import (
    FOLDER,
    NAME,
    OBJECT,
    PATH,
    QUANTITY,
    REQUIRED,
    Accepted,
    Refused,
    accepting,
    refusing,
)

CLASS = ".".join(["c" * 44] * 5) + "c"
"""The longest: 225 characters."""
ACCEPTED: Accepted = [
    (Volume, {"size": "5Gi"}),
    (Volume, {"size": 1, "storageClass": "fast.example.com", "access": "ReadWriteMany"}),
    (Volume, {"size": "1", "storageClass": "7200rpm"}),
    (Volume, {"size": "1", "storageClass": CLASS}),
    (ModelCache, {"volume": "hub"}),
    (ModelCache, {"volume": "hub", "path": "/var/cache/hub"}),
    (OwnVolume, {"size": "2Gi", "path": "/var/lib/redis"}),
]
REFUSED: Refused = [
    (Volume, {}, f"size: {REQUIRED}"),
    (Volume, {"size": "0"}, "size: '0': must be greater than 0"),
    (Volume, {"size": "5GB"}, f"size: '5GB': {QUANTITY}"),
    (Volume, {"size": "5Gi", "storageClass": "Fast"}, f"storageClass: 'Fast': {OBJECT}"),
    (
        Volume,
        {"size": "5Gi", "storageClass": f"{CLASS}c"},
        f"storageClass: '{CLASS[:79]}…: a storage class has at most 225 characters; use one with a shorter name",
    ),
    (Volume, {"size": "5Gi", "storageClass": ""}, f"storageClass: '': {OBJECT}"),
    (
        Volume,
        {"size": "5Gi", "access": "ReadOnlyMany"},
        "access: 'ReadOnlyMany': must be 'ReadWriteOnce' or 'ReadWriteMany'",
    ),
    (Volume, {"size": "5Gi", "storageclass": "fast"}, "storageclass: unknown key; did you mean 'storageClass'?"),
    (ModelCache, {}, f"volume: {REQUIRED}"),
    (ModelCache, {"volume": "Hub"}, f"volume: 'Hub': {NAME}"),
    (ModelCache, {"volume": "hub", "path": "/etc/slipway"}, f"path: '/etc/slipway': {FOLDER}"),
    (OwnVolume, {"size": "2Gi", "path": "data"}, f"path: 'data': {PATH}"),
    (OwnVolume, {"size": "2Gi", "path": "/"}, f"path: '/': {FOLDER}"),
]


test_what_keeps_the_rules_is_accepted = accepting(ACCEPTED)
test_what_breaks_a_rule_is_refused_in_one_line = refusing(REFUSED)
