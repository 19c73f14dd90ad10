"""Small systems beside the dev stack: entry, stack, namespace and hosts of their own, its images and its wiring.

Nothing is built: the classifier's images are there already, so an `up` takes as long as its pods.
"""

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import httpx
import yaml

from tests.cluster import registry
from tests.cluster.program import Program, created
from tests.cluster.stack import Done, Json, Stack, config_of, last_errors, project_elsewhere, run
from tests.cluster.traffic import Ingress
from tests.cluster.waiting import PATIENCE_SECONDS, within

SECRET = "object-storage"  # noqa: S105 -- its name
SMALL: Json = {
    "requests": {"cpu": "20m", "memory": "128Mi", "ephemeral-storage": "64Mi"},
    "limits": {"cpu": "1", "memory": "512Mi", "ephemeral-storage": "256Mi"},
}
MANAGEMENT_PORT = 9090
_NO_ROUTE_YET = {404, 502, 503}


def service(host: str, uri: str, **blocks: object) -> Json:
    """A classifier with a model from somewhere; quick to start and to stop."""
    return {
        "image": "server",
        "args": ["digits"],
        "port": 5000,
        "managementPort": MANAGEMENT_PORT,
        "model": {"name": "digits", "uri": uri, "secrets": [SECRET] if uri.startswith("s3://") else []},
        "resources": SMALL,
        "scaling": {"replicas": 1},
        "health": {"startup": "20s"},
        "rollout": {"progressDeadline": "90s", "timeout": "120s"},
        "drain": {"preStop": "1s", "drain": "5s", "grace": "6s", "requestTimeout": "5s"},
        "route": {"host": f"{host}.slipway.test", "path": "/predict"},
        "monitoring": None,
        **blocks,
    }


def entry(name: str, services: Json, **parts: object) -> Json:
    """A catalogue entry with these services, in one environment."""
    return {
        "name": name,
        "images": {key: {"context": "serving", "target": key} for key in ("server", "trainer")},
        "secrets": {SECRET: {"keys": ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]}},
        "services": services,
        "environments": {"dev": {}},
        **parts,
    }


def image(key: str) -> str:
    """One of the classifier's images by digest, as the dev stack built it."""
    repository = f"{config_of('dev')['slipway:image']['registry']}/classifier/{key}"
    return f"{repository}@{registry.digest_of(repository, 'dev')}"


@dataclass(frozen=True)
class Copy(Program):
    """One stack of a small system."""

    settings: Json
    """Its stack file's configuration."""

    @property
    def namespace(self) -> str:
        return str(self.settings["slipway:system"]["namespace"])

    def up(self, release: Json | None = None, *, expect_success: bool = True) -> Done:
        """Run `pulumi up`, with this ``slipway:release``."""
        self.write({"slipway:release": release} if release else {})
        done = self.pulumi("up", "--yes", "--skip-preview")
        assert not expect_success or done.returncode == 0, done.stdout + done.stderr
        return done

    def write(self, changes: Json) -> None:
        """Write its stack file."""
        file = self.folder / f"Pulumi.{self.name}.yaml"
        file.write_text(yaml.safe_dump({"config": {**self.settings, **changes}}))

    def output(self, service: str) -> Json:
        """Return the stack's output for a service."""
        return self.outputs()[service]

    def ingress(self, service: str) -> Ingress:
        """Where a service is asked, once the proxy has seen its pods: it tells nobody when."""
        found = self.output(service)

        def routed() -> bool:
            return httpx.post(found["url"], headers={"Host": found["host"]}).status_code not in _NO_ROUTE_YET

        within(routed, f"the proxy finds a pod of {service}")
        return Ingress(found["url"], found["host"])

    def fetched(self, pod: Json) -> Json:
        """What a pod's init container says that it fetched."""
        return cast("Json", json.loads(self.kubectl("logs", pod["metadata"]["name"], "-c", "model").splitlines()[-1]))

    def applied(self, *manifests: Json) -> None:
        """Create objects that are not the stack's, as another person would."""
        file = self.stack.folder / f"beside-{self.name}.json"
        file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": list(manifests)}))
        done = run("kubectl", "apply", "-f", str(file), env=self.stack.env)
        assert done.returncode == 0, done.stderr


