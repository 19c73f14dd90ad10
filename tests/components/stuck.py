"""Pods that are stuck, and an API server that knows them with their events and logs."""

from typing import Any

from components.workload_pods import Json, Pod


class Pods:
    """An API server that knows these pods, and a log of each container that runs."""

    def __init__(self, *pods: Pod) -> None:
        self._pods = list(pods)
        self.asked: list[tuple[str, str]] = []
        self.replicas: list[Json] = []
        self.told: dict[tuple[str, str], list[Json]] = {}
        """The warnings about each object."""

    def pods(self, namespace: str, selector: str) -> list[Pod]:
        self.asked.append((namespace, selector))
        return self._pods

    def replica_sets(self, namespace: str, selector: str) -> list[Json]:
        del selector
        assert namespace == "demo"
        return self.replicas

    def warnings(self, namespace: str, kind: str, name: str) -> list[Json]:
        assert namespace == "demo"
        return self.told.get((kind, name), [])

    def log(self, namespace: str, pod: str, container: str, *, previous: bool) -> str:
        assert namespace == "demo"
        if previous:
            return ""
        (named,) = [one for found in self._pods for one in every_container(found) if one["name"] == container]
        return (
            f"1\n2\n{pod}/{container} runs\nit waits\n" + '{"message": "in vain"}\n'
            if "running" in named["state"]
            else ""
        )


def every_container(pod: Pod) -> list[Any]:
    return [*pod["status"]["initContainerStatuses"], *pod["status"]["containerStatuses"]]


NO_IMAGE = "the registry has no such image: push it, or correct its reference"

SAID = "; last log lines: p/{} runs | it waits | in vain"


def died(message: str = "said this\nthen died\n") -> dict[str, object]:
    return {"terminated": {"exitCode": 3, "reason": "Error", "message": message}}


def pod(*, init: list[Any] | None = None, main: list[Any] | None = None, ready: str = "False", **scheduled: str) -> Pod:
    conditions = [{"type": "Ready", "status": ready}]
    if scheduled:
        conditions.append({"type": "PodScheduled", "status": "False", **scheduled})
    status = {"conditions": conditions, "initContainerStatuses": init or [], "containerStatuses": main or []}
    return {"metadata": {"name": "p"}, "status": status}


def waiting(name: str, reason: str, message: str = "", **more: object) -> dict[str, object]:
    return {"name": name, "state": {"waiting": {"reason": reason, "message": message}}, **more}


def refused(message: str) -> Json:
    said = f"Error creating: pods is forbidden: {message}"
    return {"metadata": {"name": "e"}, "reason": "FailedCreate", "message": said}


def replica_set(name: str, revision: int, *, fails: bool) -> Json:
    described = {"name": name, "annotations": {"deployment.kubernetes.io/revision": str(revision)}}
    conditions = [{"type": "ReplicaFailure", "status": "True"}] if fails else []
    return {
        "metadata": {**described, "labels": {"pod-template-hash": name}},
        "status": {"conditions": conditions},
    }


def about(reason: str, message: str, container: str = "server") -> Json:
    return {"reason": reason, "message": message, "involvedObject": {"fieldPath": f"spec.containers{{{container}}}"}}
