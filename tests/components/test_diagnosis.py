"""The reason that a person reads when a rollout fails."""

from typing import Any

import pulumi
import pytest

from components.diagnosis import Pod, explain_failures, reasons
from tests.recording import record


class Pods:
    """An API server that knows these pods, and one log for each container that ran before."""

    def __init__(self, *pods: Pod) -> None:
        self._pods = list(pods)
        self.asked: list[tuple[str, str]] = []

    def pods(self, namespace: str, selector: str) -> list[Pod]:
        self.asked.append((namespace, selector))
        return self._pods

    def log(self, namespace: str, pod: str, container: str, *, previous: bool) -> str:
        assert namespace == "demo"
        return f"{pod}/{container} said this\nthen died\n" if previous else ""


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
        pod(
            main=[
                waiting(
                    "server",
                    "CrashLoopBackOff",
                    "back-off 10s",
                    restartCount=2,
                    lastState={"terminated": {"exitCode": 3, "reason": "Error"}},
                )
            ]
        ),
        [
            (
                "pod p: container server: CrashLoopBackOff: back-off 10s (exit code 3, Error); "
                "its last log lines: p/server said this | then died"
            )
        ],
    ),
    "an init container failed": (
        pod(init=[{"name": "model", "state": {"terminated": {"exitCode": 1, "reason": "Error"}}}]),
        ["pod p: container model: ended (exit code 1, Error)"],
    ),
    "no node has room": (
        pod(reason="Unschedulable", message="0/1 nodes are available"),
        ["pod p: Unschedulable: 0/1 nodes are available"],
    ),
    "it runs but is not ready": (
        pod(main=[{"name": "server", "ready": False, "state": {"running": {}}}]),
        ["pod p: container server: running, but not ready: its readiness probe fails"],
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


@pytest.mark.parametrize("name", CASES)
def test_each_stuck_container_is_named_with_its_reason(name: str) -> None:
    given, lines = CASES[name]
    assert list(reasons(Pods(given), "demo", "a=b")) == lines


def test_a_pod_on_its_way_out_is_left_out() -> None:
    leaving = pod(main=[waiting("server", "CrashLoopBackOff")])
    leaving["metadata"]["deletionTimestamp"] = "now"
    assert not list(reasons(Pods(leaving), "demo", "a=b"))


def failed(source: Pods) -> bool:
    """Call the hook as the engine does when a Deployment's update failed."""
    inputs = {"metadata": {"namespace": "demo"}, "spec": {"selector": {"matchLabels": {"x": "1", "y": "2"}}}}
    arguments = pulumi.ErrorHookArgs(urn="u", id="i", name="n", type="t", new_inputs=inputs, failed_operation="update")
    answers: list[Any] = []
    record(lambda: answers.append(explain_failures(source)(arguments)))
    return bool(answers[0])


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
    assert logged == ["why n failed could not be looked up: connection refused"]
