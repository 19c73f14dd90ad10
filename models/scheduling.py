"""Where a service's pods may run, and where they preferably run."""

from typing import Literal, Self

from pydantic import Field, model_validator

from models.base import Model
from models.vocabulary import LabelKey, LabelValue, SubdomainName


class Toleration(Model):
    """A taint that the pods tolerate."""

    key: LabelKey = Field(description="key of the taint", examples=["nvidia.com/gpu"])
    value: LabelValue | None = Field(default=None, description="none = any value of the taint")
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] = Field(
        default="NoSchedule", description="effect of the taint"
    )


class NodeAffinity(Model):
    """Required and preferred node labels, each with its accepted values."""

    required: dict[LabelKey, tuple[LabelValue, ...]] = Field(
        default_factory=dict, description="a node must match all of them", examples=[{"gpu.example.com/model": ["L4"]}]
    )
    preferred: dict[LabelKey, tuple[LabelValue, ...]] = Field(
        default_factory=dict,
        description="nodes to prefer, if possible",
        examples=[{"topology.kubernetes.io/zone": ["a"]}],
    )

    @model_validator(mode="after")
    def _values_given(self) -> Self:
        empty = [key for key, values in (*self.required.items(), *self.preferred.items()) if not values]
        if empty:
            raise ValueError(f"{', '.join(empty)}: no value is set, so no node would match; list at least one")
        return self


class Scheduling(Model):
    """Placement of both slots' pods."""

    node_selector: dict[LabelKey, LabelValue] = Field(
        default_factory=dict, description="labels that a node must have, such as an accelerator's model"
    )
    node_affinity: NodeAffinity = NodeAffinity()
    tolerations: tuple[Toleration, ...] = ()
    priority_class: SubdomainName | None = Field(default=None, description="an existing PriorityClass of the cluster")
    runtime_class: SubdomainName | None = Field(
        default=None, description="RuntimeClass, such as nvidia; none = the node's default"
    )
    apart: Literal["preferred", "required"] | None = Field(
        default=None, description="pod anti-affinity: one replica of a slot per node"
    )
    spread: tuple[Literal["node", "zone"], ...] = Field(
        default=("node",), description="domains over which replicas are spread, if possible"
    )

    @model_validator(mode="after")
    def _each_domain_once(self) -> Self:
        if len(set(self.spread)) != len(self.spread):
            raise ValueError("spread names a domain twice, which the API server refuses; remove one")
        return self
