"""Why pods do not come is in the last lines of `pulumi up`, soon, and for every Deployment that failed."""

import base64
import io
import json
import os
import signal
import ssl
import subprocess
import tarfile
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.cluster import faulty, registry
from tests.cluster.copies import Copy, entry, image, initialised, running, service
from tests.cluster.stack import Json, Stack, last_errors, project_elsewhere
from tests.cluster.waiting import within

pytestmark = pytest.mark.long

NAME, SERVICE, NEWCOMER = "reasons", "pupil", "newcomer"
MODEL = "s3://models/digits/1"
SECONDS = 40
"""Within which the cause must be told."""
UNWRITABLE = """
import os, sys, traceback
if sys.orig_argv[1:3] == ["-m", "serving"]:
    try:
        open("/app/cache", "w")
    except OSError:
        traceback.print_exc()
    for number in range(12):
        print("worker", number, "says good-bye", file=sys.stderr)
    print("Stopping parent process [1]", file=sys.stderr, flush=True)
    os._exit(3)
"""
"""Runs before the server: it fails as one that writes to the root file system."""


def content(*names: str, **blocks: object) -> Json:
    rollout = {"progressDeadline": "120s", "timeout": "180s"}
    return entry(NAME, {name: service(name, MODEL, rollout=rollout, **blocks) for name in names})


