"""What a replica asks for, what it may take at most, and the devices that it holds."""

from models.resources import ResourceList, Resources
from tests.models.tables import (
    AT_LEAST_1,
    DEVICE,
    INTEGER,
    LABEL,
    LABEL_KEY,
    QUANTITY,
    REQUIRED,
    Accepted,
    Refused,
    accepting,
    refusing,
)

SMALL = {"cpu": "500m", "memory": "1Gi"}
LARGE = {"cpu": "1", "memory": "1024Mi"}
BOTH = {"requests": SMALL, "limits": LARGE}

LONG_DOMAIN = "the vendor domain of a device has at most 244 characters; use a shorter one"

ACCEPTED: Accepted = [
    (Resources, BOTH),
    (Resources, {"requests": SMALL, "limits": SMALL}),
    (Resources, {"requests": {**SMALL, "ephemeral-storage": "1Gi"}, "limits": {**SMALL, "ephemeral-storage": "2Gi"}}),
    (Resources, {**BOTH, "devices": {"nvidia.com/gpu": 2}}),
    (Resources, {**BOTH, "devices": {"nvidia.com/mig-1g.5gb": 1, "example.com/fpga_a10": 1}}),
    (Resources, {**BOTH, "devices": {f"example.com/{'d' * 63}": 1}}),
    (Resources, {**BOTH, "devices": {f"{'a.' * 121}aa/fpga": 1}}),
    (Resources, {"requests": {**SMALL, "cpu": "1m"}, "limits": {**SMALL, "cpu": "0.500"}}),
    (Resources, {"requests": {**SMALL, "cpu": "1000u"}, "limits": LARGE}),
]
REFUSED: Refused = [
    (
        Resources,
        {"requests": LARGE, "limits": SMALL},
        "requests.cpu 1 exceeds limits.cpu 500m; lower the request or raise the limit",
    ),
    (
        Resources,
        {"requests": {**SMALL, "memory": "1025Mi"}, "limits": LARGE},
        "requests.memory 1025Mi exceeds limits.memory 1024Mi; lower the request or raise the limit",
    ),
    (
        Resources,
        {"requests": SMALL, "limits": {**SMALL, "ephemeral-storage": "1Mi"}},
        "requests.ephemeral-storage 1Gi exceeds limits.ephemeral-storage 1Mi; lower the request or raise the limit",
    ),
    (Resources, {"requests": SMALL}, f"limits: {REQUIRED}"),
    (Resources, {"requests": {**SMALL, "cpu": "1x"}, "limits": LARGE}, f"requests.cpu: '1x': {QUANTITY}"),
    (Resources, {**BOTH, "devices": {"gpu": 1}}, f"devices.gpu: 'gpu': {DEVICE}"),
    (
        Resources,
        {**BOTH, "devices": {"kubernetes.io/gpu": 1}},
        f"devices.kubernetes.io/gpu: 'kubernetes.io/gpu': {DEVICE}",
    ),
    (
        Resources,
        {**BOTH, "devices": {"requests.nvidia.com/gpu": 1}},
        f"devices.requests.nvidia.com/gpu: 'requests.nvidia.com/gpu': {DEVICE}",
    ),
    (
        Resources,
        {**BOTH, "devices": {f"{'a.' * 122}a/fpga": 1}},
        f"devices.{'a.' * 40}…: '{'a.' * 39}a…: {LONG_DOMAIN}",
    ),
    (Resources, {**BOTH, "devices": {"nvidia.com/": 1}}, f"devices.nvidia.com/: 'nvidia.com/': {LABEL_KEY}"),
    (
        Resources,
        {**BOTH, "devices": {f"example.com/{'d' * 64}": 1}},
        f"devices.example.com/{'d' * 64}: 'example.com/{'d' * 64}': {LABEL}",
    ),
    (Resources, {**BOTH, "devices": {"nvidia.com/gpu": 0}}, f"devices.nvidia.com/gpu: 0: {AT_LEAST_1}"),
    (Resources, {**BOTH, "devices": {"nvidia.com/gpu": "1"}}, f"devices.nvidia.com/gpu: '1': {INTEGER}"),
    (Resources, {**BOTH, "devices": {"nvidia.com/gpu": 0.5}}, f"devices.nvidia.com/gpu: 0.5: {INTEGER}"),
    (ResourceList, {"cpu": "1", "memory": "0"}, "memory: '0': must be greater than 0"),
    (
        ResourceList,
        {"cpu": "1", "memory": "1Gi", "ephemeralStorage": "1Gi"},
        "ephemeralStorage: unknown key; did you mean 'ephemeral-storage'?",
    ),
]


test_what_keeps_the_rules_is_accepted = accepting(ACCEPTED)
test_what_breaks_a_rule_is_refused_in_one_line = refusing(REFUSED)
