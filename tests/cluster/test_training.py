"""A model from training to users: a Job trains and publishes it, an init container fetches it, a release names it."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.copies import SECRET, Copy, entry, initialised, service
from tests.cluster.s3 import SUMS, Models, uri
from tests.cluster.stack import Json, Stack, project_elsewhere
from tests.cluster.traffic import Ingress, slots
from tests.cluster.waiting import within

NAME = "training"
SERVICE, JOB = "pupil", "train"
KEEP_SECONDS, GONE_SECONDS = 40, 300
FLOOR = 0.95
LATER_PER_SECOND = 20


def prefix(version: int) -> str:
    return f"{NAME}-test/{version}"


BESIDE: Json = {
    "slots": {"blue": {}, "green": {"model": {"uri": uri(prefix(2))}}},
    "match": {"header": {"name": "X-New"}},
}
"""A release that fills green with the new model. Only requests with a header reach it."""


def training(version: int) -> Json:
    """Return the entry whose Job publishes this version, with a seed and a URI of its own."""
    job: Json = {
        "image": "trainer",
        "args": ["digits", "--publish", uri(prefix(version)), "--seed", str(version)],
        "objectStorage": True,
        "secrets": [SECRET],
        "before": [SERVICE],
        "resources": {
            "requests": {"cpu": "50m", "memory": "256Mi", "ephemeral-storage": "64Mi"},
            "limits": {"cpu": "1", "memory": "1Gi", "ephemeral-storage": "256Mi"},
        },
        "deadline": "4m",
        "keep": f"{KEEP_SECONDS}s",
    }
    blue = service(NAME, uri(prefix(1)))
    return entry(NAME, {SERVICE: blue}, environments={"dev": {"jobs": {JOB: job}}})


def write_entry(copy: Copy, version: int) -> None:
    (copy.folder / "catalog" / f"{NAME}.yaml").write_text(json.dumps(training(version)))


@pytest.fixture(scope="module")
def models(stack: Stack) -> Iterator[Models]:
    found = Models.of(stack.env)
    for version in (1, 2):
        found.delete(prefix(version))
    yield found
    for version in (1, 2):
        found.delete(prefix(version))


@pytest.fixture(scope="module")
def copy(stack: Stack, models: Models, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    assert models
    folder = project_elsewhere(tmp_path_factory.mktemp(NAME), training(1))
    with initialised(stack, folder, NAME) as made:
        yield made


@pytest.fixture(scope="module")
def trained(copy: Copy) -> dict[str, Any]:
    """The objects in the namespace right after the first `up`."""
    copy.up()
    (job,) = copy.found("jobs")["items"]
    (worker,) = copy.pods(JOB)
    log = copy.kubectl("logs", worker["metadata"]["name"])
    (server,) = copy.pods(SERVICE)
    return {"job": job, "worker": worker, "log": log, "server": server}


@pytest.fixture(scope="module")
def released(copy: Copy, trained: dict[str, Any], pictures: list[tuple[bytes, str]]) -> dict[str, Any]:
    """The next version, trained by another Job and served by green, under a load on blue."""
    write_entry(copy, 2)
    with copy.ingress(SERVICE).load(pictures[0][0], per_second=10) as tally:
        copy.up({SERVICE: BESIDE})
    jobs = copy.found("jobs")["items"]
    (newest,) = [job for job in jobs if job["metadata"]["name"] != trained["job"]["metadata"]["name"]]
    return {"job": newest, "tally": tally, "blue": copy.pods(SERVICE, "blue"), "green": copy.pods(SERVICE, "green")}


def right(ingress: Ingress, pictures: list[tuple[bytes, str]], headers: dict[str, str]) -> tuple[float, Counter[str]]:
    """Return the share of correctly read pictures, and the slots that answered."""
    answers = ingress.ask_all([png for png, _ in pictures], headers)
    share = sum(answer.label == label for answer, (_, label) in zip(answers, pictures, strict=True)) / len(pictures)
    return share, Counter(answer.slot for answer in answers)


def test_the_job_has_published_the_model_before_the_server_is_made(
    copy: Copy, models: Models, trained: dict[str, Any]
) -> None:
    published = models.files(prefix(1))
    assert {SUMS, "model.onnx", "metadata.json"} <= published.keys()
    ended = trained["job"]["status"]["completionTime"]
    assert trained["job"]["status"]["succeeded"] == 1
    assert ended <= copy.found("deployment", f"{SERVICE}-blue")["metadata"]["creationTimestamp"]
    said = json.loads(trained["log"].splitlines()[-1])
    assert (said["uri"], said["checksum"]) == (uri(prefix(1)), models.checksum(prefix(1)))


def test_the_job_works_on_temporary_resources_alone(trained: dict[str, Any]) -> None:
    spec = trained["worker"]["spec"]
    assert {kind for volume in spec["volumes"] for kind in volume if kind != "name"} == {"emptyDir"}
    (container,) = spec["containers"]
    assert container["resources"]["limits"] == {"cpu": "1", "memory": "1Gi", "ephemeral-storage": "256Mi"}
    assert spec["restartPolicy"] == "Never"


def test_the_server_fetched_exactly_what_the_job_published(copy: Copy, models: Models, trained: dict[str, Any]) -> None:
    fetched = copy.fetched(trained["server"])
    published = models.files(prefix(1))
    assert fetched["uri"] == uri(prefix(1))
    assert fetched["checksum"] == models.checksum(prefix(1))
    assert fetched["bytesFetched"] == sum(map(len, published.values()))
    assert fetched["fromCache"] is False


def test_held_out_digits_are_recognised_with_the_trained_model(
    copy: Copy, trained: dict[str, Any], pictures: list[tuple[bytes, str]], facts: list[str]
) -> None:
    assert trained
    share, slots = right(copy.ingress(SERVICE), pictures, {})
    facts.append(f"training: the Job's model recognises {share:.4f} of {len(pictures)} held-out pictures")
    assert slots == {"blue": len(pictures)}
    assert share >= FLOOR


def test_a_new_model_rolls_out_in_the_same_image_and_the_old_one_fails_no_request(
    copy: Copy, models: Models, trained: dict[str, Any], released: dict[str, Any]
) -> None:
    assert models.checksum(prefix(1)) != models.checksum(prefix(2))
    assert released["tally"].statuses.total() > 0
    assert not released["tally"].failures
    assert [pod["metadata"]["uid"] for pod in released["blue"]] == [trained["server"]["metadata"]["uid"]]
    (green,) = released["green"]
    assert copy.fetched(green)["checksum"] == models.checksum(prefix(2))
    images = {pod["spec"]["containers"][0]["image"] for pod in (green, trained["server"])}
    assert images == {copy.output(SERVICE)["image"]}


def test_both_models_answer_side_by_side(
    copy: Copy, released: dict[str, Any], pictures: list[tuple[bytes, str]], facts: list[str]
) -> None:
    assert released
    ingress = copy.ingress(SERVICE)
    new, newer = right(ingress, pictures, {"X-New": "always"})
    old, older = right(ingress, pictures, {})
    facts.append(f"training: version 1 recognises {old:.4f}, version 2 {new:.4f} of the held-out pictures")
    assert (older, newer) == ({"blue": len(pictures)}, {"green": len(pictures)})
    assert min(old, new) >= FLOOR


def test_the_new_model_takes_over_under_load_and_no_request_fails(
    copy: Copy, released: dict[str, Any], pictures: list[tuple[bytes, str]], facts: list[str]
) -> None:
    (green,) = released["green"]
    ingress = copy.ingress(SERVICE)
    with ingress.load(pictures[0][0], per_second=LATER_PER_SECOND) as tally:
        copy.up({SERVICE: {**BESIDE, "weight": 100}})
        within(lambda: slots(ingress.ask_all([pictures[0][0]] * 20)) == {"green": 20}, "green answers everybody")
        copy.up({SERVICE: {**BESIDE, "live": "green"}})
        share, answered = right(ingress, pictures, {})
    facts.append(f"training: {tally.statuses.total()} requests while the new model took over, {tally.failures} failed")
    assert tally.failures == {}
    assert (answered, share >= FLOOR) == ({"green": len(pictures)}, True)
    assert [pod["metadata"]["uid"] for pod in copy.pods(SERVICE, "green")] == [green["metadata"]["uid"]]


def test_an_ended_job_is_removed_by_the_cluster_and_not_missed_by_the_stack(
    copy: Copy, released: dict[str, Any]
) -> None:
    name = released["job"]["metadata"]["name"]
    assert released["job"]["spec"]["ttlSecondsAfterFinished"] == KEEP_SECONDS
    copy.kubectl("wait", "--for=delete", f"job/{name}", f"--timeout={GONE_SECONDS}s")
    copy.kubectl("wait", "--for=delete", "pod", "-l", f"app.kubernetes.io/name={JOB}", f"--timeout={GONE_SECONDS}s")
    done = copy.pulumi("preview", "--expect-no-changes")
    assert done.returncode == 0, done.stdout + done.stderr
