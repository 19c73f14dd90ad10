"""Says why a slot's pods are not ready when its Deployment fails.

Pulumi's own message ends at "containers with incomplete status: [model]": it does not look into init containers, and it
shows no log line. What a person who is paged needs is the reason of the container that is stuck, and its last words.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

import pulumi

_LOG_LINES = 3
"""A one-line error and what led to it; more would bury the other pods."""
_API_SECONDS = 5
"""For one question to the API server, after the update has failed already: it must not add minutes."""

Json = Mapping[str, Any]
Pod = Json


class PodSource(Protocol):
    """Where pods and their logs are looked up."""

    def pods(self, namespace: str, selector: str) -> list[Pod]:
        """List pods as the API server's JSON."""
        ...

    def log(self, namespace: str, pod: str, container: str, *, previous: bool) -> str:
        """Give a container's last log lines, or nothing where there are none."""
        ...


@dataclass(frozen=True)
class ApiServer:
    """The API server of one kube context."""

    context: str

    def pods(self, namespace: str, selector: str) -> list[Pod]:
        """List pods as the API server's JSON."""
        api = self._api()
        listed = api.list_namespaced_pod(namespace, label_selector=selector, _request_timeout=_API_SECONDS)
        return cast("list[Pod]", [api.api_client.sanitize_for_serialization(pod) for pod in listed.items])

    def log(self, namespace: str, pod: str, container: str, *, previous: bool) -> str:
        """Give a container's last log lines, or nothing where there are none."""
        from kubernetes.client import ApiException  # noqa: PLC0415 -- half a second that only a failure costs

        try:
            return self._api().read_namespaced_pod_log(
                pod,
                namespace,
                container=container,
                previous=previous,
                tail_lines=_LOG_LINES,
                _request_timeout=_API_SECONDS,
            )
        except ApiException:
            return ""

    def _api(self) -> Any:  # noqa: ANN401 -- the client carries no types
        from kubernetes import client, config  # noqa: PLC0415 -- half a second that only a failure costs

        return client.CoreV1Api(cast("Any", config).new_client_from_config(context=self.context))


def reasons(source: PodSource, namespace: str, selector: str) -> Iterator[str]:
    """Say, for each pod that is not ready, which container is stuck and why."""
    for pod in source.pods(namespace, selector):
        name = pod["metadata"]["name"]
        status = pod.get("status", {})
        conditions = {condition["type"]: condition for condition in status.get("conditions", [])}
        if conditions.get("Ready", {}).get("status") == "True" or pod["metadata"].get("deletionTimestamp"):
            continue
        scheduled = conditions.get("PodScheduled", {})
        if scheduled.get("status") == "False":
            yield f"pod {name}: {scheduled.get('reason')}: {scheduled.get('message')}"
        containers = [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
        for container in containers:
            if reason := _stuck(container):
                log = source.log(namespace, name, container["name"], previous=container.get("restartCount", 0) > 0)
                said = "; its last log lines: " + " | ".join(log.split("\n")).strip(" |") if log.strip() else ""
                yield f"pod {name}: container {container['name']}: {reason}{said}"


def _stuck(container: Json) -> str:
    """Give the reason of a container that keeps its pod from being ready, or nothing."""
    state: Json = container.get("state") or {}
    last: Json = container.get("lastState") or {}
    ended: Json = state.get("terminated") or last.get("terminated") or {}
    exit_text = f" (exit code {ended['exitCode']}, {ended.get('reason')})" if ended.get("exitCode") else ""
    waiting: Json = state.get("waiting") or {}
    if waiting.get("reason") and waiting["reason"] not in ("PodInitializing", "ContainerCreating"):
        return f"{waiting['reason']}: {waiting.get('message', '')}{exit_text}"
    if exit_text:
        return f"ended{exit_text}"
    if state.get("running") is not None and not container.get("ready"):
        return "running, but not ready: its readiness probe fails"
    return ""


def explain_failures(source: PodSource) -> pulumi.ErrorHook:
    """Log the pods' own reasons when a Deployment fails; never asks for a retry."""
    return pulumi.ErrorHook("pods-own-reasons", _hook(source))


def _hook(source: PodSource) -> Callable[[pulumi.ErrorHookArgs], bool]:
    def explain(args: pulumi.ErrorHookArgs) -> bool:
        inputs = cast("dict[str, Any]", args.new_inputs or {})
        selector = ",".join(f"{key}={value}" for key, value in inputs["spec"]["selector"]["matchLabels"].items())
        try:
            for reason in reasons(source, inputs["metadata"]["namespace"], selector):
                pulumi.log.error(reason)
        except Exception as error:  # noqa: BLE001 -- a failed explanation must not hide the failure itself
            pulumi.log.warn(f"why {args.name} failed could not be looked up: {error}")
        return False

    return explain
