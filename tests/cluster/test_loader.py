"""The loader fetches models for any server, from object storage or a hub, into a volume or a mounted cache."""

import hashlib
import json
from collections.abc import Iterator

import pytest

from tests.cluster.copies import SECRET, SMALL, Copy, entry, initialised, ready
from tests.cluster.s3 import BUCKET, SUMS, Models, uri
from tests.cluster.stack import Json, Stack, config_of, project_elsewhere
from tests.cluster.waiting import within

NAME = "loading"
DIGITS = "digits/1"
SPOILT = "loader-spoilt/1"
COMMIT = "5f0c" * 10
VOCABULARY = "one\ntwo\n"
PORT = 5000
FOLDER = "/srv/model"
WITHIN = ("python", "-c")


def server(model: Json | None, folder: str = FOLDER, health: str = f"/{SUMS}", **blocks: object) -> Json:
    """Return a web server independent of Slipway, which serves a folder and is ready if a file is there."""
    return {
        "image": "server",
        "server": "other",
        "command": ["python", "-m", "http.server", str(PORT), "--directory", folder],
        "port": PORT,
        "health": {"ready": health, "live": health, "startup": "40s"},
        "env": {"AWS_REGION": "of-the-server"},
        **({"model": {"path": FOLDER, "loader": "loader", **model}} if model else {}),
        "resources": SMALL,
        "scaling": {"replicas": 1},
        "rollout": {"progressDeadline": "120s", "timeout": "150s"},
        "drain": {"preStop": "1s", "drain": "2s", "grace": "4s", "requestTimeout": "2s"},
        "monitoring": None,
        **blocks,
    }


def hub() -> Json:
    """Return a server that acts as a model hub with one model at one commit."""
    content = VOCABULARY.encode()
    blob = hashlib.sha1(f"blob {len(content)}\0".encode() + content, usedforsecurity=False).hexdigest()
    siblings = [{"rfilename": "vocab.txt", "size": len(content), "blobId": blob}]
    root = "/srv/hub"
    files = {
        f"{root}/api/models/acme/tiny/revision/{COMMIT}": json.dumps({"sha": COMMIT, "siblings": siblings}),
        f"{root}/acme/tiny/resolve/{COMMIT}/vocab.txt": VOCABULARY,
    }
    return server(
        None,
        root,
        f"/acme/tiny/resolve/{COMMIT}/vocab.txt",
        fileMounts={path: {"text": text} for path, text in files.items()},
        exposure={"namespaces": [NAME]},
    )


