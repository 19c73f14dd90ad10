"""Several stacks in one cluster: they coexist in separate namespaces, and are refused in a shared one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.copies import Copy, by_name, entry, initialised, service
from tests.cluster.stack import Json, Stack, last_errors, project_elsewhere
from tests.cluster.traffic import Ingress, slots

SYSTEM, FIRST, SECOND, INTRUDER = "letters", "letters", "letters-second", "letters-intruder"
MODEL = "s3://models/digits/1"


def content() -> Json:
    """A system with two environments, which differ in their host."""
    second: Json = {"services": {"reader": {"route": {"host": "second.letters.slipway.test", "path": "/predict"}}}}
    services = {"reader": service("letters", MODEL)}
    return entry(SYSTEM, services, environments={"dev": {}, "second": second})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return project_elsewhere(tmp_path_factory.mktemp(SYSTEM), content())


@pytest.fixture(scope="module")
def first(stack: Stack, folder: Path) -> Iterator[Copy]:
    with initialised(stack, folder, FIRST, entry=SYSTEM) as made:
        made.up()
        yield made


@pytest.fixture(scope="module")
def second(stack: Stack, folder: Path) -> Iterator[Copy]:
    with initialised(stack, folder, SECOND, entry=SYSTEM, environment="second") as made:
        made.settings["slipway:release"] = {"reader": {"slots": {"blue": {"image": _image(made)}}}}
        made.up()
        yield made


def _image(copy: Copy) -> str:
    return str(copy.settings["slipway:images"]["server"])


@pytest.fixture(scope="module")
def intruder(stack: Stack, folder: Path) -> Iterator[Copy]:
    """A stack that claims the namespace of the first one."""
    with initialised(stack, folder, INTRUDER, entry=SYSTEM, namespace=FIRST) as made:
        yield made


def state(copy: Copy) -> Json:
    """Return what must not change: every object's UID and version, and the pods' restarts."""
    kinds = "deployments,services,configmaps,secrets,ingresses,networkpolicies,resourcequotas,limitranges,pods"
    objects = {
        f"{item['kind']}/{name}": (item["metadata"]["uid"], item["metadata"].get("generation"))
        for name, item in by_name(copy.found(kinds)["items"]).items()
    }
    restarts = {
        pod["metadata"]["name"]: [status["restartCount"] for status in pod["status"]["containerStatuses"]]
        for pod in copy.pods("reader")
    }
    return {"objects": objects, "restarts": restarts, "labels": copy.found("namespace", FIRST)["metadata"]["labels"]}


def test_two_systems_serve_in_one_cluster(first: Copy, ingress: Ingress, pictures: list[tuple[bytes, str]]) -> None:
    sent = [png for png, _ in pictures[:20]]
    assert slots(first.ingress("reader").ask_all(sent)) == {"blue": 20}
    assert slots(ingress.ask_all(sent)) == {"blue": 20}


def test_two_stacks_of_one_system_serve_in_two_namespaces(
    first: Copy, second: Copy, pictures: list[tuple[bytes, str]]
) -> None:
    sent = [png for png, _ in pictures[:20]]
    pods = [copy.pods("reader")[0]["metadata"] for copy in (first, second)]
    assert [pod["namespace"] for pod in pods] == [FIRST, SECOND]
    for copy in (first, second):
        assert slots(copy.ingress("reader").ask_all(sent)) == {"blue": 20}
        done = copy.pulumi("preview", "--expect-no-changes")
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_second_stack_of_a_namespace_is_refused_in_one_line_and_changes_nothing(first: Copy, intruder: Copy) -> None:
    before = state(first)
    assert before["restarts"]
    done = intruder.up(expect_success=False)
    assert done.returncode != 0
    lines = [line.strip() for line in last_errors(done).splitlines() if f"namespace {FIRST}: already belongs" in line]
    assert len(lines) == 1, done.stdout + done.stderr
    assert "slipway:system.namespace" in lines[0]
    assert state(first) == before


def test_a_refused_stack_that_is_destroyed_takes_nothing_of_the_first_along(first: Copy, intruder: Copy) -> None:
    before = state(first)
    done = intruder.pulumi("destroy", "--yes", "--skip-preview")
    assert done.returncode == 0, done.stdout + done.stderr
    assert state(first) == before


def test_the_first_stack_goes_on_as_if_nothing_had_been(first: Copy) -> None:
    done = first.pulumi("preview", "--expect-no-changes", "--refresh")
    assert done.returncode == 0, done.stdout + done.stderr
