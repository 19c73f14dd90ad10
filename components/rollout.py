"""Wait for a workload's new pods if Pulumi's own wait ended before the controller observed the change.

pulumi-kubernetes 4.25 may treat an object with the new spec and the old status as a finished rollout. This happens
nearly always for a StatefulSet (fixed in its pull request 4094), and for a Deployment if the list that the wait starts
from is slightly out of date. The outputs show it: ``status.observedGeneration`` is behind ``metadata.generation``. The
state keeps these outputs until the workload changes again, so the next update checks again, also after a failed
rollout.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Any, Protocol

import pulumi

from components import labels
from components.reasons import Json, PodSource, reasons

_LOOK_SECONDS = 0.5


class Workload(pulumi.CustomResource):
    """A Deployment or a StatefulSet."""

    metadata: pulumi.Output[Json]
    status: pulumi.Output[Json | None]

    def __init__(self, token: str, name: str, properties: Json, opts: pulumi.ResourceOptions) -> None:
        super().__init__(token, name, {**properties, "status": None}, opts)


class WorkloadSource(PodSource, Protocol):
    """The source of workloads and their pods."""

    def workload(self, kind: str, namespace: str, name: str) -> Json:
        """Return a Deployment or StatefulSet as the API server's JSON."""
        ...


def rolled_out(workload: Workload, kind: str, source: WorkloadSource, seconds: int) -> pulumi.Input[pulumi.Resource]:
    """Return the workload once its pods run the declared spec, so that dependent resources wait for the rollout.

    If the rollout takes longer than ``seconds``, the update fails with the pods' own reasons.
    """
    if pulumi.runtime.is_dry_run():
        return workload  # a preview's outputs always combine the new spec with the old status

    async def proven(seen: list[Any]) -> Workload:
        metadata, status = seen
        if status is not None and (status.get("observedGeneration") or 0) < metadata["generation"]:
            pulumi.log.info(
                "Pulumi reported this workload as ready before the cluster observed the change; waiting for its pods",
                workload,
            )
            await _wait(_Rollout(source, kind, metadata["namespace"], metadata["name"]), seconds)
        return workload

    return pulumi.Output.all(workload.metadata, workload.status).apply(proven)


async def _wait(rollout: "_Rollout", seconds: int) -> None:
    deadline, last = time.monotonic() + seconds, False
    # Run each check in a thread: a program that ends for another reason must not wait for the whole rollout.
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
        """Return what the rollout lacks, or an empty string. The pods' own reasons cost a few more requests."""
        try:
            found = self.source.workload(self.kind, self.namespace, self.name)
            if _complete(self.kind, found):
                return ""
            wanted = labels.label_selector(found["spec"]["selector"]["matchLabels"])
            said = reasons(self.source, self.namespace, wanted) if explained else ()
            return "; ".join(said) or "no pod reports a reason; look at the workload's events"
        except Exception as error:  # noqa: BLE001 -- a short outage of the API server must not fail a rollout
            return " ".join(str(error).split())


def _complete(kind: str, found: Json) -> bool:
    status: Json = found.get("status", {})
    if status.get("observedGeneration", 0) < found["metadata"]["generation"]:
        return False
    if kind == "StatefulSet":
        ready = status.get("readyReplicas", 0) >= found["spec"]["replicas"]
        return ready and status.get("currentRevision") == status.get("updateRevision")
    # The controller sets this reason at the end of a rollout. A pod that an autoscaler adds later does not reset it. If
    # the template returns to an earlier one, the reason remains set until the first new pod exists. The rollout is
    # therefore complete only if no pod of another template is left.
    progress = [one["reason"] for one in status.get("conditions", []) if one["type"] == "Progressing"]
    return progress == ["NewReplicaSetAvailable"] and status.get("replicas") == status.get("updatedReplicas")
