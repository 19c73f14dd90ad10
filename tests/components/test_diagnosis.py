"""The reason that a person reads when a rollout fails."""

from collections.abc import Callable, Mapping
from typing import Any

import pulumi
import pytest

from components.diagnosis import explain_conflicts, explain_failures
from components.reasons import Pod, reasons
from tests.each import each
from tests.recording import record


class Pods:
    """An API server that knows these pods, and a log of each container that runs."""

    def __init__(self, *pods: Pod) -> None:
        self._pods = list(pods)
        self.asked: list[tuple[str, str]] = []

    def pods(self, namespace: str, selector: str) -> list[Pod]:
        self.asked.append((namespace, selector))
        return self._pods

    def log(self, namespace: str, pod: str, container: str) -> str:
        assert namespace == "demo"
        (named,) = [one for found in self._pods for one in every_container(found) if one["name"] == container]
        return (
            f"1\n2\n{pod}/{container} runs\nit waits\n" + '{"message": "in vain"}\n'
            if "running" in named["state"]
            else ""
        )


def every_container(pod: Pod) -> list[Any]:
    return [*pod["status"]["initContainerStatuses"], *pod["status"]["containerStatuses"]]


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


CASES: dict[str, tuple[Pod, list[str]]] = {
    "an init container's image is missing": (
        pod(init=[waiting("model", "ImagePullBackOff", "not found")], main=[waiting("server", "PodInitializing")]),
        ["pod p: container model: ImagePullBackOff: not found"],
    ),
    "a container crashes again and again": (
        pod(main=[waiting("server", "CrashLoopBackOff", "back-off 10s", lastState=died())]),
        [
            (
                "pod p: container server: CrashLoopBackOff: back-off 10s (exit code 3, Error); "
                "last log lines: said this | then died"
            )
        ],
    ),
    "an init container failed": (
        pod(init=[{"name": "model", "state": died("")}]),
        ["pod p: container model: ended (exit code 3, Error)"],
    ),
    "an init container failed and works again": (
        pod(init=[{"name": "model", "state": {"running": {}}, "lastState": died("no model\n")}]),
        ["pod p: container model: ended (exit code 3, Error), running again; last log lines: no model"],
    ),
    "an init container still works": (
        pod(init=[{"name": "model", "state": {"running": {}}}], main=[waiting("server", "PodInitializing")]),
        ["pod p: container model: has not finished" + SAID.format("model")],
    ),
    "no node has room": (
        pod(reason="Unschedulable", message="0/1 nodes are available"),
        ["pod p: Unschedulable: 0/1 nodes are available"],
    ),
    "it runs but is not ready": (
        pod(main=[{"name": "server", "ready": False, "state": {"running": {}}}]),
        ["pod p: container server: running, but not ready: its readiness probe fails" + SAID.format("server")],
    ),
    "a finished init container is no reason": (
        pod(
            init=[{"name": "model", "ready": True, "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}],
            main=[waiting("server", "ContainerCreating")],
        ),
        [],
    ),
    "a ready pod is left out": (pod(main=[waiting("server", "Whatever")], ready="True"), []),
}


@each("name", CASES)
def test_each_stuck_container_is_named_with_its_reason(name: str) -> None:
    given, lines = CASES[name]
    assert list(reasons(Pods(given), "demo", "a=b")) == lines


def test_a_pod_on_its_way_out_is_left_out() -> None:
    leaving = pod(main=[waiting("server", "CrashLoopBackOff")])
    leaving["metadata"]["deletionTimestamp"] = "now"
    assert not list(reasons(Pods(leaving), "demo", "a=b"))


DEPLOYMENT = {"metadata": {"namespace": "demo"}, "spec": {"selector": {"matchLabels": {"x": "1", "y": "2"}}}}
JOB = {"metadata": {"namespace": "demo"}, "spec": {"template": {"metadata": {"labels": {"job": "train"}}}}}
AGAIN = (
    "Kubernetes does not rerun a failed Job, so every further update fails. Fix the cause, then "
    "rerun the Job: pulumi up -s dev --replace 'u'"
)


def answer(hook: Callable[[], pulumi.ErrorHook], kind: str = "apps/v1:Deployment", **given: Any) -> bool:
    """Call a hook as the engine does when an update failed."""
    about = {"urn": "u", "id": "i", "name": "n", "type": f"kubernetes:{kind}", "failed_operation": "update"}
    arguments = pulumi.ErrorHookArgs(**about, **given)
    answers: list[Any] = []
    record(lambda: answers.append(hook()(arguments)))
    return bool(answers[0])


def failed(source: Pods, inputs: Mapping[str, Any] = DEPLOYMENT) -> bool:
    kind = "batch/v1:Job" if inputs is JOB else "apps/v1:Deployment"
    return answer(lambda: explain_failures(source), kind, new_inputs=inputs)


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(pulumi.log, "error", lines.append)
    monkeypatch.setattr(pulumi.log, "warn", lines.append)
    return lines


def test_the_hook_asks_for_the_deployments_own_pods_logs_and_never_retries(logged: list[str]) -> None:
    source = Pods(CASES["an init container's image is missing"][0])
    assert failed(source) is False
    assert source.asked == [("demo", "x=1,y=2")]
    assert logged == ["pod p: container model: ImagePullBackOff: not found"]


def test_a_failed_look_up_is_a_warning_and_hides_nothing(logged: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object) -> list[Pod]:
        raise OSError("connection refused")

    source = Pods()
    monkeypatch.setattr(source, "pods", unreachable)
    assert failed(source) is False
    assert logged == ["cannot read why n failed: connection refused"]


def test_a_jobs_pods_are_found_by_the_labels_of_its_template(logged: list[str]) -> None:
    source = Pods(CASES["no node has room"][0])
    assert failed(source, JOB) is False
    assert source.asked == [("demo", "job=train")]
    assert logged == ["pod p: Unschedulable: 0/1 nodes are available", AGAIN]


def test_a_failed_job_comes_with_the_command_that_runs_it_again_also_where_its_pods_are_gone(
    logged: list[str],
) -> None:
    assert failed(Pods(), JOB) is False
    assert logged == [AGAIN]


def test_inputs_without_labels_are_a_warning_and_ask_for_nothing(logged: list[str]) -> None:
    source = Pods()
    assert failed(source, {"metadata": {"namespace": "demo"}, "spec": {}}) is False
    assert source.asked == []
    assert logged == ["cannot read why n failed: 'template'"]


CONFLICT = 'Apply failed with 1 conflict: conflict with "pulumi-kubernetes-1f": .metadata.labels.slipway.dev/stack'


def test_a_namespace_of_another_stack_is_named_as_such_and_is_not_tried_again(logged: list[str]) -> None:
    namespace = {"metadata": {"name": "shop-dev"}}
    assert answer(explain_conflicts, new_inputs=namespace, errors=["update failed", CONFLICT]) is False
    (line,) = logged
    assert line.startswith("namespace shop-dev: already belongs to another stack")
    assert line.endswith("set slipway:system.namespace to another namespace")


@pytest.mark.parametrize("errors", [[], ["connection refused"], [CONFLICT.replace("slipway.dev/stack", "team")]])
def test_another_failure_of_the_namespace_is_left_to_pulumi(errors: list[str], logged: list[str]) -> None:
    assert answer(explain_conflicts, new_inputs={"metadata": {"name": "shop-dev"}}, errors=errors) is False
    assert logged == []
