"""Waits for a workload's new pods where Pulumi's own wait has ended before the cluster looked at the change.

pulumi-kubernetes 4.25 may take an object that has the new spec and the status from before it for the end of a rollout:
of a StatefulSet nearly always (mended in its pull request 4094), of a Deployment where the list that it starts from is
a moment old. Its outputs tell: ``status.observedGeneration`` is behind ``metadata.generation``. The state keeps them
until the workload changes again, so that the next update looks again, as it does after a rollout that failed.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Any, Protocol

import pulumi
import pulumi_kubernetes as k8s

from components import labels
from components.reasons import Json, PodSource, reasons

_LOOK_SECONDS = 0.5

Workload = k8s.apps.v1.Deployment | k8s.apps.v1.StatefulSet


class WorkloadSource(PodSource, Protocol):
    """Where workloads are looked up, and their pods."""

    def workload(self, kind: str, namespace: str, name: str) -> Json:
        """Return a Deployment or StatefulSet as the API server's JSON."""
        ...


def rolled_out(workload: Workload, source: WorkloadSource, seconds: int) -> pulumi.Input[pulumi.Resource]:
    """Return the workload once its pods run what was declared; what depends on it comes after that.

    Where they do not within these seconds, the update fails with the pods' own reasons.
    """
    if pulumi.runtime.is_dry_run():
        return workload  # a preview's outputs are the new spec with the status from before, always

    async def proven(seen: list[Any]) -> Workload:
        metadata, status = seen
        if status is not None and (status.get("observed_generation") or 0) < metadata["generation"]:
            pulumi.log.info("Pulumi called it done before the cluster had looked at it: waiting for its pods", workload)
            await _wait(_Rollout(source, type(workload).__name__, metadata["namespace"], metadata["name"]), seconds)
        return workload

    return pulumi.Output.all(workload.metadata, workload.status).apply(proven)


async def _wait(rollout: "_Rollout", seconds: int) -> None:
    deadline, last = time.monotonic() + seconds, False
    # One look at a time goes to a thread: a program that something else ends must not stay for the whole rollout.
    while lacking := await asyncio.to_thread(rollout.lacking, explained=last):
        if last:
            raise pulumi.RunError(f"{rollout}: not rolled out within {seconds} s: {lacking}")
        await asyncio.sleep(_LOOK_SECONDS)
        last = time.monotonic() > deadline


@dataclass(frozen=True)
class _Rollout:
    source: WorkloadSource
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"

    def lacking(self, *, explained: bool) -> str:
        """Say what it lacks, nothing where it is complete; the pods' own reasons cost a few more questions."""
        try:
            found = self.source.workload(self.kind, self.namespace, self.name)
            if _complete(self.kind, found):
                return ""
            wanted = labels.label_selector(found["spec"]["selector"]["matchLabels"])
            said = reasons(self.source, self.namespace, wanted) if explained else ()
            return "; ".join(said) or "no pod of it says why; look at its events"
        except Exception as error:  # noqa: BLE001 -- an API server that is away for a moment fails nobody's rollout
            return " ".join(str(error).split())


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
