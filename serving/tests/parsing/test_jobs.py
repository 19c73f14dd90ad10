"""Jobs: submitted, processed by a Celery worker in this process and reported; a repetition changes no result."""

import base64
import io
import threading
from collections.abc import Generator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
import redis
from celery.worker import state
from PIL import Image

from serving.clients.result_cache import MemoryCache, cache_metrics
from serving.cpu import Threads
from serving.errors import UnreachableError
from serving.identity import Identity
from serving.payloads import parsing as role
from serving.payloads.parsing.answers import Answers, labels_of
from serving.payloads.parsing.consumer import Consumer
from serving.payloads.parsing.jobs import Jobs, Progress, open_jobs
from serving.payloads.parsing.loading import Parsing, Speeds
from serving.payloads.parsing.model import load_parser
from serving.payloads.parsing.training.people import Picture
from serving.payloads.parsing.worker import MOST_ATTEMPTS, PAYLOAD, TaskRunner, register, task_metrics
from serving.role.payload import Context
from serving.telemetry.metrics import Telemetry
from serving.tests.parsing.memory import MemoryInbox, jobs_in_memory
from serving.tests.support import Running, serve, wait_until

pytestmark = pytest.mark.slow  # real sockets and real waits

JPEG = {"content-type": "image/jpeg"}


@pytest.fixture(scope="module")
def inbox() -> MemoryInbox:
    return MemoryInbox()


@pytest.fixture(scope="module")
def telemetry() -> Telemetry:
    return Telemetry(Identity())


@pytest.fixture(scope="module")
def jobs(inbox: MemoryInbox, telemetry: Telemetry) -> Jobs:
    return jobs_in_memory(inbox, telemetry)


@pytest.fixture(scope="module")
def answers(parser_folder: Path, telemetry: Telemetry) -> Answers:
    return Answers(load_parser(parser_folder, 1, "float"), MemoryCache(cache_metrics(telemetry)), telemetry)


@pytest.fixture
def runner(answers: Answers, inbox: MemoryInbox, telemetry: Telemetry) -> TaskRunner:
    return TaskRunner(answers, inbox, task_metrics(telemetry), nullcontext)


@pytest.fixture(scope="module")
def consumer(jobs: Jobs, answers: Answers, inbox: MemoryInbox, telemetry: Telemetry) -> Generator[Consumer]:
    """A Celery worker in a thread that does the jobs; one for all tests."""
    made = Consumer(jobs.results)
    register(jobs.results, TaskRunner(answers, inbox, task_metrics(telemetry), made.busy))
    made.require(0)
    yield made
    ending = threading.Thread(target=made.stop)
    ending.start()
    wait_until(lambda: state.should_stop is not None, "the consumer is told to stop")
    jobs.submit([b"wakes it: an empty queue is looked at for seconds"])
    ending.join()


def large(picture: Picture) -> bytes:
    content = io.BytesIO()
    Image.fromarray(picture.pixels).resize((2100, 2000)).save(content, "JPEG")
    return content.getvalue()


def finished(jobs: Jobs, job: str) -> bool:
    progress = jobs.progress(job)
    return progress is not None and progress.state == "done"


def test_a_job_is_queued_then_done_and_its_answers_are_those_of_its_pictures_in_order(
    jobs: Jobs, inbox: MemoryInbox, request: pytest.FixtureRequest, people: list[Picture]
) -> None:
    sent = [people[0].encoded(), b"no picture", people[1].encoded()]
    job = jobs.submit(sent)
    assert jobs.progress(job) == Progress("queued", 0, 3)
    request.getfixturevalue("consumer")
    wait_until(lambda: finished(jobs, job), "the job is done")
    assert jobs.progress(job) == Progress("done", 3, 3)
    first, second, third = jobs.result(job)
    assert labels_of(base64.b64decode(first["mask"])).shape == people[0].labels.shape
    assert second["error"].startswith("the body is not a picture")
    assert labels_of(base64.b64decode(third["mask"])).shape == people[1].labels.shape
    wait_until(lambda: not inbox.pictures, "pictures that are done are forgotten")


def test_an_unknown_job_has_no_progress(jobs: Jobs) -> None:
    assert jobs.progress("unknown") is None


def test_a_message_that_is_delivered_again_changes_no_result(
    jobs: Jobs, inbox: MemoryInbox, consumer: Consumer, telemetry: Telemetry, people: list[Picture]
) -> None:
    assert consumer
    job = jobs.submit([people[0].encoded()])
    wait_until(lambda: finished(jobs, job), "the job is done")
    before = jobs.result(job)
    parsed = telemetry.registry.get_sample_value("parsing_pictures_total", {"outcome": "done"})
    assert parsed is not None
    wait_until(lambda: not inbox.pictures, "the picture is forgotten")
    inbox.missing = list(inbox.jobs[job])
    assert jobs.send_lost_again() == 1
    next_job = jobs.submit([people[1].encoded()])  # behind it in the queue
    wait_until(lambda: finished(jobs, next_job), "the queue is worked off")
    assert jobs.result(job) == before
    assert telemetry.registry.get_sample_value("parsing_pictures_total", {"outcome": "done"}) == parsed + 1


def test_a_message_that_got_lost_is_sent_again(
    jobs: Jobs, inbox: MemoryInbox, consumer: Consumer, people: list[Picture]
) -> None:
    assert consumer
    inbox.put("job", {"task-that-was-never-sent": people[0].encoded()})
    inbox.missing = ["task-that-was-never-sent"]
    assert jobs.send_lost_again() == 1
    wait_until(lambda: finished(jobs, "job"), "the lost picture is parsed")
    assert jobs.send_lost_again() == 0


