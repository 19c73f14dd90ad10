"""Claims on the embedded cluster: volumes come on demand, belong to who asked, and leave nothing when they go."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.stack import Stack, run
from tests.cluster.waiting import until

Json = dict[str, Any]
IMAGE = "localhost:5050/base/python:bookworm"
NAMESPACE = "volumes-test"
LIMIT_SECONDS = 300
USER = 10001


class Volumes:
    """A namespace of one test run, and what is in it."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.folder = Path(stack.env["KUBECONFIG"]).parent.parent / "volumes"

    def kubectl(self, *arguments: str) -> str:
        done = run("kubectl", "--namespace", NAMESPACE, *arguments, env=self._stack.env)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def claim(self, name: str, mode: str, storage_class: str | None = None) -> None:
        spec: Json = {"accessModes": [mode], "resources": {"requests": {"storage": "1Gi"}}}
        if storage_class:
            spec["storageClassName"] = storage_class
        self._apply({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec})

    def pod(self, name: str, claim: str, script: str, *, group: int | None = USER) -> None:
        security: Json = {"runAsUser": USER, "runAsGroup": USER} | ({} if group is None else {"fsGroup": group})
        container = {
            "name": "shell",
            "image": IMAGE,
            "command": ["sh", "-c", script],
            "volumeMounts": [{"name": "data", "mountPath": "/data"}],
        }
        volume = {"name": "data", "persistentVolumeClaim": {"claimName": claim}}
        spec: Json = {"restartPolicy": "Never", "securityContext": security, "containers": [container]}
        self._apply(
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec | {"volumes": [volume]}}
        )

    def exit_code(self, pod: str) -> int:
        """Wait for a pod's end."""
        done = run(
            "kubectl", "--namespace", NAMESPACE, "wait", f"pod/{pod}", f"--timeout={LIMIT_SECONDS}s",
            "--for=jsonpath={.status.containerStatuses[0].state.terminated}", env=self._stack.env,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr + self.kubectl("describe", f"pod/{pod}")
        code = "--output=jsonpath={.status.containerStatuses[0].state.terminated.exitCode}"
        return int(self.kubectl("get", f"pod/{pod}", code))

    def _apply(self, content: Json) -> None:
        file = self._stack.folder / f"{content['metadata']['name']}.json"
        file.write_text(json.dumps(content))
        self.kubectl("apply", f"--filename={file}")


@pytest.fixture(scope="module")
def volumes(stack: Stack) -> Iterator[Volumes]:
    made = run("kubectl", "create", "namespace", NAMESPACE, env=stack.env)
    assert made.returncode == 0, made.stderr
    yield Volumes(stack)
    run("kubectl", "delete", "namespace", NAMESPACE, "--wait=false", env=stack.env)


def test_a_claim_of_the_default_class_is_written_by_the_pod_s_group_and_read_by_the_next_pod(volumes: Volumes) -> None:
    volumes.claim("own", "ReadWriteOnce")
    volumes.pod("writer", "own", "id -u > /data/who")
    assert volumes.exit_code("writer") == 0
    volumes.pod("reader", "own", f"test $(cat /data/who) = {USER}")
    assert volumes.exit_code("reader") == 0


def test_a_pod_without_the_group_cannot_write_as_on_a_cloud_s_volume(volumes: Volumes) -> None:
    volumes.claim("groupless", "ReadWriteOnce")
    volumes.pod("groupless", "groupless", "touch /data/file", group=None)
    assert volumes.exit_code("groupless") != 0


def test_two_pods_share_a_claim_of_the_fast_class(volumes: Volumes) -> None:
    volumes.claim("shared", "ReadWriteMany", "fast")
    wait = f"n=0; until test -e /data/%s; do n=$((n+1)); test $n -lt {LIMIT_SECONDS * 10} || exit 1; sleep 0.1; done"
    volumes.pod("left", "shared", f"touch /data/left && {wait % 'right'}")
    volumes.pod("right", "shared", f"touch /data/right && {wait % 'left'}")
    assert [volumes.exit_code(pod) for pod in ("left", "right")] == [0, 0]


def test_a_mode_that_only_csi_volumes_have_is_refused_with_the_reason(volumes: Volumes) -> None:
    volumes.claim("alone", "ReadWriteOncePod")
    volumes.pod("alone", "alone", "true")
    event = "--field-selector=involvedObject.name=alone,reason=ProvisioningFailed"
    asked = ("get", "events", event, "--output=jsonpath={.items[*].message}")
    _, found = until(lambda: volumes.kubectl(*asked), LIMIT_SECONDS, "the claim is refused")
    assert "ReadWriteOncePod is for CSI volumes only: use ReadWriteOnce" in found


def test_a_deleted_claim_takes_its_folder_along(volumes: Volumes) -> None:
    volumes.claim("gone", "ReadWriteOnce")
    volumes.pod("gone", "gone", "touch /data/file")
    assert volumes.exit_code("gone") == 0
    volume = volumes.kubectl("get", "pvc/gone", "--output=jsonpath={.spec.volumeName}")
    assert (volumes.folder / volume / "file").is_file()
    volumes.kubectl("delete", "pod/gone", "pvc/gone")
    volumes.kubectl("wait", "--for=delete", f"pv/{volume}", f"--timeout={LIMIT_SECONDS}s")
    assert not (volumes.folder / volume).exists()
