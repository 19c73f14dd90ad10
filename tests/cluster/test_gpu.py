"""The GPU system beside the classifier: waits for a GPU and says so, runs as soon as the node has one."""

from collections.abc import Iterator

import httpx
import pytest

from serving.payloads.generic.train import FLOOR, INPUT, split
from tests.cluster.gpu import DEVICE, SERVICE, Gpu, on_node, set_capacity
from tests.cluster.program import created
from tests.cluster.stack import Stack, last_errors
from tests.cluster.traffic import OK, TIMEOUT, Ingress, slots
from tests.cluster.waiting import within


@pytest.fixture(scope="module")
def gpu(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gpu]:
    """The system, not yet deployed, on a node without a GPU."""
    with on_node(stack, 0), created(Gpu.laid_out(stack, tmp_path_factory.mktemp("gpu"))) as made:
        yield made


def pod_phases(gpu: Gpu) -> list[str]:
    return gpu.kubectl("get", "pods", "-o", "jsonpath={.items[*].status.phase}").split()


def test_without_a_gpu_the_pods_wait_and_the_update_says_what_for(gpu: Gpu) -> None:
    done = gpu.pulumi("up", "--yes", "--skip-preview")
    assert done.returncode != 0
    assert f"Insufficient {DEVICE}" in last_errors(done)
    assert pod_phases(gpu) == ["Pending"]


@pytest.fixture(scope="module")
def served(gpu: Gpu, stack: Stack) -> Gpu:
    """The system, deployed on a node with a GPU."""
    set_capacity(stack, 1)
    gpu.up()
    return gpu


@pytest.mark.core
def test_with_a_gpu_it_serves_beside_the_classifier(
    served: Gpu, ingress: Ingress, pictures: list[tuple[bytes, str]], facts: list[str]
) -> None:
    assert pod_phases(served) == ["Running"]
    service = served.outputs()[SERVICE]
    patients = split()
    with httpx.Client(timeout=TIMEOUT, headers={"Host": service["host"]}) as client:
        ask = {"inputs": {INPUT: patients.held_out.tolist()}}
        within(lambda: client.post(service["url"], json=ask).status_code == OK, "the proxy has seen the pod")
        replies = [client.post(service["url"], json=ask) for _ in range(5)]
    assert [reply.status_code for reply in replies] == [200] * 5, replies[0].text
    assert {reply.headers["x-slipway-version"] for reply in replies} == {service["image"].partition("@")[2]}
    found: list[int] = replies[0].json()["outputs"]["label"]
    right = sum(a == b for a, b in zip(found, patients.held_out_classes.tolist(), strict=True)) / len(found)
    facts.append(f"gpu: generic model right for {right:.4f} of {len(found)} held-out patients")
    assert right >= FLOOR
    assert slots(ingress.ask_all([pictures[0][0]] * 20)) == {"blue": 20}, "the classifier serves on"
    assert served.pulumi("preview", "--expect-no-changes").returncode == 0


def test_the_running_pod_holds_the_only_gpu(served: Gpu) -> None:
    (pod,) = served.found("pods")["items"]
    (server,) = pod["spec"]["containers"]
    assert server["resources"]["limits"][DEVICE] == "1"
    assert [port["containerPort"] for port in server["ports"]] == [8080, 9090]
    assert server["readinessProbe"]["httpGet"]["path"] == "/healthz"
    assert pod["spec"]["nodeName"]
