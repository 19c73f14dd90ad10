"""A cluster with namespaces, and the state of a stack deployed there, by the rules of API server and engine."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from components.api_server import ApiServer, Away, Forbidden
from tests.recording import Recorded, State, run_main
from tests.samples import CLUSTER, Config

ELSEWHERE = "9f3e1111-2222-4333-8444-555566667777"
"""The uid of kube-system in another cluster."""
OWN = "aaaa0000-1111-4222-8333-444455556666"
"""The uid of a stack's own namespace."""


@dataclass
class Cluster:
    """Namespaces by name; an account may be forbidden to read some, and the API server may be away."""

    uid: str = CLUSTER
    namespaces: dict[str, Config] = field(default_factory=dict[str, Config])
    """``metadata`` of each."""
    inside: list[tuple[str, Config]] = field(default_factory=list[tuple[str, Config]])
    """Kind and ``metadata`` of the objects in the stack's namespace."""
    forbidden: frozenset[str] = frozenset()
    away: bool = False

    def namespace(self, name: str) -> Config | None:
        """Answer as :class:`ApiServer` does."""
        if self.away:
            raise Away("connection refused")
        if name in self.forbidden:
            raise Forbidden
        found = {"kube-system": {"uid": self.uid}, **self.namespaces}.get(name)
        return None if found is None else {"metadata": {"name": name, **found}}

    def objects(self, namespace: str) -> list[tuple[str, Config]]:
        """Answer as :class:`ApiServer` does."""
        return self.inside if namespace in self.namespaces else []

    def reached(self, patch: pytest.MonkeyPatch) -> "Cluster":
        """Have every context reach this cluster."""
        patch.setattr(ApiServer, "namespace", self.namespace)
        patch.setattr(ApiServer, "objects", self.objects)
        return self


def theirs(stack: str = "dev", system: str = "classifier", uid: str = OWN) -> Config:
    """``metadata`` of the namespace that a stack owns."""
    return {"uid": uid, "labels": {"slipway.dev/stack": stack, "app.kubernetes.io/part-of": system}}


def state_of(run: Recorded, *, cluster: str | None = CLUSTER, uid: str = OWN) -> State:
    """Return the state after a run: what the API server made of each object, and what was asked for.

    Without a cluster it is the state of a version that did not record it.
    """
    resources: dict[str, dict[str, Any]] = {}
    for one in run.resources:
        made: dict[str, Any] = dict(one.inputs)
        if one.custom and "metadata" in made:
            made = {**made, "metadata": {**made["metadata"], "uid": uid}, "__inputs": one.inputs}
        if one.kind == "PersistentVolumeClaim":  # the default class is filled in by the API server
            made["spec"] = {"storageClassName": "standard", **made["spec"]}
        resources[one.urn] = {"type": one.type, "outputs": made}
    outputs = {key: value for key, value in run.outputs.items() if key != "cluster"}
    return State({**outputs, **({"cluster": cluster} if cluster else {})}, resources)


def deployed_state(config: Config, stack: str = "dev", **changes: Any) -> State:
    """Return the state after the first update of a stack to an empty cluster."""
    with pytest.MonkeyPatch.context() as patch:
        Cluster().reached(patch)
        return state_of(run_main(config, stack=stack), **changes)
