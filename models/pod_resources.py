"""What one pod requests and is limited to, with its sidecars and init containers.

Source: ``PodRequests`` of Kubernetes: sidecars run all the time, init containers before the server and one by one.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal

from models.container import ContainerSpec
from models.quantity import parse
from models.resources import ResourceList, Resources

Amounts = dict[str, Decimal]


def requested(spec: ContainerSpec, server: Resources) -> Amounts:
    """Return the amount of each resource that the scheduler reserves for a pod."""
    return _of_pod(spec, server, lambda resources: resources.requests)


def limited(spec: ContainerSpec, server: Resources) -> Amounts:
    """Return the amount of each resource to which a pod is limited."""
    return _of_pod(spec, server, lambda resources: resources.limits)


def _of_pod(spec: ContainerSpec, server: Resources, pick: Callable[[Resources], ResourceList]) -> Amounts:
    beside = [_amounts(pick(one.resources)) for one in spec.sidecars or ()]
    before = [_amounts(pick(one.resources)) for one in spec.init or ()]
    return {
        name: max([amount, *(one[name] for one in before)]) + sum((one[name] for one in beside), start=Decimal(0))
        for name, amount in _amounts(pick(server)).items()
    }


def _amounts(resources: ResourceList) -> Amounts:
    texts: Mapping[str, str] = resources.model_dump(by_alias=True)
    return {name: parse(text) for name, text in texts.items()}
