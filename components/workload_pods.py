"""Read a workload's newest ReplicaSet, its pods, and the events about them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Json = Mapping[str, Any]
Pod = Json

_REVISION = "deployment.kubernetes.io/revision"
_HASH = "pod-template-hash"


class PodSource(Protocol):
    """The source of pods, of the objects that create them, and of events and logs."""

    def pods(self, namespace: str, selector: str) -> Sequence[Pod]:
        """Return pods as the API server's JSON."""
        ...

    def replica_sets(self, namespace: str, selector: str) -> Sequence[Json]:
        """Return ReplicaSets as the API server's JSON."""
        ...

    def warnings(self, namespace: str, kind: str, name: str) -> Sequence[Json]:
        """Return the events of type Warning about an object and the kills of its containers, the newest last."""
        ...

    def log(self, namespace: str, pod: str, container: str, *, previous: bool) -> str:
        """Return a container's last log lines, or those of its previous run; an empty string if there are none."""
        ...


@dataclass(frozen=True)
class Creator:
    """The object that creates a workload's pods: a ReplicaSet, a StatefulSet or a Job."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, kw_only=True)
class WorkloadPods:
    """The pods of a workload's newest template, and why there are not more."""

    creator: Creator | None
    """None: the controller has created no ReplicaSet."""
    pods: list[Pod]
    """Without pods that terminate."""
    refusal: str
    """Why the API server refuses to create further pods, or an empty string."""
    refused: tuple[object, ...] = ()
    """Identifies the newest refusal, so that a later one differs."""


def read_pods(source: PodSource, namespace: str, selector: str, creator: Creator | None = None) -> WorkloadPods:
    """Return the pods of a workload's newest template. Raises as the source does.

    Args:
        source: The source of pods and events.
        namespace: The workload's namespace.
        selector: Selects the workload's pods.
        creator: The object that creates the pods. None: the newest ReplicaSet of the selector.
    """
    newest = None if creator else _newest(source.replica_sets(namespace, selector))
    pods = [pod for pod in source.pods(namespace, selector) if not pod["metadata"].get("deletionTimestamp")]
    if newest is not None:
        creator = Creator("ReplicaSet", newest["metadata"]["name"])
        wanted = _labels(newest).get(_HASH)
        pods = [pod for pod in pods if _labels(pod).get(_HASH) == wanted]
        fails = any(_is_failure(one) for one in newest.get("status", {}).get("conditions", []))
    else:
        fails = not pods  # the other controllers set no such condition
    warnings: Sequence[Json] = source.warnings(namespace, creator.kind, creator.name) if creator and fails else ()
    events = [one for one in warnings if one.get("reason") == "FailedCreate"]
    if not events:
        return WorkloadPods(creator=creator, pods=pods, refusal="")
    last = events[-1]
    said = one_line(last.get("message")).removeprefix("Error creating: ")
    return WorkloadPods(
        creator=creator, pods=pods, refusal=said, refused=(last["metadata"]["name"], last.get("count"), when(last))
    )


def is_ready(pod: Pod) -> bool:
    """Return whether a pod is ready."""
    return condition(pod, "Ready").get("status") == "True"


def condition(found: Json, kind: str) -> Json:
    """Return an object's condition of a type, or an empty mapping."""
    conditions: list[Json] = found.get("status", {}).get("conditions", [])
    return next((one for one in conditions if one["type"] == kind), dict[str, Any]())


def one_line(said: object) -> str:
    """Return a text on one line; an empty string for None."""
    return " ".join(str(said or "").split())


def when(event: Json) -> str:
    """Return the time of an event's last occurrence, in the API's format, which sorts by time."""
    series: Json = event.get("series") or {}
    return str(series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime") or "")


def _newest(sets: Sequence[Json]) -> Json | None:
    def revision(one: Json) -> int:
        annotations: Json = one["metadata"].get("annotations", {})
        return int(annotations.get(_REVISION, 0))

    return max(sets, key=revision, default=None)


def _labels(found: Json) -> Mapping[str, str]:
    return found["metadata"].get("labels", {})


def _is_failure(condition: Json) -> bool:
    return condition.get("type") == "ReplicaFailure" and condition.get("status") == "True"
