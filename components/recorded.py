"""Read what the state records about the last update, before the first resource is registered.

The engine plans deletions and replacements from the state, so only the state shows what an update would lose. The two
look-ups are built-in functions of the engine (pulumi/pkg, ``resource/deploy/builtins.go``). Unlike a StackReference,
they add no resource to the state.
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
"""The stack output that contains the uid of the cluster's namespace kube-system."""
_SYSTEM = "slipway:components:System"
_PROVIDER = "pulumi:providers:kubernetes"
_NAMESPACE = "kubernetes:core/v1:Namespace"
_CLAIM = "kubernetes:core/v1:PersistentVolumeClaim"
_STATEFUL_SET = "kubernetes:apps/v1:StatefulSet"
_READ = {_SYSTEM, _PROVIDER, _NAMESPACE, _CLAIM, _STATEFUL_SET}


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """The parts of the state that the program reads."""

    cluster: str | None = None
    """The uid of kube-system in the cluster of the last update; None if no account could read it."""
    system: str | None = None
    """The entry's name at the last update."""
    namespace: Json | None = None
    """``metadata`` of the namespace that the stack owns."""
    claims: Mapping[str, Json] = field(default_factory=dict[str, Json])
    """The declared ``spec`` of each PersistentVolumeClaim, by name."""
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
    # The engine crashes with a nil dereference if it reads the resources of a stack that was never deployed.
    if not outputs.fields:
        return Recorded()
    resources = _outputs(_invoked("pulumi:pulumi:readStackResourceOutputs", "stackName", stack))
    cluster = outputs.fields[CLUSTER_OUTPUT].string_value if CLUSTER_OUTPUT in outputs.fields else ""
    found = recorded(cluster or None, list(_of_interest(resources)))
    delivery = outputs.fields["delivery"].struct_value if "delivery" in outputs.fields else Struct()
    return replace(found, delivery=cast("Json", MessageToDict(delivery)))


def recorded(cluster: str | None, resources: list[tuple[str, str, Json]]) -> Recorded:
    """Build the record from the (type, URN, outputs) of resources."""
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
    """Convert only the kinds in ``_READ``: the outputs of a large stack take megabytes."""
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
            [f"stack {stack}: cannot read the state ({cast('Any', error).details()}); check the state backend"]
        ) from error
    return cast("Struct", getattr(answer, "return"))
