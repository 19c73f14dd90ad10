"""A model that cannot be fetched: which pods serve meanwhile, what the update says, and how it recovers.

Two services serve a good model, and one after the other is told to turn to one that it cannot get. After each test both
serve again.
"""

import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.cluster import harm
from tests.cluster.copies import Copy, entry, fill_claim, initialised, made_namespace, ready, said_by, service
from tests.cluster.s3 import Models, uri
from tests.cluster.stack import Done, Json, Stack, local, project_elsewhere
from tests.cluster.traffic import Tally

NAME = "faults"
STORED, CLAIMED = "stored", "claimed"
GOOD, SPOILT, PINNED, LATE = (f"{NAME}-test/{version}" for version in (1, 2, 3, 4))
RECOVERY_SECONDS = 300
"""Time limit in seconds for a recovery, because the kubelet retries after 10, 20 and 40 s."""


def content(**blocks: object) -> Json:
    services = {
        STORED: service(STORED, uri(GOOD), **blocks),
        CLAIMED: service(CLAIMED, "pvc://here", **blocks),
    }
    volumes = {claim: {"size": "64Mi", "existing": claim, "access": "ReadWriteMany"} for claim in ("here", "later")}
    return entry(NAME, services, volumes=volumes)


@dataclass
class Failed:
    """A failed update."""

    done: Done
    seconds: float
    tally: Tally
    pod: Json
    """The pod that does not become ready."""


@dataclass
class Faulty:
    """The deployed system, and the release that its stack file declares."""

    copy: Copy
    picture: bytes
    release: Json = field(default_factory=dict[str, object])

    def turned(self, name: str, model: Json) -> Failed:
        """Deploy a model that a service cannot fetch, under load."""
        before = self.live(name)
        assert before
        self.release[name] = {"slots": {"blue": {"model": model}}}
        with self.copy.ingress(name).load(self.picture, per_second=10) as tally:
            began = time.monotonic()
            done = self.copy.up(self.release, expect_success=False)
            seconds = time.monotonic() - began
        assert self.live(name) == before, "who served serves on"
        (pod,) = [pod for pod in self.copy.pods(name) if not ready(pod)]
        return Failed(done, seconds, tally, pod)

    def live(self, name: str) -> set[str]:
        """Return the UIDs of the ready pods."""
        return {pod["metadata"]["uid"] for pod in self.copy.pods(name) if ready(pod)}

    def recovered(self, name: str, pod: Json) -> float:
        """Wait until the stuck pod itself serves and the earlier pod is deleted; return the seconds that it took."""
        began = time.monotonic()
        timeout = f"--timeout={RECOVERY_SECONDS}s"
        self.copy.kubectl("wait", f"pod/{pod['metadata']['name']}", "--for=condition=Ready", timeout)
        self.copy.kubectl("wait", f"deployment/{name}-blue", "--for=jsonpath={.status.replicas}=1", timeout)
        assert self.live(name) == {pod["metadata"]["uid"]}
        return time.monotonic() - began

    def logged(self, pod: Json, reason: str) -> None:
        """Wait until the init container logs the reason; a container that has just restarted has no log yet."""
        end = time.monotonic() + RECOVERY_SECONDS
        while reason not in (log := self.copy.kubectl("logs", pod["metadata"]["name"], "-c", "model")):
            assert time.monotonic() < end, log
            time.sleep(0.5)

    def settled(self) -> None:
        """Assert that an update succeeds and that the next preview has no changes."""
        self.copy.up(self.release)
        done = self.copy.pulumi("preview", "--expect-no-changes")
        assert done.returncode == 0, done.stdout + done.stderr


def judge(failed: Failed, workload: str, reason: str) -> None:
    """Assert that the update failed with one line that gives the reason, and that no request failed."""
    assert failed.done.returncode != 0
    lines = said_by(failed.done, workload)
    assert len(lines) == 1, failed.done.stdout + failed.done.stderr
    assert reason in lines[0]
    assert failed.tally.statuses.total() > 0
    assert not failed.tally.failures


@pytest.fixture(scope="module")
def models(stack: Stack) -> Iterator[Models]:
    """Good models, and one with a byte that was changed after publication."""
    found = Models.of(stack.env)
    good = found.files("digits/1")
    for prefix in (GOOD, PINNED, LATE):
        found.put(prefix, good)
    model = good["model.onnx"]
    found.put(SPOILT, {**good, "model.onnx": model[:-1] + bytes([model[-1] ^ 1])})
    yield found
    for prefix in (GOOD, SPOILT, PINNED, LATE):
        found.delete(prefix)


