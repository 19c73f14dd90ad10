"""The GPU system beside the classifier: waits for a GPU and says so, runs as soon as the node has one."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from serving.payloads.generic.train import FLOOR, INPUT, split
from tests.cluster.stack import Done, Stack, config_of, last_errors, project_elsewhere, run
from tests.cluster.traffic import OK, TIMEOUT, Ingress, slots
from tests.cluster.waiting import within

STACK = "gpu-dev"
NAMESPACE = "gpu-dev"
DEVICE = "nvidia.com/gpu"
BUILD_SECONDS = 600
"""The image trains its model while it is built."""


@pytest.fixture(scope="module")
def project(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The program in a folder of its own: Pulumi writes into the stack file."""
    folder = project_elsewhere(tmp_path_factory.mktemp("gpu"))
    (folder / f"Pulumi.{STACK}.yaml").write_text(yaml.safe_dump({"config": config_of(STACK)}))
    give_node(stack, 0)
    assert pulumi(stack, folder, "stack", "init", STACK).returncode == 0
    yield folder
    assert pulumi(stack, folder, "destroy", "--yes", "--skip-preview").returncode == 0
    assert pulumi(stack, folder, "stack", "rm", STACK, "--yes").returncode == 0
    give_node(stack, 0)


def pulumi(stack: Stack, folder: Path, *arguments: str) -> Done:
    named = [] if arguments[0] == "stack" else ["-s", STACK]
    options = ("-C", str(folder), "--non-interactive", "--color", "never")
    return run("pulumi", *arguments, *named, *options, env=stack.env, timeout=BUILD_SECONDS)


def give_node(stack: Stack, devices: int) -> None:
    """Write the node's capacity, as a device plugin would through the kubelet: the scheduler's part is the real one."""
    node = run("kubectl", "get", "nodes", "-o", "name", env=stack.env).stdout.strip()
    patch = json.dumps({"status": {"capacity": {DEVICE: str(devices)}, "allocatable": {DEVICE: str(devices)}}})
    done = run("kubectl", "patch", node, "--subresource=status", "--type=merge", "-p", patch, env=stack.env)
    assert done.returncode == 0, done.stderr


def pod_phases(stack: Stack) -> list[str]:
    done = run("kubectl", "get", "pods", "-n", NAMESPACE, "-o", "jsonpath={.items[*].status.phase}", env=stack.env)
    return done.stdout.split()


def test_without_a_gpu_the_pods_wait_and_the_update_says_what_for(project: Path, stack: Stack) -> None:
    done = pulumi(stack, project, "up", "--yes", "--skip-preview")
    assert done.returncode != 0
    assert f"Insufficient {DEVICE}" in last_errors(done)
    assert pod_phases(stack) == ["Pending"]


@pytest.fixture(scope="module")
def served(project: Path, stack: Stack) -> Path:
    """The project, deployed on a node with a GPU."""
    give_node(stack, 1)
    done = pulumi(stack, project, "up", "--yes", "--skip-preview")
    assert done.returncode == 0, last_errors(done)
    return project


@pytest.mark.core
def test_with_a_gpu_it_serves_beside_the_classifier(
    served: Path, stack: Stack, ingress: Ingress, pictures: list[tuple[bytes, str]], facts: list[str]
) -> None:
    assert pod_phases(stack) == ["Running"]
    output = run("pulumi", "stack", "output", "services", "--json", "-s", STACK, "-C", str(served), env=stack.env)
    service = json.loads(output.stdout)["model"]
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
    assert pulumi(stack, served, "preview", "--expect-no-changes").returncode == 0


@pytest.mark.usefixtures("served")
def test_the_running_pod_holds_the_only_gpu(stack: Stack) -> None:
    done = run("kubectl", "get", "pods", "-n", NAMESPACE, "-o", "json", env=stack.env)
    (pod,) = json.loads(done.stdout)["items"]
    (server,) = pod["spec"]["containers"]
    assert server["resources"]["limits"][DEVICE] == "1"
    assert [port["containerPort"] for port in server["ports"]] == [8080, 9090]
    assert server["readinessProbe"]["httpGet"]["path"] == "/healthz"
    assert pod["spec"]["nodeName"]
