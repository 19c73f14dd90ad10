"""Pods that say who they are, behind whatever objects of traffic a test puts before them; no `pulumi up`."""

import json
from collections.abc import Generator
from contextlib import contextmanager

import httpx

from components.manifests.pod import PORT_NAME
from tests.cluster import answering
from tests.cluster.stack import Stack, config_of, run
from tests.cluster.waiting import within
from tests.recording import PROJECT
from tests.samples import Config

SECONDS = 300
"""For pods to start and for the proxy to see them."""
OK, TOO_MANY = 200, 429


def pods(namespace: str, name: str, slot: str, replicas: int) -> Config:
    """Pods that answer for a slot, on the image from which every server's is built."""
    chosen = {"app.kubernetes.io/name": name, "slipway.dev/slot": slot}
    container: Config = {
        "name": "server",
        "image": config_of("dev")["slipway:image"]["baseImage"],
        "command": ["python3", "-c", (PROJECT / "tests" / "cluster" / "answering.py").read_text()],
        "env": [
            {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "SLOT", "value": slot},
        ],
        "ports": [{"name": PORT_NAME, "containerPort": answering.PORT}],
        "readinessProbe": {"httpGet": {"path": "/", "port": PORT_NAME}, "periodSeconds": 1},
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}},
    }
    template = {
        "metadata": {"labels": chosen},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 0},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": f"{name}-{slot}", "namespace": namespace},
        "spec": {"replicas": replicas, "selector": {"matchLabels": chosen}, "template": template},
    }


def kubectl(env: dict[str, str], *arguments: str) -> str:
    done = run("kubectl", *arguments, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextmanager
def applied(stack: Stack, namespace: str, behind: list[Config], before: list[Config]) -> Generator[None]:
    """Stand up a namespace of pods and of what leads to them; it is gone at the end."""
    own: Config = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    try:
        apply(stack, namespace, [own, *behind, *before])
        waited = ("rollout", "status", "deployment", "-n", namespace, f"--timeout={SECONDS}s")
        kubectl(stack.env, *waited)
        yield
    finally:
        kubectl(stack.env, "delete", "namespace", namespace)


def apply(stack: Stack, name: str, items: list[Config]) -> None:
    """Write objects, all in one call."""
    wanted = stack.folder / f"{name}.json"
    wanted.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    kubectl(stack.env, "apply", "-f", str(wanted))


def until_answered(url: str, host: str) -> None:
    """The proxy follows the API server at its own pace, and says nothing when it has."""
    with client("127.0.0.9") as waiting:
        within(lambda: waiting.get(url, headers={"Host": host}).status_code in (OK, TOO_MANY), f"{host} is answered")


def client(address: str = "127.0.0.1") -> httpx.Client:
    """A client with an address of its own on this machine, and its own cookies."""
    return httpx.Client(transport=httpx.HTTPTransport(local_address=address), timeout=15)
