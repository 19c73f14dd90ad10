"""Explain why pods are not ready, from their status and their logs.

Pulumi's message ends at "containers with incomplete status: [model]": it ignores init containers and shows no log line.
An on-call engineer needs to know why the container is stuck, and its last log lines.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

LOG_LINES = 3
"""Enough for a one-line error and its context; more lines would hide the other pods."""

Json = Mapping[str, Any]
Pod = Json


class PodSource(Protocol):
    """The source of pods and their logs."""

    def pods(self, namespace: str, selector: str) -> list[Pod]:
        """Return pods as the API server's JSON."""
        ...

    def log(self, namespace: str, pod: str, container: str) -> str:
        """Return a container's last log lines, or an empty string if there are none."""
        ...


def reasons(source: PodSource, namespace: str, selector: str) -> Iterator[str]:
    """Yield, for each pod that is not ready, which container is stuck and why."""
    for pod in source.pods(namespace, selector):
        name = pod["metadata"]["name"]
        status = pod.get("status", {})
        conditions = {condition["type"]: condition for condition in status.get("conditions", [])}
        if conditions.get("Ready", {}).get("status") == "True" or pod["metadata"].get("deletionTimestamp"):
            continue
        scheduled = conditions.get("PodScheduled", {})
        if scheduled.get("status") == "False":
            yield f"pod {name}: {scheduled.get('reason')}: {scheduled.get('message')}"
        loading, servers = status.get("initContainerStatuses", []), status.get("containerStatuses", [])
        for container in (*loading, *servers):
            # An init container has no readiness: the other containers wait until it ends.
            still = "has not finished" if container in loading else "running, but not ready: its readiness probe fails"
            if reason := _stuck(container, still):
                said = _last_words(container) or source.log(namespace, name, container["name"])
                lines = " | ".join(_plain(line) for line in said.strip().splitlines()[-LOG_LINES:])
                tail = f"; last log lines: {lines}" if lines else ""
                yield f"pod {name}: container {container['name']}: {reason}{tail}"


def _stuck(container: Json, still: str) -> str:
    """Return why a container keeps its pod from being ready, or an empty string."""
    state: Json = container.get("state") or {}
    ended = _ended(container)
    exit_text = f" (exit code {ended['exitCode']}, {ended.get('reason')})" if ended.get("exitCode") else ""
    waiting: Json = state.get("waiting") or {}
    if waiting.get("reason") and waiting["reason"] not in ("PodInitializing", "ContainerCreating"):
        return f"{waiting['reason']}: {waiting.get('message', '')}{exit_text}"
    runs = state.get("running") is not None and not container.get("ready")
    if exit_text:
        return f"ended{exit_text}{', running again' if runs else ''}"
    return still if runs else ""


def _ended(container: Json) -> Json:
    """Return the status of a container's last termination, or an empty mapping."""
    state: Json = container.get("state") or {}
    last: Json = container.get("lastState") or {}
    return state.get("terminated") or last.get("terminated") or {}


def _last_words(container: Json) -> str:
    """Return a failed container's message, which the pod's status keeps after the kubelet has removed the log."""
    ended = _ended(container)
    return str(ended.get("message") or "") if ended.get("exitCode") else ""


def _plain(line: str) -> str:
    """Return the message of a JSON log line, or any other line unchanged."""
    try:
        return str(json.loads(line)["message"])
    except (ValueError, KeyError, TypeError):
        return line
