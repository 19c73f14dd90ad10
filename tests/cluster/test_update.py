"""Updates that succeed and updates that fail: the pods that serve meanwhile, and the message for the user."""

import time
from collections.abc import Iterator

import pytest

from tests.cluster import harm
from tests.cluster.stack import Stack, last_errors
from tests.cluster.traffic import Ingress


@pytest.mark.core
def test_nothing_changed_is_nothing_to_do(stack: Stack) -> None:
    done = stack.pulumi("preview", "--expect-no-changes")
    assert done.returncode == 0, done.stdout + done.stderr
    before = stack.workloads()
    assert before["pods"]
    stack.up()
    assert stack.workloads() == before


def test_a_rolling_update_fails_no_request(
    restored: Stack, ingress: Ingress, pictures: list[tuple[bytes, str]], facts: list[str]
) -> None:
    before = restored.pods("blue")
    config = restored.config()
    config["slipway:release"] = {"classifier": {"slots": {"blue": {"server": {"topK": 4}}}}}
    with ingress.load(pictures[0][0], per_second=50) as tally:
        restored.up(config)
    assert {pod["metadata"]["uid"] for pod in before}.isdisjoint(
        pod["metadata"]["uid"] for pod in restored.pods("blue")
    )
    facts.append(f"rolling update: {tally.statuses.total()} requests, failures {tally.failures}")
    assert tally.statuses.total() > 50
    assert not tally.failures


def test_a_bad_image_fails_with_the_pods_reason_while_the_old_pods_serve(
    restored: Stack, ingress: Ingress, pictures: list[tuple[bytes, str]], facts: list[str]
) -> None:
    repository = restored.service()["image"].partition("@")[0]
    before = restored.pods("blue")
    config = restored.config()
    missing = f"{repository}@sha256:{'0' * 64}"
    config["slipway:release"] = {"classifier": {"slots": {"blue": {"image": missing}}}}
    started = time.monotonic()
    with ingress.load(pictures[0][0]) as tally:
        done = restored.up(config, expect_success=False)
    seconds = time.monotonic() - started
    facts.append(
        f"bad image: up failed after {seconds:.0f} s; {tally.statuses.total()} requests, failures {tally.failures}"
    )
    assert done.returncode != 0
    assert "ImagePullBackOff" in last_errors(done) or "ErrImagePull" in last_errors(done)
    assert not tally.failures
    survivors = {pod["metadata"]["uid"] for pod in restored.pods("blue")}
    assert {pod["metadata"]["uid"] for pod in before} <= survivors


@pytest.fixture
def registry_stopped(stack: Stack) -> Iterator[Stack]:
    """The stack while the registry is stopped."""
    with harm.ended("registry"):
        yield stack


def test_a_dead_registry_stops_the_update_before_any_workload_changes(
    registry_stopped: Stack, ingress: Ingress, pictures: list[tuple[bytes, str]]
) -> None:
    before = registry_stopped.workloads()
    config = registry_stopped.config()
    config["slipway:image"]["args"] = {"MODEL_SEED": "2"}
    with ingress.load(pictures[0][0]) as tally:
        done = registry_stopped.up(config, expect_success=False)
    assert done.returncode != 0
    assert "docker-build:index:Image" in last_errors(done)
    assert registry_stopped.workloads() == before
    assert tally.statuses.total() > 0
    assert not tally.failures