def test_a_picture_that_kills_its_workers_is_refused_with_a_reason(
    runner: TaskRunner, inbox: MemoryInbox, people: list[Picture]
) -> None:
    inbox.put("job", {"task": people[0].encoded()})
    inbox.attempts["task"] = MOST_ATTEMPTS - 1
    last = runner.parse("task")
    assert last is not None
    assert "mask" in last
    given_up = runner.parse("task")
    assert given_up is not None
    assert given_up["error"] == f"the picture stopped {MOST_ATTEMPTS} workers; it is not retried"
    inbox.done("task")
    assert runner.parse("task") is None


def test_jobs_take_pictures_that_are_too_large_to_be_answered_at_once(
    jobs: Jobs, consumer: Consumer, people: list[Picture]
) -> None:
    assert consumer
    job = jobs.submit([large(people[0])])
    wait_until(lambda: finished(jobs, job), "the job is done")
    (answer,) = jobs.result(job)
    assert (answer["width"], answer["height"]) == (2100, 2000)


@pytest.mark.usefixtures("consumer")
def test_an_expired_picture_is_an_error_with_a_remedy(jobs: Jobs, inbox: MemoryInbox) -> None:
    inbox.jobs["forgotten"] = ["a-task-without-picture"]
    inbox.missing = ["a-task-without-picture"]
    assert jobs.send_lost_again() == 1
    wait_until(lambda: finished(jobs, "forgotten"), "the task has ended")
    assert jobs.result("forgotten") == [{"error": "the picture expired before a worker was free; send it again"}]


@pytest.mark.usefixtures("consumer")
def test_the_endpoints_report_the_progress_of_a_job(
    jobs: Jobs, inbox: MemoryInbox, answers: Answers, parser_folder: Path, people: list[Picture]
) -> None:

    def load(_: Context) -> Parsing:
        return Parsing(answers, jobs, Speeds(parser_folder, 1))

    payload = replace(role.PAYLOAD, load=load)
    inbox.queued = 7
    with serve(payload) as running:
        running.wait_ready()
        accepted = running.client.post("/api/jobs", content=people[0].encoded(), headers=JPEG)
        assert accepted.status_code == 202
        where = accepted.headers["location"]
        assert accepted.json()["links"] == {"self": where, "result": f"{where}/result"}
        wait_until(lambda: running.client.get(where).json()["state"] == "done", "the job is done")
        assert running.client.get(where).json()["progress"] == {"done": 1, "of": 1}
        result = running.client.get(f"{where}/result").json()
        assert (result["results"][0]["height"], result["results"][0]["width"]) == people[0].labels.shape
        assert result["palette"][1]["name"] == "hair"
        inbox.put("waiting", {"nobody-takes-it": b"x"})
        waiting = running.client.get("/api/jobs/waiting/result")
        assert waiting.status_code == 409
        assert waiting.json()["error"] == "job waiting is queued: 0 of 1 done"
        for unknown in ("unknown", "*"):
            assert running.client.get(f"/api/jobs/{unknown}").status_code == 404


def test_without_redis_pictures_are_answered_and_only_jobs_are_not(parser_folder: Path, people: list[Picture]) -> None:
    with serve(role.PAYLOAD, environment={"QUEUE_ADDRESS": "127.0.0.1:1"}, modelPath=str(parser_folder)) as running:
        running.wait_ready()
        assert running.client.post("/api/parse", content=people[0].encoded(), headers=JPEG).status_code == 200
        assert running.metric("results_cache_requests_total", outcome="error") > 0
        for refused in (
            running.client.post("/api/jobs", content=people[0].encoded(), headers=JPEG),
            running.client.get("/api/jobs/some-id"),
        ):
            assert refused.status_code == 503
            assert refused.headers["retry-after"] == "1"
            assert refused.json()["error"].startswith("queue: Redis at 127.0.0.1:1 does not answer (")
        assert running.client.get("/health").status_code == 200
        assert running.metric("parsing_queue_reachable") == 0


def test_a_worker_without_redis_is_not_ready_and_says_why(parser_folder: Path) -> None:
    with serve(PAYLOAD, environment={"QUEUE_ADDRESS": "127.0.0.1:1"}, modelPath=str(parser_folder)) as running:

        def reason() -> str:
            return running.client.get("/health").json().get("reason", "")

        wait_until(lambda: reason().startswith("queue: Redis at 127.0.0.1:1 does not answer"), "the reason is known")
        assert running.client.get("/health").status_code == 503


def test_a_worker_without_a_declared_queue_says_what_to_declare(parser_folder: Path) -> None:
    with serve(PAYLOAD, modelPath=str(parser_folder)) as running:
        wait_until(
            lambda: "QUEUE_ADDRESS: is not set" in running.client.get("/health").json().get("reason", ""),
            "the reason is known",
        )


def test_a_password_of_the_queue_reaches_celery_and_no_message(parsing: Running) -> None:
    service = parsing.service
    context = Context(
        settings=service.settings,
        identity=service.identity,
        threads=Threads(workers=1, intra_op=1),
        telemetry=service.telemetry,
        environment={"QUEUE_ADDRESS": "127.0.0.1:1", "QUEUE_PASSWORD": "se/cret@1"},
    )
    jobs = open_jobs(context)
    assert jobs.results.conf.broker_url == "redis://:se%2Fcret%401@127.0.0.1:1/0"
    with pytest.raises(UnreachableError) as caught:
        jobs.observe()
    assert "cret" not in str(caught.value)
    assert isinstance(caught.value.__cause__, redis.RedisError)
