"""What guests print is read as it is meant."""

import json
from typing import Any

import pytest

from tests.machines import answers

SUMMARY = """classifier
  url      http://127.0.0.1:8080/predict  (Host: classifier.dev.slipway.test)
5 test pictures answered, 4 correctly

send a request:
  curl -sS -H 'Host: classifier.dev.slipway.test' --data-binary @/srv/picture.png http://127.0.0.1:8080/predict
next:
"""
PULUMI = """Updating (dev):
 +  kubernetes:core/v1:Secret object-storage created (0.1s)

Resources:
    + 21 created
    ~ 1 updated
    3 unchanged

Duration: 1m42s
"""


def test_pictures_are_counted() -> None:
    assert answers.pictures(SUMMARY) == (5, 4)
    assert answers.pictures("make: *** [up] Error 1") == (0, 0)


def test_the_command_that_asks_is_found() -> None:
    command = answers.curl(SUMMARY)
    assert command is not None
    assert command.startswith("curl -sS -H 'Host: ")
    assert command.endswith("/predict")
    assert answers.curl("") is None


def test_what_pulumi_changed_is_counted() -> None:
    assert answers.changed_resources(PULUMI) == {"created": 21, "updated": 1}


def test_an_unchanged_stack_has_no_changes() -> None:
    assert answers.changed_resources("Resources:\n    25 unchanged\n\nDuration: 4s\n") == {}


def test_a_log_without_a_summary_is_no_proof() -> None:
    assert answers.changed_resources("error: the stack is locked") == {"no summary": 1}


def status(**pids: int | None) -> str:
    rows = {name: {"pid": pid, "healthy": pid is not None, "reason": "ended"} for name, pid in pids.items()}
    return json.dumps({"components": rows})


def test_a_daemon_with_another_pid_was_restarted() -> None:
    assert answers.restarted(status(etcd=7, kubelet=8), status(etcd=7, kubelet=9)) == ["kubelet"]
    assert answers.restarted(status(etcd=7), status(etcd=7)) == []


def test_a_daemon_that_is_gone_or_new_counts_as_restarted() -> None:
    assert answers.restarted(status(etcd=7, kubelet=8), status(etcd=7, traefik=9)) == ["kubelet", "traefik"]


def test_what_is_not_healthy_is_named_with_its_reason() -> None:
    assert answers.unhealthy(status(etcd=7, kubelet=None)) == ["kubelet: ended"]


def test_no_daemons_at_all_is_not_healthy() -> None:
    assert answers.unhealthy(status()) == ["nothing"]


@pytest.mark.parametrize(("text", "value"), [("250m", 0.25), ("2", 2.0), ("512Mi", 2.0**29), ("1k", 1000.0)])
def test_quantities(text: str, value: float) -> None:
    assert answers.quantity(text) == value


def test_an_unknown_unit_is_refused() -> None:
    with pytest.raises(ValueError, match="is no quantity"):
        answers.quantity("3 apples")


def pod(phase: str = "Running", **labels: str) -> dict[str, Any]:
    resources = {"requests": {"cpu": "200m"}, "limits": {"memory": "256Mi"}}
    return {
        "metadata": {"namespace": "classifier-dev", "name": "blue-1", "uid": "1-2", "labels": labels},
        "spec": {"containers": [{"resources": resources}]},
        "status": {"phase": phase, "containerStatuses": [{"containerID": "containerd://abc"}]},
    }


def test_running_pods_of_slots_are_chosen() -> None:
    slot = {"slipway.dev/slot": "blue"}
    listed = json.dumps({"items": [pod(**slot), pod("Succeeded", **slot), pod()]})
    assert answers.serving_pods(listed) == [
        answers.Pod(
            namespace="classifier-dev",
            name="blue-1",
            uid="1-2",
            container="abc",
            cpu_request=0.2,
            cpu_limit=None,
            memory_limit=2.0**28,
        )
    ]
