"""Decide when waiting for a Deployment's pods is hopeless, so that an update fails at once instead of at its timeout.

The rules err on the side of waiting. A cause that can pass by itself (a service that is not up yet, a registry that
does not answer, a node that is about to join) never ends a wait early. What happened before the wait began is no
evidence: the cause may have been removed, and the controllers and the kubelet retry only after minutes.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from components.reasons import ended, state, stuck
from components.remedies import remedy
from components.workload_pods import Json, Pod, WorkloadPods, is_ready

HOLD_SECONDS = 10.0
"""How long the API server must refuse a pod or a registry an image: quotas and permissions take effect with a delay."""
_SURE_EXITS, _EXITS = 3, 4
"""Ends of a container with the same exit: of a cause that only a change removes, and of any other cause (three
restarts)."""
_OTHERS_SECONDS = 30.0
"""How long a crash of any other cause is waited for: a service that the container needs may come up. With the kubelet's
default back-off, three restarts take about as long."""
_ELSEWHERE = re.compile(
    r"[Cc]onnection ?([Rr]efused|[Rr]eset|[Ee]rror)|[Nn]ame or service not known|name resolution|no such host|"
    r"[Tt]imed? ?out|[Nn]o route to host|[Uu]nreachable|[Uu]navailable|ConnectError|ECONNREFUSED|ENOTFOUND|50[234]\b"
)
"""Errors of a container that waits for another service."""
_IMAGE = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull")
_UNMADE = ("CreateContainerError", "CreateContainerConfigError")
_COUNTS = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")


@dataclass(frozen=True)
class Questions:
    """What the rules ask only when the answer matters, because each costs requests."""

    explain: Callable[[Pod], str]
    """Return why a pod is not ready."""
    leaving: Callable[[], bool]
    """Return whether any pod of the namespace terminates and is about to free its share of the quota."""


@dataclass
class Patience:
    """What one wait has seen so far."""

    _began: float | None = None
    _progressed: float = 0.0
    _counts: tuple[object, ...] = ()
    _late: bool = False
    """Whether the progress deadline had passed before the wait began."""
    _refused: tuple[object, ...] = ()
    """The newest refusal before the wait began, before the last progress, or while other pods made room."""
    _since: dict[str, float] = field(default_factory=dict[str, float])
    """When each doubt arose that holds since then."""
    _unpullable: set[str] = field(default_factory=set[str])
    """Containers whose registry refused the image for good. The back-off's message does not repeat the reason."""
    _exits: dict[tuple[str, str], dict[int, tuple[object, object]]] = field(
        default_factory=dict[tuple[str, str], dict[int, tuple[object, object]]]
    )
    """Exit codes and reasons by the number of the exit, of each pod's containers."""
    _old: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])
    """Number of exits before the wait began."""

    def hopeless(self, now: float, deployment: Json, seen: WorkloadPods, ask: Questions) -> str:
        """Return why waiting longer does not help, or an empty string.

        Args:
            now: Seconds of a monotonic clock.
            deployment: The Deployment. Its status must be that of its newest generation.
            seen: What exists of its newest template.
            ask: Answers to further questions.
        """
        first = self._began is None
        self._note(now, deployment, seen)
        self._count_exits(seen.pods, old=first)
        if first:
            return ""
        held = set(self._doubts(seen, ask))
        self._since = {doubt: self._since.get(doubt, now) for doubt in sorted(held)}
        for doubt, since in self._since.items():
            if now - since >= HOLD_SECONDS:
                return doubt
        return self._crashes(now, seen.pods, ask) or self._too_late(now, deployment)

    def _note(self, now: float, deployment: Json, seen: WorkloadPods) -> None:
        counts = tuple(deployment["status"].get(key, 0) for key in _COUNTS)
        if self._began is None:
            self._began, self._late = now, _exceeded(deployment)
        if counts != self._counts:
            self._counts, self._progressed, self._refused = counts, now, seen.refused
            self._since.clear()

    def _doubts(self, seen: WorkloadPods, ask: Questions) -> Iterator[str]:
        if self._refuses(seen, ask):
            yield "the cluster refuses its pods"
        for pod, container in _containers(seen.pods):
            waiting: Json = state(container).get("waiting") or {}
            known = f"{pod['metadata']['uid']} {container['name']}"
            found = remedy(stuck(container))
            if waiting.get("reason") in _IMAGE and (known in self._unpullable or (found and found.final)):
                self._unpullable.add(known)
                yield f"the image of container {container['name']} cannot be pulled"
            elif waiting.get("reason") in _UNMADE and found and found.final:
                yield f"container {container['name']} cannot be created"

    def _refuses(self, seen: WorkloadPods, ask: Questions) -> bool:
        """Return whether a try of this wait was refused for good."""
        found = remedy(seen.refusal)
        if not seen.refusal or seen.refused == self._refused or not (found and found.final):
            return False
        if "quota" in seen.refusal and ask.leaving():
            self._refused = seen.refused
            return False
        return True

    def _count_exits(self, pods: list[Pod], *, old: bool) -> None:
        for pod, container in _containers(pods):
            last, key = ended(container), (pod["metadata"]["uid"], container["name"])
            if not last or container.get("ready"):  # an init container that has finished is ready
                continue
            runs = state(container).get("running") is not None
            number = int(container.get("restartCount", 0)) + (not runs)
            self._exits.setdefault(key, {})[number] = (last.get("exitCode"), last.get("reason"))
            if old:
                self._old[key] = number

    def _crashes(self, now: float, pods: list[Pod], ask: Questions) -> str:
        if any(map(is_ready, pods)):
            return ""  # the version can run, so the cause may lie in one node
        for pod, container in _containers(pods):
            key = (pod["metadata"]["uid"], container["name"])
            exits = self._exits.get(key, {})
            number = max(exits, default=0)
            if number < _SURE_EXITS or number <= self._old.get(key, 0) or len(set(exits.values())) > 1:
                continue
            reason = ask.explain(pod)
            found = remedy(reason)
            often = number >= _EXITS and self._began is not None and now - self._began >= _OTHERS_SECONDS
            if (found and found.final) or (often and not _ELSEWHERE.search(reason)):
                return f"container {container['name']} ended {number} times with the same exit"
        return ""

    def _too_late(self, now: float, deployment: Json) -> str:
        """Return that the progress deadline has passed. If it had before this wait, it begins again with this wait."""
        seconds = deployment["spec"].get("progressDeadlineSeconds", 0)
        if _exceeded(deployment) and (not self._late or now - self._progressed > seconds):
            return f"no progress within rollout.progressDeadline {seconds} s"
        self._late = self._late and _exceeded(deployment)
        return ""


def _exceeded(deployment: Json) -> bool:
    conditions: list[Json] = deployment["status"].get("conditions", [])
    return any(one.get("reason") == "ProgressDeadlineExceeded" for one in conditions)


def _containers(pods: list[Pod]) -> Iterator[tuple[Pod, Json]]:
    for pod in pods:
        status = pod.get("status", {})
        for container in (*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])):
            yield pod, container
