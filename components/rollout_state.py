"""The state of one rollout: complete, hopeless, or neither, and why."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from components import labels
from components.patience import Patience, Questions
from components.reasons import explained, unready
from components.workload_pods import Creator, Json, Pod, PodSource, WorkloadPods, one_line, read_pods

_GONE_SECONDS = 5.0
"""How long a workload may be missing: somebody may delete it and create it again."""


class WorkloadSource(PodSource, Protocol):
    """The source of workloads and their pods."""

    def workloads(self, kind: str, namespace: str) -> Mapping[str, Json]:
        """Return all Deployments or StatefulSets of a namespace by name, as the API server's JSON."""
        ...


@dataclass(eq=False)
class Rollout:
    """One workload whose pods the update waits for."""

    source: WorkloadSource
    kind: str
    namespace: str
    name: str
    strict: bool = False
    """Whether the declared number of pods must be available: this update declares it and has changed the Deployment."""
    _patience: Patience = field(default_factory=Patience)
    _missing: float | None = None

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"

    def complete(self, found: Json | None) -> bool:
        """Return whether the pods run the declared spec."""
        if found is None or not _observed(found):
            return False
        if self.kind == "StatefulSet":
            status: Json = found["status"]
            ready = status.get("readyReplicas", 0) >= found["spec"]["replicas"]
            return ready and status.get("currentRevision") == status.get("updateRevision")
        return _complete(found, strict=self.strict)

    def ended(self, now: float, found: Json | None, trouble: str) -> str:
        """Return what ends the wait, as the end of a sentence, or an empty string: it was deleted or is paused."""
        if found is None and not trouble:
            self._missing = now if self._missing is None else self._missing
            if now - self._missing < _GONE_SECONDS:
                return ""
            return "does not exist, but Pulumi's state has it; pulumi up --refresh creates it again"
        self._missing = None
        if found is not None and found["spec"].get("paused") and _observed(found):
            return f"is paused: kubectl rollout resume -n {self.namespace} {self.kind.lower()}/{self.name}"
        return ""

    def hopeless(self, now: float, found: Json | None) -> str:
        """Return why the rollout is hopeless, as the end of a sentence, or an empty string.

        This costs three or more requests.
        """
        if found is None or not _observed(found) or self.kind != "Deployment":
            return ""
        try:
            why = self._patience.hopeless(now, found, self._pods(found), Questions(self._explain, self._leaving))
        except Exception:  # noqa: BLE001 -- a short outage of the API server must not fail a rollout
            return ""
        return f"was not rolled out, and waiting longer does not help ({why})" if why else ""

    def failures(self, why: str, found: Json | None, trouble: str) -> list[str]:
        """Return one line for each reason why the pods are not ready.

        Args:
            why: Why the wait ended, as the end of a sentence about the workload. It is part of the first line.
            found: The workload, if it exists.
            trouble: Why the workload cannot be read, or an empty string.
        """
        said = [trouble] if trouble else []
        try:
            if found is not None:
                said += explained(self.source, self.namespace, self._pods(found))
                said += _creation_fault(found)
        except Exception as error:  # noqa: BLE001 -- a failed explanation must not hide the failure itself
            said.append(one_line(error))
        if found is not None and not said:
            said = ["no pod reports a reason; look at the workload's events"]
        if not said:
            return [f"{self} {why}"]
        return [f"{self} {why}: {said[0]}", *(f"{self}: {one}" for one in said[1:])]

    def _pods(self, found: Json) -> WorkloadPods:
        selector = labels.label_selector(found["spec"]["selector"]["matchLabels"])
        creator = None if self.kind == "Deployment" else Creator(self.kind, self.name)
        return read_pods(self.source, self.namespace, selector, creator)

    def _explain(self, pod: Pod) -> str:
        return "; ".join(unready(self.source, self.namespace, pod))

    def _leaving(self) -> bool:
        return any(pod["metadata"].get("deletionTimestamp") for pod in self.source.pods(self.namespace, ""))


def _observed(found: Json) -> bool:
    """Return whether the status is about the newest spec. Any other status is about the pods before the change."""
    return found.get("status", {}).get("observedGeneration", 0) >= found["metadata"]["generation"]


def _complete(found: Json, *, strict: bool) -> bool:
    status: Json = found["status"]
    # The controller sets this reason at the end of a rollout. A pod that an autoscaler adds later does not reset it. If
    # the template returns to an earlier one, the reason remains set until the first new pod exists. The rollout is
    # therefore complete only if no pod of another template is left.
    progress = [one["reason"] for one in status.get("conditions", []) if one["type"] == "Progressing"]
    level = status.get("replicas") == status.get("updatedReplicas")
    paused = bool(found["spec"].get("paused"))  # replaces the reason, also after a complete rollout
    # A larger declared number does not reset the reason either.
    enough = not (strict or paused) or status.get("availableReplicas", 0) >= found["spec"]["replicas"]
    return (paused or progress == ["NewReplicaSetAvailable"]) and level and enough


def _creation_fault(found: Json) -> list[str]:
    """Return why the controller cannot create a ReplicaSet, if it cannot."""
    conditions: list[Json] = found.get("status", {}).get("conditions", [])
    failed = [one for one in conditions if one.get("reason") == "ReplicaSetCreateError"]
    return [f"{one['reason']}: {one_line(one.get('message'))}" for one in failed]
