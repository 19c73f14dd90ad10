"""Where pods may run, and which devices they take."""

from typing import Any

import pytest

from models.errors import ConfigurationError
from models.parsing import parse
from models.resources import Resources
from models.scheduling import Scheduling

AMOUNTS = {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "1", "memory": "1Gi"}}


@pytest.mark.parametrize("name", ["nvidia.com/gpu", "nvidia.com/mig-1g.5gb", "amd.com/gpu", "example.com/fpga_a10"])
def test_a_device_is_named_by_its_vendors_domain(name: str) -> None:
    assert parse(Resources, {**AMOUNTS, "devices": {name: 2}}, "given: ").devices == {name: 2}


@pytest.mark.parametrize(
    ("devices", "fault"),
    [
        ({"gpu": 1}, "given: devices.gpu: 'gpu': a device is named vendor domain/resource"),
        ({"kubernetes.io/gpu": 1}, "given: devices.kubernetes.io/gpu: 'kubernetes.io/gpu': a device is named"),
        ({"nvidia.com/gpu": 0}, "given: devices.nvidia.com/gpu: 0: "),
        ({"nvidia.com/gpu": "1"}, "given: devices.nvidia.com/gpu: '1': "),
        ({"nvidia.com/gpu": 0.5}, "given: devices.nvidia.com/gpu: 0.5: "),
    ],
)
def test_what_no_node_could_give_is_refused(devices: dict[str, Any], fault: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        parse(Resources, {**AMOUNTS, "devices": devices}, "given: ")
    assert len(refused.value.faults) == 1
    assert refused.value.faults[0].startswith(fault)


@pytest.mark.parametrize(
    ("scheduling", "fault"),
    [
        ({"spread": ["node", "node"]}, "given: spread names a domain twice"),
        ({"spread": ["rack"]}, "given: spread.0: 'rack': "),
        ({"apart": "always"}, "given: apart: 'always': "),
        ({"tolerations": [{"key": "a b"}]}, "given: tolerations.0.key: 'a b': "),
        ({"tolerations": [{"key": "a", "effect": "Never"}]}, "given: tolerations.0.effect: 'Never': "),
        ({"tolerations": [{"kye": "a"}]}, "given: tolerations.0.key: required"),
        ({"nodeSelector": {"a/b/c": "x"}}, "given: nodeSelector.a/b/c: 'a/b/c': "),
        ({"priorityClass": "High"}, "given: priorityClass: 'High': "),
    ],
)
def test_a_placement_that_the_api_server_would_refuse_is_refused(scheduling: dict[str, Any], fault: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        parse(Scheduling, scheduling, "given: ")
    assert refused.value.faults[0].startswith(fault)
