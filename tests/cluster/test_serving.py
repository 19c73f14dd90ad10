"""Real pictures sent through the Ingress are answered by the image that the stack names."""

import json
from datetime import datetime

import pytest

from serving.payloads.digits.data import HELD_OUT
from tests.cluster import registry
from tests.cluster.stack import NAMESPACE, Stack, run
from tests.cluster.traffic import Ingress, slots

UNPACKED_LIMIT = 250 * 2**20


@pytest.mark.core
def test_held_out_digits_are_recognised_through_the_ingress(
    ingress: Ingress, pictures: list[tuple[bytes, str]], facts: list[str]
) -> None:
    answers = ingress.ask_all([png for png, _ in pictures])
    assert len(answers) == HELD_OUT >= 300
    assert slots(answers) == {"blue": HELD_OUT}
    right = sum(answer.label == label for answer, (_, label) in zip(answers, pictures, strict=True))
    facts.append(f"serving: accuracy {right / HELD_OUT:.4f} over {HELD_OUT} held-out pictures")
    assert right / HELD_OUT >= 0.95


@pytest.mark.core
def test_one_digest_in_registry_outputs_pods_and_answers(
    stack: Stack, ingress: Ingress, pictures: list[tuple[bytes, str]]
) -> None:
    image = stack.service()["image"]
    repository, _, digest = image.partition("@")
    assert registry.digest_of(repository, "dev") == digest
    assert {pod["spec"]["containers"][0]["image"] for pod in stack.pods("blue")} == {image}
    running = {status["imageID"] for pod in stack.pods("blue") for status in pod["status"]["containerStatuses"]}
    assert running == {image}
    assert {answer.version for answer in ingress.ask_all([pictures[0][0]] * 20)} == {digest}


def test_pods_are_ready_and_say_how_soon_they_were(stack: Stack, facts: list[str]) -> None:
    """Return the seconds from the server container's start to the pod's readiness, by the kubelet's times."""
    for pod in stack.pods("blue"):
        (ready,) = [condition for condition in pod["status"]["conditions"] if condition["type"] == "Ready"]
        started = pod["status"]["containerStatuses"][0]["state"]["running"]["startedAt"]
        seconds = _seconds(ready["lastTransitionTime"]) - _seconds(started)
        facts.append(f"pod: ready {seconds:.0f} s after the container's start")
        assert ready["status"] == "True"


def test_running_pods_are_locked_down(stack: Stack) -> None:
    """Read from the running pod, not from the manifest."""
    pod = stack.pods("blue")[0]["metadata"]["name"]
    script = (  # run by the pod's own Python
        "import os,json;"
        "status=dict(l.split(':\\t',1) for l in open('/proc/self/status') if ':\\t' in l);"
        "print(json.dumps({'uid':os.getuid(),'caps':int(status['CapEff'],16),'nnp':status['NoNewPrivs'].strip(),"
        "'seccomp':status['Seccomp'].strip(),'root_writable':os.access('/',os.W_OK),"
        "'token':os.path.exists('/var/run/secrets/kubernetes.io')}))"
    )
    done = run("kubectl", "exec", "-n", NAMESPACE, pod, "-c", "server", "--", "python", "-c", script, env=stack.env)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "uid": 10001,
        "caps": 0,
        "nnp": "1",
        "seccomp": "2",
        "root_writable": False,
        "token": False,
    }


def test_the_image_adds_little_to_its_base(stack: Stack, facts: list[str]) -> None:
    """Return the unpacked size of the layers above the base image, read from the layers."""
    repository, _, digest = stack.service()["image"].partition("@")
    base_tag = stack.config()["slipway:image"]["baseImage"]
    base_repository, _, tag = base_tag.rpartition(":")
    base = {layer["digest"] for layer in registry.manifest(base_repository, tag)["layers"]}
    added = [layer for layer in registry.manifest(repository, digest)["layers"] if layer["digest"] not in base]
    size = sum(registry.unpacked_size(repository, layer["digest"]) for layer in added)
    facts.append(f"image: {size / 2**20:.0f} MiB unpacked beyond the base")
    assert 0 < size <= UNPACKED_LIMIT
    assert len(added) < len(registry.manifest(repository, digest)["layers"]), "the base's layers are not shared"


def _seconds(timestamp: str) -> float:
    return datetime.fromisoformat(timestamp).timestamp()
