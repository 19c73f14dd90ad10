"""A cluster that runs one Deployment by the rules of its controllers and the kubelet, on a clock of the test's own.

The ReplicaSet controller tries again after 5 ms, 10 ms, 20 ms, and so on. The kubelet restarts a container at once,
then after 10 s, 20 s, and so on, up to 300 s, and shows the back-off as ``waiting`` with the end in ``lastState``.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

NAMESPACE, NAME = "shop-dev", "web-blue"
_TICK = 0.25
_MOST_BACK_OFF = 300.0
_PULL_BACK_OFF = 10.0
_SYNC = 1.0
"""The kubelet notices an end within a second."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """What a container does, in each of its runs."""

    ready_after: float | None = None
    ends_after: float | None = None
    code: int = 1
    reason: str = "Error"
    log: str = ""
    probe: str = ""
    """The message of its failed probes."""
    back_off: float = 10.0
    """The kubelet's first back-off, which its configuration may shorten."""
    recovers: int | None = None
    """From this run on, it becomes ready after a second instead."""


@dataclass
class Container:
    """One pod's container."""

    uid: str
    run: int = 0
    began: float = 0.0
    ended: float | None = None
    last: Json | None = None


def never(_: float) -> str:
    """Refuse no pod."""
    return ""


@dataclass
class Cluster:
    """The API server in front of the Deployment ``web-blue``."""

    clock: Callable[[], float]
    server: Server = Server(ready_after=1.0)
    replicas: int = 1
    deadline: int = 120
    refuses: Callable[[float], str] = never
    """Return why admission refuses a pod at this time, or an empty string."""
    image: str = ""
    """Why the registry gives no image."""
    unschedulable: str = ""
    began: float = 0.0
    """When the newest template was declared; earlier than 0 if before the update."""
    leaving: float = 0.0
    """Until when a pod of another workload terminates."""
    logs_read: list[bool] = field(default_factory=list[bool])
    requests: int = 0
    _now: float | None = None
    _pods: list[Container] = field(default_factory=list[Container])
    _tries: int = 0
    _next: float = 0.0
    _refusal: str = ""
    _events: list[Json] = field(default_factory=list[Json])
    _progress: float = 0.0
    _counts: tuple[int, ...] = ()
    _complete: bool = False

    def workloads(self, kind: str, namespace: str) -> dict[str, Json]:
        assert (kind, namespace) == ("Deployment", NAMESPACE)
        self._run()
        total, ready = len(self._pods), sum(map(self._is_ready, self._pods))
        status: Json = {"observedGeneration": 2, "replicas": total, "updatedReplicas": total}
        if ready:
            status |= {"readyReplicas": ready, "availableReplicas": ready}
        reason = "NewReplicaSetAvailable" if self._complete else "ReplicaSetUpdated"
        late = not self._complete and self.clock() - self._progress > self.deadline
        status["conditions"] = [{"type": "Progressing", "reason": "ProgressDeadlineExceeded" if late else reason}]
        spec = {"selector": {"matchLabels": {"app": "web"}}, "replicas": self.replicas}
        spec["progressDeadlineSeconds"] = self.deadline
        return {NAME: {"metadata": {"generation": 2}, "spec": spec, "status": status}}

    def replica_sets(self, namespace: str, selector: str) -> list[Json]:
        assert (namespace, selector) == (NAMESPACE, "app=web")
        self._run()
        conditions = [{"type": "ReplicaFailure", "status": "True"}] if self._refusal else []
        return [_replica_set("old", 1, []), _replica_set("new", 2, conditions)]

    def pods(self, namespace: str, selector: str) -> list[Json]:
        assert namespace == NAMESPACE
        self._run()
        gone: Json = {"metadata": {"name": "leaves", "uid": "l", "deletionTimestamp": "now", "labels": {}}}
        if not selector:
            return [gone] if self.clock() < self.leaving else []
        broken = _pod("old-1", "old", {"containerStatuses": [_waiting("CrashLoopBackOff", "of the old template")]})
        return [broken, *(self._shown(one) for one in self._pods)]

    def warnings(self, namespace: str, kind: str, name: str) -> list[Json]:
        assert namespace == NAMESPACE
        self._run()
        if kind == "ReplicaSet":
            return copy.deepcopy(self._events) if name == "new" else []
        if not self.server.probe:
            return []
        about = {"fieldPath": "spec.containers{server}"}
        return [{"reason": "Unhealthy", "message": self.server.probe, "involvedObject": about}]

    def log(self, namespace: str, pod: str, container: str, *, previous: bool) -> str:
        assert (namespace, container) == (NAMESPACE, "server")
        assert pod.startswith("new-")
        self.logs_read.append(previous)
        return self.server.log

    def _run(self) -> None:
        """Let the controllers and the kubelet work until now."""
        self.requests += 1
        if self._now is None:
            self._now = self._next = self._progress = self.began
        while self._now < self.clock():
            self._now += _TICK
            self._create()
            for one in self._pods:
                self._work(one)
            self._report()

    def _create(self) -> None:
        assert self._now is not None
        while len(self._pods) < self.replicas and self._next <= self._now:
            self._refusal = self.refuses(self._next)
            if not self._refusal:
                self._pods.append(Container(uid=f"u{len(self._pods)}", began=self._now))
                continue
            message = f'Error creating: pods "new-{self._tries:05}" is forbidden: {self._refusal}'
            event = {"metadata": {"name": f"e{self._tries}"}, "reason": "FailedCreate", "message": message}
            self._events.append(event | {"count": 1, "lastTimestamp": f"{self._next:015.3f}"})
            self._next += min(0.005 * 2**self._tries, 1000.0)
            self._tries += 1

    def _work(self, one: Container) -> None:
        assert self._now is not None
        if self.image or self.unschedulable:
            return
        if one.ended is None:
            lasts = None if self._recovered(one) else self.server.ends_after
            if lasts is not None and self._now >= one.began + lasts:
                one.ended = self._now
                one.last = {"exitCode": self.server.code, "reason": self.server.reason}
                one.last["message"] = self.server.log[-2048:]
        elif self._now >= one.ended + self._delay(one):
            one.run, one.began, one.ended = one.run + 1, self._now, None

    def _delay(self, one: Container) -> float:
        return _SYNC if one.run == 0 else min(self.server.back_off * 2 ** (one.run - 1), _MOST_BACK_OFF)

    def _recovered(self, one: Container) -> bool:
        return self.server.recovers is not None and one.run >= self.server.recovers

    def _is_ready(self, one: Container) -> bool:
        after = 1.0 if self._recovered(one) else self.server.ready_after
        works = one.ended is None and not self.image and not self.unschedulable
        return works and after is not None and self.clock() >= one.began + after

    def _report(self) -> None:
        """Set the Deployment's progress, as its controller does."""
        assert self._now is not None
        ready = sum(map(self._is_ready, self._pods))
        if self._counts != (counts := (len(self._pods), ready)):
            self._counts, self._progress = counts, self._now
        self._complete = self._complete or ready == self.replicas

    def _shown(self, one: Container) -> Json:
        name = f"new-{one.uid}"
        ready = "True" if self._is_ready(one) else "False"
        conditions: list[Json] = [{"type": "Ready", "status": ready}]
        if self.unschedulable:
            message = {"reason": "Unschedulable", "message": self.unschedulable}
            conditions.append({"type": "PodScheduled", "status": "False", **message})
            return _pod(name, "new", {"conditions": conditions}, one.uid)
        status: Json = {"name": "server", "restartCount": one.run, "ready": ready == "True", "state": {}}
        if self.image:
            early = self.clock() - self.began < _PULL_BACK_OFF
            shown = ("ErrImagePull", self.image) if early else ("ImagePullBackOff", 'Back-off pulling image "x"')
            status = {**status, **_waiting(*shown)}
        elif one.ended is None:
            status["state"] = {"running": {}}
            status["lastState"] = {"terminated": one.last} if one.last else {}
        elif self.clock() < one.ended + _SYNC:
            status["state"] = {"terminated": one.last}
        else:
            status |= _waiting("CrashLoopBackOff", f"back-off {self._delay(one):.0f}s restarting failed container")
            status["lastState"] = {"terminated": one.last}
        return _pod(name, "new", {"conditions": conditions, "containerStatuses": [status]}, one.uid)


def _waiting(reason: str, message: str) -> Json:
    return {"name": "server", "state": {"waiting": {"reason": reason, "message": message}}}


def _pod(name: str, template: str, status: Json, uid: str = "o") -> Json:
    return {"metadata": {"name": name, "uid": uid, "labels": {"pod-template-hash": template}}, "status": status}


def _replica_set(name: str, revision: int, conditions: list[Json]) -> Json:
    annotations = {"deployment.kubernetes.io/revision": str(revision)}
    described = {"name": name, "annotations": annotations, "labels": {"pod-template-hash": name}}
    return {"metadata": described, "status": {"conditions": conditions}}