@pytest.fixture(scope="module")
def faulty(
    stack: Stack, models: Models, pictures: list[tuple[bytes, str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Faulty]:
    assert models
    folder = project_elsewhere(tmp_path_factory.mktemp(NAME), content())
    with initialised(stack, folder, NAME) as copy:
        made_namespace(copy)
        fill_claim(copy, "here", uri(GOOD))
        copy.up()
        # The following tests use short deadlines.
        hasty = content(health={"startup": "15s"}, rollout={"progressDeadline": "15s", "timeout": "15s"})
        (folder / "catalog" / f"{NAME}.yaml").write_text(json.dumps(hasty))
        copy.up()
        yield Faulty(copy, pictures[0][0])


def test_a_spoilt_model_is_refused_and_served_without_help_once_it_is_put_right(
    faulty: Faulty, models: Models, facts: list[str]
) -> None:
    failed = faulty.turned(STORED, {"uri": uri(SPOILT)})
    judge(failed, STORED, "SHA256SUMS lists")
    faulty.logged(failed.pod, "SHA256SUMS lists")
    models.put(SPOILT, models.files(GOOD))
    seconds = faulty.recovered(STORED, failed.pod)
    facts.append(
        f"faults: spoilt model: up failed after {failed.seconds:.0f} s, served {seconds:.0f} s after its repair"
    )


def test_a_wrong_pin_is_refused_and_repaired_by_the_next_update(
    faulty: Faulty, models: Models, facts: list[str]
) -> None:
    failed = faulty.turned(STORED, {"uri": uri(PINNED), "checksum": f"sha256:{'0' * 64}"})
    judge(failed, STORED, "correct the model or the pin")
    faulty.logged(failed.pod, "or the pin")
    facts.append(f"faults: wrong pin: up failed after {failed.seconds:.0f} s")
    faulty.release[STORED] = {"slots": {"blue": {"model": {"uri": uri(PINNED), "checksum": models.checksum(PINNED)}}}}
    faulty.settled()
    (pod,) = faulty.copy.pods(STORED)
    assert faulty.copy.fetched(pod)["checksum"] == models.checksum(PINNED)


def test_a_missing_claim_is_named_and_used_without_help_once_it_is_there(
    faulty: Faulty, models: Models, facts: list[str]
) -> None:
    failed = faulty.turned(CLAIMED, {"uri": "pvc://later"})
    judge(failed, CLAIMED, 'persistentvolumeclaim "later" not found')
    spec = {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "64Mi"}}}
    here = {"name": "later", "namespace": faulty.copy.namespace}
    faulty.copy.applied({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": here, "spec": spec})
    faulty.copy.kubectl("wait", "pvc/later", "--for=jsonpath={.status.phase}=Bound", f"--timeout={RECOVERY_SECONDS}s")
    put_on_the_node(faulty.copy, "later", models.files(GOOD))
    seconds = faulty.recovered(CLAIMED, failed.pod)
    facts.append(f"faults: missing claim: up failed after {failed.seconds:.0f} s, served {seconds:.0f} s after it came")


def put_on_the_node(copy: Copy, claim: str, files: dict[str, bytes]) -> None:
    """Write files to a claim's volume as the node's administrator, because the waiting pod holds the volume."""
    volume = copy.kubectl("get", f"pvc/{claim}", "-o", "jsonpath={.spec.volumeName}")
    folder = Path(copy.stack.env["KUBECONFIG"]).parent.parent / "volumes" / volume
    for name, content in files.items():
        (folder / name).write_bytes(content)
        shutil.chown(folder / name, 10001, 10001)


@pytest.fixture
def storage_down(faulty: Faulty) -> Iterator[str]:
    """The endpoint of the object storage, which is stopped during the test."""
    with harm.ended("s3"):
        yield faulty.copy.stack.env["SLIPWAY_S3_ENDPOINT"]


def test_without_object_storage_the_old_model_serves_on_and_the_new_one_comes_without_help_once_it_is_back(
    faulty: Faulty, storage_down: str, facts: list[str]
) -> None:
    failed = faulty.turned(STORED, {"uri": uri(LATE)})
    reason = f"object storage at {storage_down} cannot be reached"
    judge(failed, STORED, reason)
    assert reason in faulty.copy.kubectl("logs", failed.pod["metadata"]["name"], "-c", "model")
    assert local("up", "--no-deploy").returncode == 0
    seconds = faulty.recovered(STORED, failed.pod)
    facts.append(
        f"faults: storage down: up failed after {failed.seconds:.0f} s, served {seconds:.0f} s after its return"
    )
    faulty.settled()
