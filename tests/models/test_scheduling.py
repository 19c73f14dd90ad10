"""Where pods may run, and where they would rather."""

from models.scheduling import NodeAffinity, Scheduling, Toleration
from tests.models.tables import (
    HOST,
    LABEL,
    LIST,
    OBJECT,
    REQUIRED,
    TEXT,
    Accepted,
    Refused,
    accepting,
    refusing,
)

ZONE = "topology.kubernetes.io/zone"

ACCEPTED: Accepted = [
    (Scheduling, {}),
    (Scheduling, {"nodeSelector": {"disk": "", "example.com/team": "A_b.c"}}),
    (Scheduling, {"tolerations": [{"key": "nvidia.com/gpu"}], "priorityClass": "inference.example.com"}),
    (Scheduling, {"apart": "required", "spread": ["node", "zone"]}),
    (Scheduling, {"spread": []}),
    (NodeAffinity, {"required": {ZONE: ["a", "b"]}, "preferred": {"disk": ["ssd"]}}),
    (Toleration, {"key": "dedicated", "value": "ml", "effect": "NoExecute"}),
]
REFUSED: Refused = [
    (Scheduling, {"spread": ["node", "node"]}, "spread names a domain twice, which the API server refuses; remove one"),
    (Scheduling, {"spread": ["rack"]}, "spread.0: 'rack': must be 'node' or 'zone'"),
    (Scheduling, {"spread": "node"}, f"spread: 'node': {LIST}"),
    (Scheduling, {"apart": "always"}, "apart: 'always': must be 'preferred' or 'required'"),
    (Scheduling, {"tolerations": [{"key": "a b"}]}, f"tolerations.0.key: 'a b': {LABEL}"),
    (
        Scheduling,
        {"tolerations": [{"key": "a", "effect": "Never"}]},
        "tolerations.0.effect: 'Never': must be 'NoSchedule', 'PreferNoSchedule' or 'NoExecute'",
    ),
    (Scheduling, {"tolerations": [{"key": "a", "value": "b c"}]}, f"tolerations.0.value: 'b c': {LABEL}"),
    (Scheduling, {"nodeSelector": {"a/b/c": "x"}}, f"nodeSelector.a/b/c: 'a/b/c': {HOST}"),
    (Scheduling, {"nodeSelector": {"k" * 64: "x"}}, f"nodeSelector.{'k' * 64}: '{'k' * 64}': {LABEL}"),
    (Scheduling, {"nodeSelector": {"disk": "v" * 64}}, f"nodeSelector.disk: '{'v' * 64}': {LABEL}"),
    (Scheduling, {"nodeSelector": {"disk": True}}, f"nodeSelector.disk: True: {TEXT}"),
    (Scheduling, {"priorityClass": "High"}, f"priorityClass: 'High': {OBJECT}"),
    (Toleration, {}, f"key: {REQUIRED}"),
    (
        NodeAffinity,
        {"required": {ZONE: []}},
        "topology.kubernetes.io/zone: no value is set, so no node would match; list at least one",
    ),
    (NodeAffinity, {"preferred": {"disk": []}}, "disk: no value is set, so no node would match; list at least one"),
    (NodeAffinity, {"required": {ZONE: "a"}}, f"required.topology.kubernetes.io/zone: 'a': {LIST}"),
    (NodeAffinity, {"required": {ZONE: ["a b"]}}, f"required.topology.kubernetes.io/zone.0: 'a b': {LABEL}"),
]


test_what_keeps_the_rules_is_accepted = accepting(ACCEPTED)
test_what_breaks_a_rule_is_refused_in_one_line = refusing(REFUSED)
