"""Explain why pods do not exist or are not ready, from events, their status and their logs.

Pulumi's message ends at "containers with incomplete status: [model]": it ignores init containers, the creator's events
and logs. An on-call engineer needs to know why the container is stuck, the error in its log, and what to set.
"""

from collections.abc import Iterator, Sequence

from components import log_cause
from components.remedies import advised
from components.workload_pods import (
    Creator,
    Json,
    Pod,
    PodSource,
    WorkloadPods,
    condition,
    is_ready,
    one_line,
    read_pods,
)

_SHOWN_LINES = 3
"""Last log lines that are shown if none names an error; more lines would hide the other pods."""
_STARTS = ("PodInitializing", "ContainerCreating")
"""Reasons of a container that only waits for its turn."""


def reasons(source: PodSource, namespace: str, selector: str, creator: Creator | None = None) -> Iterator[str]:
    """Yield why the pods of a workload's newest template are missing or not ready, one line for each different reason.

    Args:
        source: The source of pods, events and logs.
        namespace: The workload's namespace.
        selector: Selects the workload's pods.
        creator: The object that creates the pods. None: the newest ReplicaSet of the selector.
    """
    return explained(source, namespace, read_pods(source, namespace, selector, creator))


def explained(source: PodSource, namespace: str, seen: WorkloadPods) -> Iterator[str]:
    """Yield the reasons, as :func:`reasons`, for pods that have been read already."""
    if seen.refusal:
        yield f"{seen.creator}: {advised(f'FailedCreate: {seen.refusal}')}"
    told: set[str] = set()
    for pod in seen.pods:
        name = pod["metadata"]["name"]
        for reason in unready(source, namespace, pod):
            if (general := reason.replace(name, "")) not in told:  # the other replicas fail alike
                told.add(general)
                yield f"pod {name}: {reason}"


def unready(source: PodSource, namespace: str, pod: Pod) -> Iterator[str]:
    """Yield why a pod is not ready: its node, its containers, and if they say nothing its newest event."""
    if is_ready(pod):
        return
    status: Json = pod.get("status", {})
    warnings = source.warnings(namespace, "Pod", pod["metadata"]["name"])
    found = False
    for given in (condition(pod, "PodScheduled"), status):
        if given.get("reason") and given.get("status") != "True":
            found = True
            yield advised(f"{given['reason']}: {one_line(given.get('message'))}")
    for container, reason in _containers(status, warnings):
        found = True
        cause = _log_cause(source, namespace, pod, container)
        yield advised(f"container {container['name']}: {reason}{f'; {cause}' if cause else ''}")
    if not found and warnings:
        yield advised(f"{warnings[-1].get('reason')}: {one_line(warnings[-1].get('message'))}")


def _containers(status: Json, warnings: Sequence[Json]) -> Iterator[tuple[Json, str]]:
    """Yield each container that keeps its pod from being ready, with the reason."""
    loading = status.get("initContainerStatuses", [])
    for container in (*loading, *status.get("containerStatuses", [])):
        # An init container has no readiness: the other containers wait until it ends.
        still = "has not finished" if container in loading else f"running, but not ready: {_probe(container, warnings)}"
        if reason := stuck(container, still):
            killed = _killed_by_probe(container, warnings)
            yield container, f"{reason}; {killed}" if killed else reason


def stuck(container: Json, still: str = "running") -> str:
    """Return why a container keeps its pod from being ready, or an empty string. ``still`` describes one that runs."""
    last = ended(container)
    exit_text = f" (exit code {last['exitCode']}, {last.get('reason')})" if last.get("exitCode") else ""
    waiting: Json = state(container).get("waiting") or {}
    if waiting.get("reason") and waiting["reason"] not in _STARTS:
        return f"{waiting['reason']}: {one_line(waiting.get('message'))}{exit_text}"
    runs = state(container).get("running") is not None and not container.get("ready")
    if exit_text:
        return f"ended{exit_text}{', running again' if runs else ''}"
    return still if runs else ""


def state(container: Json) -> Json:
    """Return the state of a container, or an empty mapping."""
    return container.get("state") or {}


def ended(container: Json) -> Json:
    """Return the status of a container's last termination, or an empty mapping."""
    last: Json = container.get("lastState") or {}
    return state(container).get("terminated") or last.get("terminated") or {}


def _probe(container: Json, warnings: Sequence[Json]) -> str:
    """Return the newest failed probe of a container with its answer."""
    found = [one for one in warnings if one.get("reason") == "Unhealthy" and _about(one, container)]
    return one_line(found[-1].get("message")) if found else "its readiness probe fails"


def _killed_by_probe(container: Json, warnings: Sequence[Json]) -> str:
    """Return the answer of the probe that made the kubelet kill a container, or an empty string.

    A container that ends by itself fails its probes too, so failed probes alone say nothing about it.
    """
    kills = ("failed startup probe", "failed liveness probe")
    found = any(_about(one, container) and any(kill in str(one.get("message")) for kill in kills) for one in warnings)
    return _probe(container, warnings) if found and ended(container) else ""


def _about(event: Json, container: Json) -> bool:
    about: Json = event.get("involvedObject") or {}
    return str(about.get("fieldPath", "")).endswith(f"{{{container['name']}}}")


def _log_cause(source: PodSource, namespace: str, pod: Pod, container: Json) -> str:
    """Return the error in a container's log, or the last lines if none names one."""
    # The status keeps the end of a failed container's log, also after the kubelet has removed the log.
    last = ended(container)
    running = state(container).get("running") is not None
    if not last and not running:
        return ""
    kept = str(last.get("message") or "") if last.get("exitCode") else ""
    again = bool(last.get("exitCode")) and running
    log = source.log(namespace, pod["metadata"]["name"], container["name"], previous=again)
    if found := log_cause.cause(log) or log_cause.cause(kept):
        return f"error in its log: {found}"
    lines = " | ".join(log_cause.plain(line) for line in (kept or log).strip().splitlines()[-_SHOWN_LINES:])
    return f"last log lines: {lines}" if lines else ""