def unwritable() -> Json:
    """Push an image whose server writes to the root file system; return it as ``slipway:images``."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        code = tarfile.TarInfo("app/sitecustomize.py")
        code.size, code.mode = len(UNWRITABLE), 0o644
        tar.addfile(code, io.BytesIO(UNWRITABLE.encode()))
    repository, _, digest = image("server").partition("@")
    return {"server": registry.pushed_with(repository, digest, layer.getvalue())}


def failed(copy: Copy, images: Json | None = None) -> tuple[str, float]:
    """Run an update that must fail; return its errors and the seconds that it took."""
    changes = {"slipway:images": {**copy.settings["slipway:images"], **images}} if images else {}
    copy.write(changes)
    began = time.monotonic()
    done = copy.pulumi("up", "--yes", "--skip-preview")
    took = time.monotonic() - began
    assert done.returncode != 0, done.stdout + done.stderr
    return last_errors(done), took


def up(copy: Copy) -> None:
    """Restore the good version, and check that nothing is left to change."""
    copy.up()
    done = copy.pulumi("preview", "--expect-no-changes")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def copy(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    with running(stack, tmp_path_factory.mktemp(NAME), content(SERVICE)) as made:
        yield made


def another() -> Json:
    """An image that differs in nothing but its digest, so that new pods must come."""
    return {"server": faulty.image(image("server"), faulty.good(7))}


@contextmanager
def full_quota(copy: Copy, _: Path) -> Generator[None]:
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "full", "namespace": copy.namespace}}
    copy.applied({**quota, "spec": {"hard": {"pods": "1"}}})
    try:
        within(lambda: "used" in copy.found("resourcequota", "full").get("status", {}), "the quota is counted", SECONDS)
        yield
    finally:
        copy.kubectl("delete", "resourcequota", "full")


@contextmanager
def refusing_webhook(copy: Copy, folder: Path) -> Generator[None]:
    """Have a webhook that refuses every pod of the namespace."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", *subject]
    subprocess.run([*made, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Refuses)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    bundle = base64.b64encode(certificate.read_bytes()).decode()
    hook: Json = {
        "name": "policy.example.com",
        "clientConfig": {"url": f"https://127.0.0.1:{server.server_address[1]}/", "caBundle": bundle},
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": copy.namespace}},
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    kind = "ValidatingWebhookConfiguration"
    described = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": {"name": NAME}}
    copy.applied({**described, "webhooks": [hook]})
    try:
        yield
    finally:
        copy.kubectl("delete", kind.lower(), NAME)
        server.shutdown()
        server.server_close()


class _Refuses(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        said = {"uid": asked["request"]["uid"], "allowed": False, "status": {"message": "no team label"}}
        body = json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": said}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class's name
        pass


@contextmanager
def nothing(_: Copy, __: Path) -> Generator[None]:
    yield


Around = Callable[[Copy, Path], AbstractContextManager[None]]
CHANGES: dict[str, tuple[Around, Callable[[], Json], tuple[str, ...]]] = {
    "a full quota": (full_quota, another, ("FailedCreate: ", "exceeded quota: full", "ResourceQuota is full")),
    "a refusing webhook": (
        refusing_webhook,
        another,
        ('admission webhook "policy.example.com" denied the request: no team label', "ask its owner"),
    ),
    "a read-only root file system": (
        nothing,
        unwritable,
        ("error in its log: OSError: [Errno 30] Read-only file system: '/app/cache'", "write below /tmp"),
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_the_cause_of_a_change_whose_pods_do_not_come_is_told_soon(
    name: str, copy: Copy, tmp_path: Path, facts: list[str]
) -> None:
    around, images, expected = CHANGES[name]
    pods = {pod["metadata"]["uid"] for pod in copy.pods(SERVICE)}
    with around(copy, tmp_path):
        said, took = failed(copy, images())
        facts.append(f"{name}: the cause was told after {took:.0f} s")
        assert [one for one in expected if one not in said] == [], said
        assert "good-bye" not in said
        assert pods <= {pod["metadata"]["uid"] for pod in copy.pods(SERVICE)}, "the old pods serve"
        assert took < SECONDS
    up(copy)


FIRST: dict[str, tuple[Json, tuple[str, ...]]] = {
    "a missing priority class": (
        {"scheduling": {"priorityClass": "nope"}},
        ("FailedCreate: ", "no PriorityClass with name nope was found", "scheduling.priorityClass"),
    ),
    "a wrong command": ({"args": ["nonsense"]}, ("role 'nonsense': unknown role", "correct args")),
}


@pytest.mark.parametrize("name", FIRST)
def test_the_cause_of_a_first_deployment_without_pods_is_told_soon(
    name: str, stack: Stack, tmp_path: Path, facts: list[str]
) -> None:
    blocks, expected = FIRST[name]
    with beginning(stack, tmp_path, content(NEWCOMER, **blocks)) as made:
        said, took = failed(made)
        facts.append(f"{name}: the cause was told after {took:.0f} s")
        assert [one for one in expected if one not in said] == [], said
        assert took < SECONDS


@contextmanager
def beginning(stack: Stack, folder: Path, described: Json) -> Generator[Copy]:
    """Return a stack that is not up, beside the one of this module."""
    described = {**described, "name": f"{NAME}-first"}
    with initialised(stack, project_elsewhere(folder, described), f"{NAME}-first") as made:
        yield made


def test_every_deployment_that_failed_is_told(stack: Stack, tmp_path: Path) -> None:
    described = content("one", "two", "three", args=["nonsense"])
    described["services"]["three"]["scheduling"] = {"priorityClass": "nope"}
    with beginning(stack, tmp_path, described) as made:
        said, _ = failed(made)
    for name in ("one", "two"):
        assert f"pod {name}-blue-" in said
    assert "ReplicaSet three-blue-" in said
    assert said.count("unknown role") == 2


def test_an_update_after_a_failed_one_fails_too_until_the_cause_is_gone(copy: Copy, tmp_path: Path) -> None:
    images = another()
    with full_quota(copy, tmp_path):
        failed(copy, images)
        said, _ = failed(copy, images)
        assert "exceeded quota: full" in said
    up(copy)


def test_a_larger_number_is_waited_for_and_deletions_too(copy: Copy) -> None:
    """A changed number of pods is no new template, and a Deployment that is deleted is gone when the update ends."""
    file = copy.folder / "catalog" / f"{NAME}.yaml"
    before = file.read_text("utf-8")
    file.write_text(json.dumps(content(SERVICE, scaling={"replicas": 2})), "utf-8")
    try:
        copy.up()
        assert copy.found("deployment", f"{SERVICE}-blue")["status"]["availableReplicas"] == 2
    finally:
        file.write_text(before, "utf-8")
    up(copy)


def pods_of(copy: Copy) -> set[str]:
    """Return the uids of all pods that do not terminate."""
    pods = copy.found("pods")["items"]
    return {pod["metadata"]["uid"] for pod in pods if not pod["metadata"].get("deletionTimestamp")}


def test_the_annotation_of_an_older_state_is_added_without_new_pods(copy: Copy) -> None:
    """As after an upgrade: the state and the object have no annotation yet."""
    name = f"{SERVICE}-blue"
    before, pods = copy.found("deployment", name), pods_of(copy)
    copy.kubectl("annotate", "deployment", name, "pulumi.com/waitFor-")
    assert copy.pulumi("refresh", "--yes", "--skip-preview").returncode == 0
    up(copy)
    after = copy.found("deployment", name)
    assert "pulumi.com/waitFor" in after["metadata"]["annotations"]
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert pods_of(copy) == pods


def refused(copy: Copy) -> bool:
    """Return whether a ReplicaSet cannot create its pods, so that the update waits for them."""
    sets = copy.found("replicasets")["items"]
    return any(one["type"] == "ReplicaFailure" for each in sets for one in each["status"].get("conditions", []))


def test_an_interrupted_update_ends_at_once(copy: Copy, tmp_path: Path) -> None:
    with full_quota(copy, tmp_path):
        copy.write({"slipway:images": {**copy.settings["slipway:images"], **another()}})
        command = ["pulumi", "up", "--yes", "--skip-preview", "-s", copy.name, "-C", str(copy.folder)]
        update = subprocess.Popen(command, env=copy.stack.env, stdout=subprocess.DEVNULL, start_new_session=True)
        within(lambda: refused(copy), "the pods are refused", SECONDS)
        os.kill(update.pid, signal.SIGINT)
        assert update.wait(20) != 0
    up(copy)
