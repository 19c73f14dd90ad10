"""What the stack's state records of its last update, read before the first resource is registered.

The engine plans deletions and replacements from the state, so what would be lost can only be told from it. The two
look-ups are the engine's own (pulumi/pkg, ``resource/deploy/builtins.go``); unlike a StackReference they leave no
resource behind.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

import grpc
import pulumi
from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.settings import get_monitor

from models.entry import CatalogueEntry
from models.errors import ConfigurationError
from models.evidence import ran
from models.pins import Ran
from models.vocabulary import SlotName

Json = Mapping[str, Any]

CLUSTER_OUTPUT = "cluster"
"""The stack output that keeps the uid of the cluster's namespace kube-system."""
_SYSTEM = "slipway:components:System"
_PROVIDER = "pulumi:providers:kubernetes"
_NAMESPACE = "kubernetes:core/v1:Namespace"
_CLAIM = "kubernetes:core/v1:PersistentVolumeClaim"
_STATEFUL_SET = "kubernetes:apps/v1:StatefulSet"
_READ = {_SYSTEM, _PROVIDER, _NAMESPACE, _CLAIM, _STATEFUL_SET}


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """The part of the state that holds data."""

    cluster: str | None = None
    """The uid of kube-system in the cluster of the last update; None where no account could read it."""
    system: str | None = None
    """The entry's name at the last update."""
    namespace: Json | None = None
    """``metadata`` of the namespace that the stack owns."""
    claims: Mapping[str, Json] = field(default_factory=dict[str, Json])
    """``spec`` of each PersistentVolumeClaim as it was declared, by its name."""
    stateful_sets: frozenset[str] = frozenset()
    delivery: Json = field(default_factory=dict[str, Any])
    """The output ``delivery``: what each slot ran."""

    def ran(self, entry: CatalogueEntry) -> dict[str, dict[SlotName, Ran]]:
        """Return what each slot ran, by service."""
        return {name: ran({"delivery": self.delivery}, name) for name in entry.services}


def read() -> Recorded:
    """Read the state of the stack that is being previewed or updated.

    Raises:
        ConfigurationError: the engine cannot read it.
    """
    stack = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    outputs = _outputs(_invoked("pulumi:pulumi:readStackOutputs", "name", stack))
    # An engine that is asked for the resources of a stack which was never deployed ends with a nil dereference.
    if not outputs.fields:
        return Recorded()
    resources = _outputs(_invoked("pulumi:pulumi:readStackResourceOutputs", "stackName", stack))
    cluster = outputs.fields[CLUSTER_OUTPUT].string_value if CLUSTER_OUTPUT in outputs.fields else ""
    found = recorded(cluster or None, list(_of_interest(resources)))
    delivery = outputs.fields["delivery"].struct_value if "delivery" in outputs.fields else Struct()
    return replace(found, delivery=cast("Json", MessageToDict(delivery)))


def recorded(cluster: str | None, resources: list[tuple[str, str, Json]]) -> Recorded:
    """Sort (type, URN, outputs) of resources by what they hold."""
    return Recorded(
        cluster=cluster,
        system=next((urn.rpartition("::")[2] for kind, urn, _ in resources if kind == _SYSTEM), None),
        namespace=next((outputs["metadata"] for kind, _, outputs in resources if kind == _NAMESPACE), None),
        claims={
            outputs["metadata"]["name"]: outputs.get("__inputs", outputs)["spec"]
            for kind, _, outputs in resources
            if kind == _CLAIM
        },
        stateful_sets=frozenset(outputs["metadata"]["name"] for kind, _, outputs in resources if kind == _STATEFUL_SET),
    )


def _of_interest(resources: Struct) -> Iterator[tuple[str, str, Json]]:
    """Convert only what is asked for: outputs of a large stack are megabytes."""
    for urn, value in resources.fields.items():
        kind = value.struct_value.fields["type"].string_value
        if kind in _READ:
            yield kind, urn, cast("Json", MessageToDict(value.struct_value.fields["outputs"].struct_value))


def _outputs(answer: Struct) -> Struct:
    return answer.fields["outputs"].struct_value


def _invoked(token: str, key: str, stack: str) -> Struct:
    arguments = Struct()
    arguments.update({key: stack})
    try:
        answer: Any = cast("Any", get_monitor()).Invoke(
            resource_pb2.ResourceInvokeRequest(tok=token, args=arguments, acceptResources=False)
        )
    except grpc.RpcError as error:
        raise ConfigurationError(
            [f"stack {stack}: its state cannot be read: {cast('Any', error).details()}"]
        ) from error
    return cast("Struct", getattr(answer, "return"))
