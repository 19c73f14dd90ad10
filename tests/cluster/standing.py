"""Pods that answer with their name and slot, behind the Ingresses or routes of a test; without `pulumi up`."""

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
"""Time limit in seconds for pods to start and for the proxy to route to them."""
OK, TOO_MANY = 200, 429


def pods(namespace: str, name: str, slot: str, replicas: int) -> Config:
    """Return a Deployment of pods that answer for a slot, on the servers' base image."""
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
    """Create a namespace with pods and the objects that route to them; delete it at the end."""
    own: Config = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    try:
        apply(stack, namespace, [own, *behind, *before])
        waited = ("rollout", "status", "deployment", "-n", namespace, f"--timeout={SECONDS}s")
        kubectl(stack.env, *waited)
        yield
    finally:
        kubectl(stack.env, "delete", "namespace", namespace)


def apply(stack: Stack, name: str, items: list[Config]) -> None:
    """Apply objects in one call."""
    wanted = stack.folder / f"{name}.json"
    wanted.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    kubectl(stack.env, "apply", "-f", str(wanted))


def until_answered(url: str, host: str) -> None:
    """Wait until the proxy routes to the pods behind a host."""
    with client("127.0.0.9") as waiting:
        within(lambda: waiting.get(url, headers={"Host": host}).status_code in (OK, TOO_MANY), f"{host} is answered")


def client(address: str = "127.0.0.1") -> httpx.Client:
    """Return an HTTP client with its own loopback address and cookies."""
    return httpx.Client(transport=httpx.HTTPTransport(local_address=address), timeout=15)