@contextmanager
def initialised(stack: Stack, folder: Path, name: str, **choice: str) -> Generator[Copy]:
    """Return a stack of the project in that folder, not yet up; everything of it is gone at the end.

    Unless chosen otherwise, ``slipway:system`` is the entry and the namespace of the stack's name, as ``dev``.
    """
    dev = config_of("dev")
    settings: Json = {
        "slipway:system": {"entry": name, "environment": "dev", "namespace": name, **choice},
        "slipway:cluster": dev["slipway:cluster"],
        "slipway:images": {"server": image("server"), "trainer": image("trainer")},
        **{key: dev[key] for key in ("slipway:objectStorage", "slipway:secrets")},
    }
    copy = Copy(stack, folder, name, settings)
    copy.write({})
    with created(copy):
        try:
            yield copy
        finally:
            copy.write({})


@contextmanager
def running(stack: Stack, folder: Path, content: Json, release: Json | None = None, **choice: str) -> Generator[Copy]:
    """Have an entry's stack up from a folder of its own, with this ``slipway:release``."""
    with initialised(stack, project_elsewhere(folder, content), str(content["name"]), **choice) as copy:
        copy.up(release)
        yield copy


def said_by(done: Done, workload: str) -> list[str]:
    """Return the lines of a failed update in which a workload's pods say what is wrong."""
    lines = (line.strip() for line in last_errors(done).splitlines())
    return [line for line in lines if f"pod {workload}-" in line]


def by_name(items: list[Json]) -> dict[str, Json]:
    """Index objects by name."""
    return {item["metadata"]["name"]: item for item in items}


def ready(pod: Json) -> bool:
    """Whether the pod gets requests."""
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", []))


def fill_claim(copy: Copy, claim: str, source: str, folder: str = "") -> None:
    """Make a claim in the namespace and put a model on it, as somebody would who is not the stack."""
    keys = {"AWS_ACCESS_KEY_ID": "SLIPWAY_S3_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY": "SLIPWAY_S3_SECRET_KEY"}
    told = {"AWS_ENDPOINT_URL": copy.stack.env["SLIPWAY_S3_ENDPOINT"], "AWS_REGION": "us-east-1"}
    told |= {key: copy.stack.env[variable] for key, variable in keys.items()}
    container: Json = {
        "name": "fill",
        "image": image("server"),
        "command": ["python", "-m", "serving.fetch", source, f"/claim/{folder}"],
        "env": [{"name": key, "value": value} for key, value in told.items()],
        "volumeMounts": [{"name": "claim", "mountPath": "/claim"}, {"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "resources": SMALL,
    }
    spec: Json = {
        "restartPolicy": "Never",
        "securityContext": {
            "runAsNonRoot": True, "runAsUser": 10001, "fsGroup": 10001, "seccompProfile": {"type": "RuntimeDefault"}
        },
        "containers": [container],
        "volumes": [
            {"name": "claim", "persistentVolumeClaim": {"claimName": claim}}, {"name": "tmp", "emptyDir": {}}
        ],
    }  # fmt: skip
    here = {"name": claim, "namespace": copy.namespace}
    asked = {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "64Mi"}}}
    copy.applied(
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": here, "spec": asked},
        {"apiVersion": "v1", "kind": "Pod", "metadata": here, "spec": spec},
    )
    state = ".status.containerStatuses[0].state.terminated"
    copy.kubectl("wait", f"pod/{claim}", f"--for=jsonpath={{{state}}}", f"--timeout={PATIENCE_SECONDS:.0f}s")
    exit_code = copy.kubectl("get", f"pod/{claim}", "-o", f"jsonpath={{{state}.exitCode}}")
    assert exit_code == "0", copy.kubectl("logs", claim)
    copy.kubectl("delete", f"pod/{claim}")


def made_namespace(copy: Copy) -> None:
    """Make the namespace before the stack does, and hand it over, for what must be in it when the stack comes."""
    entry = copy.settings["slipway:system"]["entry"]
    owned = {"slipway.dev/stack": copy.name, "app.kubernetes.io/part-of": entry}
    metadata: Json = {"name": copy.namespace, "labels": owned}
    copy.applied({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
