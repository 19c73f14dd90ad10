"""The reason that a person reads when a Job or a rollout fails."""

from collections.abc import Callable, Mapping
from typing import Any

import pulumi
import pytest

from components.diagnosis import explain_conflicts, explain_failures
from components.workload_pods import Pod
from tests.components.stuck import NO_IMAGE, Pods, pod, refused, waiting
from tests.recording import record

LACKS_IMAGE = pod(init=[waiting("model", "ImagePullBackOff", "not found")])
NO_ROOM = pod(reason="Unschedulable", message="0/1 nodes are available")
DEPLOYMENT = {"metadata": {"namespace": "demo"}, "spec": {"selector": {"matchLabels": {"x": "1", "y": "2"}}}}


JOB = {
    "metadata": {"namespace": "demo", "name": "train-1"},
    "spec": {"template": {"metadata": {"labels": {"job": "train"}}}},
}


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
    source = Pods(LACKS_IMAGE)
    assert failed(source) is False
    assert source.asked == [("demo", "x=1,y=2")]
    assert logged == [f"pod p: container model: ImagePullBackOff: not found; {NO_IMAGE}"]


def test_a_failed_look_up_is_a_warning_and_hides_nothing(logged: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object) -> list[Pod]:
        raise OSError("connection refused")

    source = Pods()
    monkeypatch.setattr(source, "pods", unreachable)
    assert failed(source) is False
    assert logged == ["cannot read why n failed: connection refused"]


def test_a_jobs_pods_are_found_by_the_labels_of_its_template(logged: list[str]) -> None:
    source = Pods(NO_ROOM)
    assert failed(source, JOB) is False
    assert source.asked == [("demo", "job=train")]
    assert logged == ["pod p: Unschedulable: 0/1 nodes are available", AGAIN]


def test_a_job_without_pods_is_explained_by_its_events(logged: list[str]) -> None:
    source = Pods()
    source.told["Job", "train-1"] = [refused("exceeded quota: shop"), refused("exceeded quota: shop, more")]
    assert failed(source, JOB) is False
    assert logged[0].startswith(
        "Job train-1: FailedCreate: pods is forbidden: exceeded quota: shop, more; the namespace's"
    )


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