@pytest.fixture(scope="module")
def copy(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    """The hub, and three servers: with a model from S3, with one through a cache, and with one from the hub."""
    stored: Json = {"name": "digits", "uri": uri(DIGITS), "secrets": [SECRET]}
    tiny: Json = {"name": "tiny", "uri": f"hf://acme/tiny@{COMMIT}", "external": "hub"}
    services: Json = {
        "hub": hub(),
        "stored": server(stored),
        "cached": server({**stored, "cache": {"volume": "shelf"}}, scaling={"replicas": 2}),
        "hubbed": server(tiny, health="/vocab.txt"),
    }
    made = entry(NAME, services, volumes={"shelf": {"size": "64Mi", "access": "ReadWriteMany"}})
    made["images"]["loader"] = {"context": "loader"}
    folder = project_elsewhere(tmp_path_factory.mktemp(NAME), made)
    with initialised(stack, folder, NAME) as copied:
        copied.settings["slipway:image"] = config_of("dev")["slipway:image"]
        copied.settings["slipway:externals"] = {"hub": {"url": f"http://hub.{NAME}", "targetPort": PORT}}
        copied.up()
        yield copied


@pytest.fixture(scope="module")
def models(stack: Stack) -> Models:
    return Models.of(stack.env)


def sums(copy: Copy, pod: Json) -> dict[str, str]:
    """Return the SHA-256 of each file that a pod's server sees."""
    script = (
        f"import hashlib,json,pathlib; root=pathlib.Path('{FOLDER}'); "
        "print(json.dumps({str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest() "
        "for p in root.rglob('*') if p.is_file()}))"
    )
    return json.loads(copy.kubectl("exec", pod["metadata"]["name"], "-c", "server", "--", *WITHIN, script))


def published(models: Models) -> dict[str, str]:
    return {name: hashlib.sha256(content).hexdigest() for name, content in models.files(DIGITS).items()}


@pytest.mark.parametrize("service", ["stored", "cached"])
def test_another_server_sees_exactly_the_published_model(copy: Copy, models: Models, service: str) -> None:
    for pod in copy.pods(service):
        assert sums(copy, pod) == published(models)


def test_a_model_from_a_hub_arrives(copy: Copy) -> None:
    (pod,) = copy.pods("hubbed")
    assert sums(copy, pod) == {"vocab.txt": hashlib.sha256(VOCABULARY.encode()).hexdigest()}


def test_the_server_can_neither_write_the_model_nor_see_its_keys(copy: Copy) -> None:
    (pod,) = copy.pods("stored")
    script = (
        f"import os; print(os.access('{FOLDER}', os.W_OK), os.environ['AWS_REGION'], "
        "'AWS_ACCESS_KEY_ID' in os.environ, 'AWS_ENDPOINT_URL' in os.environ)"
    )
    said = copy.kubectl("exec", pod["metadata"]["name"], "-c", "server", "--", *WITHIN, script)
    assert said.split() == ["False", "of-the-server", "False", "False"]


def test_of_two_pods_with_a_cache_one_fetched_and_later_ones_fetch_nothing(copy: Copy, facts: list[str]) -> None:
    first = [copy.fetched(pod) for pod in copy.pods("cached")]
    assert sorted(each["fromCache"] for each in first) == [False, True]
    names = {pod["metadata"]["name"] for pod in copy.pods("cached")}
    copy.kubectl("delete", "pod", "-l", "app.kubernetes.io/name=cached", "--wait=true")

    def renewed() -> bool:
        pods = copy.pods("cached")
        return len(pods) == 2 and all(ready(pod) and pod["metadata"]["name"] not in names for pod in pods)

    within(renewed, "two new pods are ready")
    later = [copy.fetched(pod) for pod in copy.pods("cached")]
    facts.append(f"loader: second start: {[each['bytesFetched'] for each in later]} bytes fetched")
    assert [(each["bytesFetched"], each["fromCache"]) for each in later] == [(0, True)] * 2


def test_the_loader_is_restricted_and_stays_below_its_memory(copy: Copy) -> None:
    for service in ("stored", "cached", "hubbed"):
        for pod in copy.pods(service):
            (state,) = [one for one in pod["status"]["initContainerStatuses"] if one["name"] == "model"]
            assert state["restartCount"] <= 3, "the hub may start later than its client"
            assert state["state"]["terminated"]["exitCode"] == 0


def test_nothing_changed_is_nothing_to_do(copy: Copy) -> None:
    done = copy.pulumi("preview", "--expect-no-changes")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_flipped_bit_is_refused_in_one_line_and_the_old_pods_answer(copy: Copy, models: Models) -> None:
    """Runs last in this file, because it leaves a failed update behind."""
    files = models.files(DIGITS)
    name = next(name for name in files if name != SUMS)
    spoilt = bytearray(files[name])
    spoilt[len(spoilt) // 2] ^= 1
    models.put(SPOILT, {**files, name: bytes(spoilt)})
    before = {pod["metadata"]["uid"] for pod in copy.pods("stored") if ready(pod)}
    try:
        done = copy.up(
            {"stored": {"slots": {"blue": {"model": {"uri": uri(SPOILT)}}}}},
            expect_success=False,
        )
        assert done.returncode != 0
        assert f"/{BUCKET}/{SPOILT}/{name}: sha256 hash is" in done.stdout + done.stderr
        assert before <= {pod["metadata"]["uid"] for pod in copy.pods("stored") if ready(pod)}
    finally:
        models.delete(SPOILT)
        copy.up()
