"""Waits for a workload's new pods where Pulumi's own wait has ended before the cluster looked at the change.

pulumi-kubernetes 4.25 may take an object that has the new spec and the status from before it for the end of a rollout:
of a StatefulSet nearly always (mended in its pull request 4094), of a Deployment where the list that it starts from is
a moment old. Its outputs tell: ``status.observedGeneration`` is behind ``metadata.generation``. The state keeps them
until the workload changes again, so that the next update looks again, as it does after a rollout that failed.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import pulumi
import pulumi_kubernetes as k8s

from components import labels
from components.reasons import PodSource, reasons

_LOOK_SECONDS = 0.5

Json = Mapping[str, Any]
Workload = k8s.apps.v1.Deployment | k8s.apps.v1.StatefulSet


class WorkloadSource(PodSource, Protocol):
    """Where workloads are looked up, and their pods."""

    def workload(self, kind: str, namespace: str, name: str) -> Json:
        """Give a Deployment or StatefulSet as the API server's JSON."""
        ...


def rolled_out(workload: Workload, source: WorkloadSource, seconds: int) -> pulumi.Input[pulumi.Resource]:
    """Give the workload once its pods run what was declared; what depends on it comes after that.

    Where they do not within these seconds, the update fails with the pods' own reasons.
    """
    if pulumi.runtime.is_dry_run():
        return workload  # a preview's outputs are the new spec with the status from before, always

    async def proven(seen: list[Any]) -> Workload:
        metadata, status = seen
        if status is not None and (status.get("observed_generation") or 0) < metadata["generation"]:
            pulumi.log.info("the cluster had not looked at it yet; waiting for its new pods", workload)
            await _wait(_Rollout(source, type(workload).__name__, metadata["namespace"], metadata["name"]), seconds)
        return workload

    return pulumi.Output.all(workload.metadata, workload.status).apply(proven)


async def _wait(rollout: "_Rollout", seconds: int) -> None:
    deadline = time.monotonic() + seconds
    # One look at a time goes to a thread: a program that something else ends must not stay for the whole rollout.
    while not await asyncio.to_thread(rollout.complete):
        if time.monotonic() > deadline:
            raise pulumi.RunError(f"{rollout}: not rolled out within {seconds} s: {rollout.why()}")
        await asyncio.sleep(_LOOK_SECONDS)


@dataclass
class _Rollout:
    source: WorkloadSource
    kind: str
    namespace: str
    name: str
    _found: Json = field(default_factory=dict[str, Any])
    _trouble: str = ""
    """Why it could not be looked up the last time."""

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"

    def complete(self) -> bool:
        try:
            self._found, self._trouble = self.source.workload(self.kind, self.namespace, self.name), ""
        except Exception as error:  # noqa: BLE001 -- an API server that is away for a moment fails nobody's rollout
            self._trouble = " ".join(str(error).split())
            return False
        return _complete(self.kind, self._found)

    def why(self) -> str:
        if self._trouble:
            return self._trouble
        wanted = labels.chosen_by(self._found["spec"]["selector"]["matchLabels"])
        return "; ".join(reasons(self.source, self.namespace, wanted)) or "no pod of it says why; look at its events"


def _complete(kind: str, found: Json) -> bool:
    status: Json = found.get("status", {})
    if status.get("observedGeneration", 0) < found["metadata"]["generation"]:
        return False
    if kind == "StatefulSet":
        ready = status.get("readyReplicas", 0) >= found["spec"]["replicas"]
        return ready and status.get("currentRevision") == status.get("updateRevision")
    # What the controller says at the end of a rollout, which a pod that an autoscaler adds later does not take back. On
    # the way to a template that it has had before it says so too until the first pod is there: no other may be left.
    progress = [one["reason"] for one in status.get("conditions", []) if one["type"] == "Progressing"]
    return progress == ["NewReplicaSetAvailable"] and status.get("replicas") == status.get("updatedReplicas")
