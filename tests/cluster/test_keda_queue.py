"""Human parsing's worker under KEDA (`make up WITH=keda`): from no pod to several and back, and no job is lost."""

import time
from collections.abc import Iterator

import pytest

from tests.cluster.parsing import WORKER, Parsing, done_of, finished, large, submitted
from tests.cluster.program import deployed
from tests.cluster.stack import Json, Stack
from tests.cluster.waiting import within

pytestmark = pytest.mark.long

POLLING_SECONDS, COOLDOWN_SECONDS, MOST = 5, 45, 3
"""The cooldown is longer than Celery's visibility timeout (30 s): a picture that a killed worker held is back in the
list, which is all that KEDA sees, before the last pod goes."""
SCALING: Json = {
    "minReplicas": 0,
    "maxReplicas": MOST,
    "polling": f"{POLLING_SECONDS}s",
    "cooldown": f"{COOLDOWN_SECONDS}s",
    "behavior": {"scaleDown": {"stabilization": "15s"}},
    "triggers": {"jobs": {"redis": {"store": "queue", "list": "parsing", "length": 5}}},
}
JOBS, PICTURES = 10, 4


@pytest.fixture(scope="module")
def parsing(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parsing]:
    made = Parsing.laid_out(stack, tmp_path_factory.mktemp("parsing"), scaling=SCALING)
    with deployed(made):
        yield made


def test_workers_come_with_the_queue_answer_every_job_and_go(parsing: Parsing, facts: list[str]) -> None:
    idle = within(lambda: not parsing.pods(WORKER), "nobody works: the queue is empty")
    # Each another one: a picture that was parsed before comes from the cache.
    contents = [[large(PICTURES * job + number, 2400) for number in range(PICTURES)] for job in range(JOBS)]
    with parsing.client() as client:
        began = time.monotonic()
        jobs = [submitted(client, pictures) for pictures in contents]
        sent = time.monotonic() - began
        within(lambda: bool(parsing.pods(WORKER)), "a first pod comes")
        pod = time.monotonic() - began
        within(lambda: any(done_of(client, job) for job in jobs), "the first picture is done")
        first, most = time.monotonic() - began, 0
        while not all(finished(client, job) for job in jobs):
            assert time.monotonic() - began < 300, "not every job is done"
            most = max(most, len(parsing.pods(WORKER)))
            time.sleep(0.5)
        last = time.monotonic() - began
        results = [result for job in jobs for result in client.get(f"{job}/result").json()["results"]]
    zero = within(lambda: not parsing.pods(WORKER), "nobody works again")
    facts.append(
        f"KEDA on the queue: {JOBS} jobs of {PICTURES} pictures in {sent:.1f} s; first pod after {pod:.1f} s, first "
        f"answer {first:.1f} s, all {last:.1f} s with {most} workers; no pod {zero:.0f} s after the last answer "
        f"(cooldown {COOLDOWN_SECONDS} s); at the start no pod after {idle:.0f} s"
    )
    assert len(results) == JOBS * PICTURES
    assert not [result for result in results if "error" in result]
    assert most > 1


def test_with_no_pod_an_update_has_nothing_to_do(parsing: Parsing) -> None:
    done = parsing.pulumi("preview", "--expect-no-changes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not parsing.pods(WORKER)
