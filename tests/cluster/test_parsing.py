"""Human parsing on the cluster: it parses well, at once and by jobs, and loses no job with a pod or a store."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from serving.payloads.parsing.api import MOST_FILES
from serving.payloads.parsing.iou import overlap
from serving.payloads.parsing.labels import PARTS
from serving.payloads.parsing.train import FLOOR
from serving.payloads.parsing.training.people import HELD_OUT, Picture, held_out
from tests.cluster.browser import Browser, Keys, browser
from tests.cluster.copies import ready
from tests.cluster.parsing import (
    COLOURS_OF_FIRST_MASK,
    QUEUE,
    SERVICE,
    WORKER,
    Parsing,
    done_of,
    fetched,
    finished,
    large,
    mask_of,
    measured,
    process_of,
    restarts,
    submitted,
    uid,
)
from tests.cluster.program import deployed
from tests.cluster.stack import Stack
from tests.cluster.waiting import within

KILLED = 128 + 9
OK = 200


@pytest.fixture(scope="module")
def parsing(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parsing]:
    made = Parsing.laid_out(stack, tmp_path_factory.mktemp("parsing"))
    with deployed(made):
        with made.client() as asked:
            within(lambda: asked.get("/health").status_code == OK, "the proxy has seen the pods")
        yield made


@pytest.fixture(scope="module")
def people() -> list[Picture]:
    """Pictures that no model was trained on."""
    return held_out()


@pytest.fixture
def client(parsing: Parsing) -> Iterator[httpx.Client]:
    with parsing.client() as made:
        yield made


def test_held_out_pictures_are_parsed_above_the_floor_in_batches(
    parsing: Parsing, client: httpx.Client, people: list[Picture], facts: list[str]
) -> None:
    assert len(people) == HELD_OUT >= 100
    began = time.monotonic()
    reached = measured(client, people)
    seconds = time.monotonic() - began
    facts.append(
        f"parsing: mean IoU {reached:.4f} on {len(people)} held-out pictures, {len(people) / seconds:.0f} a second"
    )
    assert reached >= FLOOR
    assert len(parsing.ready(SERVICE)) == 2


def test_one_picture_is_answered_with_mask_areas_and_palette(client: httpx.Client, people: list[Picture]) -> None:
    sent = people[0].encoded("PNG")
    reply = client.post("/api/parse", content=sent, headers={"content-type": "image/png"}).json()
    (result,) = reply["results"]
    assert mask_of(result).shape == people[0].labels.shape
    assert result["areas"].keys() == {part["name"] for part in reply["palette"]}
    png = client.post("/api/parse", content=sent, headers={"content-type": "image/png", "accept": "image/png"})
    assert png.headers["content-type"] == "image/png"


def test_a_picture_that_one_replica_has_parsed_comes_from_the_cache_of_all(
    parsing: Parsing, client: httpx.Client, people: list[Picture]
) -> None:
    sent = people[1].encoded("PNG")
    answers = [
        client.post("/api/parse", content=sent, headers={"content-type": "image/png"}).json()["results"][0]
        for _ in range(12)
    ]
    assert [answer["cached"] for answer in answers[1:]] == [True] * 11
    hits = [parsing.metrics(pod)['results_cache_requests_total{outcome="hit"}'] for pod in parsing.ready(SERVICE)]
    assert len(hits) == 2
    assert min(hits) > 0, "one replica alone answered: the cache may be its own"


@pytest.mark.core
def test_a_job_is_submitted_told_of_and_its_results_are_those_of_its_pictures(
    parsing: Parsing, client: httpx.Client, people: list[Picture], facts: list[str]
) -> None:
    refused = client.post("/api/parse", content=large(0), headers={"content-type": "image/jpeg"})
    assert refused.status_code == 413
    assert "/api/jobs" in refused.json()["error"]
    began = time.monotonic()
    job = submitted(client, [large(0), people[0].encoded(), b"no picture"])
    within(lambda: finished(client, job), "the job is done")
    facts.append(f"parsing: a job of one 13-megapixel picture and two others: {time.monotonic() - began:.1f} s")
    first, second, third = client.get(f"{job}/result").json()["results"]
    assert (first["width"], first["height"]) == (3600, 3600)
    assert overlap([(mask_of(second), people[0].labels)]).mean > 0.5
    assert third["error"].startswith("the body is not a picture")
    (worker,) = parsing.ready(WORKER)
    assert parsing.metrics(worker)['parsing_pictures_total{outcome="done"}'] >= 2


def test_a_worker_killed_in_the_middle_loses_no_picture(
    parsing: Parsing, client: httpx.Client, facts: list[str]
) -> None:
    (worker,) = parsing.ready(WORKER)
    process = process_of(worker, "parsing.worker")
    job = submitted(client, [large(number) for number in range(10, 16)])
    within(lambda: done_of(client, job) >= 1, "the worker is in the middle")
    process.kill()
    at_kill = done_of(client, job)
    assert at_kill < 6, "the job was done before the worker was killed: nothing was shown"
    seconds = within(lambda: finished(client, job), "the next worker ends the job")
    facts.append(f"parsing: worker killed after {at_kill} of 6 pictures, all done {seconds:.0f} s later")
    results = client.get(f"{job}/result").json()["results"]
    assert [(result["width"], "error" in result) for result in results] == [(3600, False)] * 6
    (after,) = parsing.pods(WORKER)
    assert restarts(after) == restarts(worker) + 1
    assert after["status"]["containerStatuses"][0]["lastState"]["terminated"]["exitCode"] == KILLED


def test_the_queue_is_measured_without_any_worker_and_a_message_that_got_lost_is_sent_again(
    parsing: Parsing, client: httpx.Client
) -> None:
    """A worker that dies between taking a message and noting it leaves no trace of it: here the list is deleted."""
    parsing.kubectl("scale", f"deployment/{WORKER}-blue", "--replicas=0")
    try:
        parsing.kubectl("wait", "--for=delete", "pod", "-l", f"app.kubernetes.io/name={WORKER}", "--timeout=300s")
        service = parsing.ready(SERVICE)[0]
        job = submitted(client, [large(number, side=500) for number in (17, 18)])
        within(lambda: parsing.metrics(service)["parsing_queue_length"] == 2, "the service has measured the queue")
        assert parsing.kubectl("exec", f"{QUEUE}-0", "--", "redis-cli", "del", "parsing").strip() == "1"
    finally:
        parsing.kubectl("scale", f"deployment/{WORKER}-blue", "--replicas=1")
    within(lambda: finished(client, job), "both pictures are parsed")
    within(lambda: len(parsing.ready(WORKER)) == 1, "the worker is ready again")


def test_while_redis_is_away_pictures_are_answered_and_jobs_wait_and_all_recovers(
    parsing: Parsing, client: httpx.Client, people: list[Picture], facts: list[str]
) -> None:
    within(lambda: len(parsing.ready(WORKER)) == 1, "the worker is ready")
    (worker,) = parsing.ready(WORKER)
    job = submitted(client, [large(number) for number in range(20, 26)])
    within(lambda: done_of(client, job) >= 1, "the worker is in the middle")
    parsing.kubectl("scale", f"statefulset/{QUEUE}", "--replicas=0")
    try:
        within(lambda: not parsing.pods(QUEUE), "Redis is gone")
        within(lambda: parsing.health(worker)[0] == 503, "the worker says that it is not ready")
        assert parsing.health(worker)[1].startswith("queue: ")
        within(lambda: not parsing.ready(WORKER), "the kubelet has seen it")
        refused = client.get(job)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert measured(client, people[:MOST_FILES]) > 0.5
        assert len(parsing.ready(SERVICE)) == 2, "the service needs Redis to be ready"
    finally:
        parsing.kubectl("scale", f"statefulset/{QUEUE}", "--replicas=1")
    seconds = within(lambda: finished(client, job), "the job goes on")
    facts.append(f"parsing: Redis away in the middle of a job, all done {seconds:.0f} s after its return")
    within(lambda: [uid(pod) for pod in parsing.ready(WORKER)] == [uid(worker)], "the same worker is ready again")
    assert all("mask" in result for result in client.get(f"{job}/result").json()["results"])


@pytest.fixture
def page(parsing: Parsing) -> Iterator[Browser]:
    output = parsing.output()
    with browser(output["url"], output["host"]) as opened:
        opened.until(lambda: "mean IoU" in opened.text("#model"), "the page knows the model")
        yield opened
        assert opened.complaints() == []


@pytest.fixture(scope="module")
def files(people: list[Picture], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("pictures")
    made = [folder / f"people-{number}.jpg" for number in range(3)]
    for path, picture in zip(made, people[4:], strict=False):
        path.write_bytes(picture.encoded())
    return made


def test_a_person_uploads_pictures_by_keyboard_and_sees_the_masks(page: Browser, files: list[Path]) -> None:
    page.choose("#files", files)
    page.press("#send", Keys.ENTER)
    page.until(lambda: page.text("#status") == "Done: 3 pictures.", "the masks are shown")
    assert page.count("article") == 3
    assert page.count("#legend li") == len(PARTS)
    drawn = page.script(
        "return [...document.querySelectorAll('article img')].map(i => [i.naturalWidth, i.clientWidth])"
    )
    assert len(drawn) == 9
    assert all(natural > 0 and shown > 0 for natural, shown in drawn)
    seen = {tuple(colour) for colour in page.script(COLOURS_OF_FIRST_MASK)}
    assert len(seen) >= 4
    assert seen <= {part.colour for part in PARTS}
    assert page.screenshot("parsing-page.png").stat().st_size > 10_000
    page.press("#opacity", Keys.HOME)
    assert page.script("return getComputedStyle(document.querySelector('.stack img + img')).opacity") == "0"


def test_the_page_sends_large_pictures_as_a_job_and_shows_its_result(page: Browser, tmp_path: Path) -> None:
    path = tmp_path / "large.jpg"
    path.write_bytes(large(30))
    page.choose("#files", [path])
    page.press("#send", Keys.ENTER)
    page.until(lambda: "the limit here is 4000000" in page.text("#error"), "the refusal is shown")
    assert page.complaints(), "the browser itself notes a refused request"
    page.press("#later")
    page.press("#send", Keys.ENTER)
    page.until(lambda: page.text("#status") == "Done: 1 picture.", "the job's result is shown")
    assert "3600 \u00d7 3600" in page.text("article")
    assert not page.text("#error")


def test_the_page_shows_what_is_wrong_with_one_picture_beside_the_masks_of_others(
    page: Browser, files: list[Path], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    page.choose("#files", [broken, files[0]])
    page.press("#send", Keys.ENTER)
    page.until(lambda: page.count("article") == 2, "both are shown")
    assert "the body is not a picture" in page.text("article:first-child [role=alert]")
    assert page.count("article:last-child img") == 3


def test_a_second_cold_start_fetches_nothing_and_all_pods_share_the_cache(parsing: Parsing, facts: list[str]) -> None:
    before = {uid(pod) for pod in parsing.pods(SERVICE)}
    parsing.kubectl("delete", "pod", "-l", f"app.kubernetes.io/name={SERVICE}", "--wait=true")
    within(lambda: len(parsing.ready(SERVICE)) == 2, "two new pods are ready")
    pods = parsing.ready(SERVICE)
    assert before.isdisjoint(uid(pod) for pod in pods)
    said = [fetched(parsing, pod) for pod in pods]
    facts.append(f"parsing: second cold start: {[each['bytesFetched'] for each in said]} bytes fetched")
    assert [(each["bytesFetched"], each["fromCache"]) for each in said] == [(0, True)] * 2
    claims = {
        volume["persistentVolumeClaim"]["claimName"]
        for pod in [*pods, *parsing.ready(WORKER)]
        for volume in pod["spec"]["volumes"]
        if "persistentVolumeClaim" in volume
    }
    assert len(claims) == 1, claims


def test_readiness_tells_the_model_and_the_time(client: httpx.Client, parsing: Parsing) -> None:
    shown = client.get("/health").json()
    assert (shown["status"], shown["model_loaded"]) == ("healthy", True)
    assert shown["timestamp"]
    for pod in parsing.pods(SERVICE):
        container = pod["spec"]["containers"][0]
        assert container["readinessProbe"]["httpGet"]["path"] == "/health"
        assert container["ports"][0]["containerPort"] == 7860
        assert ready(pod)


def test_the_quantised_variant_is_a_setting_and_reaches_the_floor_too(
    parsing: Parsing, client: httpx.Client, people: list[Picture], facts: list[str]
) -> None:
    assert client.get("/api/model").json()["model"]["variant"] == "float"
    image = parsing.output()["image"]
    parsing.configure(**{SERVICE: {"slots": {"blue": {"server": {"variant": "int8"}}}}})
    try:
        parsing.up()
        within(lambda: client.get("/api/model").json()["model"]["variant"] == "int8", "the quantised model serves")
        assert parsing.output()["image"] == image, "a setting built another image"
        shown = client.get("/api/model").json()
        reached = measured(client, people)
    finally:
        parsing.configure()
        parsing.up()
    speed = {name: variant["milliseconds"] for name, variant in shown["variants"].items()}
    sizes = {name: variant["file_bytes"] for name, variant in shown["variants"].items()}
    facts.append(f"parsing: int8 mean IoU {reached:.4f}; inference {speed} ms, {sizes} bytes")
    assert reached >= FLOOR
    assert abs(reached - shown["variants"]["int8"]["mean_iou"]) < 0.01
    assert sizes["int8"] < sizes["float"] / 2
