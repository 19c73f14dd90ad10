import json
import os
import socket
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from rich.console import Console

from local import deploy, up
from local.deploy import Answer
from local.errors import LocalError
from local.paths import Paths
from local.progress import Progress

SERVICE = {"url": "http://127.0.0.1:8080/predict", "host": "classifier.dev.slipway.test"}
ANSWER = {"predictions": [{"label": "7", "score": 0.9}], "served_by": {"slot": "blue"}}


@pytest.fixture
def progress() -> Progress:
    return Progress(Console(quiet=True))


def client(answer: Callable[[httpx.Request], httpx.Response]) -> httpx.Client:
    return httpx.Client(transport=httpx.MockTransport(answer))


def test_a_picture_is_sent_to_the_ingress_with_the_service_s_host() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert (str(request.url), request.headers["Host"]) == (SERVICE["url"], SERVICE["host"])
        assert request.read() == b"png"
        return httpx.Response(200, json=ANSWER)

    assert deploy.ask(client(answer), SERVICE, b"png", "7") == Answer(expected="7", label="7", slot="blue")


def test_a_route_that_is_not_there_yet_is_asked_again() -> None:
    statuses = [404, 503, 200]
    found = deploy.ask(client(lambda _: httpx.Response(statuses.pop(0), json=ANSWER)), SERVICE, b"png", "7")
    assert (found.slot, statuses) == ("blue", [])


def test_a_refused_picture_is_one_line_with_status_and_host() -> None:
    with pytest.raises(LocalError, match=r"Host: classifier\.dev\.slipway\.test\) answered 400 'no picture'"):
        deploy.ask(client(lambda _: httpx.Response(400, text="no picture\n")), SERVICE, b"x", "7")


def locked(paths: Paths, pid: int, host: str) -> Path:
    folder = paths.pulumi_backend / ".pulumi/locks/organization/slipway/dev"
    folder.mkdir(parents=True)
    lock = folder / "1.json"
    lock.write_text(json.dumps({"pid": pid, "username": "root", "hostname": host, "timestamp": "2026-01-01T00:00:00Z"}))
    return lock


@pytest.mark.parametrize(
    ("pid", "host", "stays"),
    [(2**22 + 1, socket.gethostname(), False), (os.getpid(), socket.gethostname(), True), (2**22 + 1, "other", True)],
    ids=["owner gone", "owner lives", "owner elsewhere"],
)
def test_only_a_lock_without_an_owner_is_released(
    paths: Paths, progress: Progress, pid: int, host: str, stays: bool
) -> None:
    lock = locked(paths, pid, host)
    deploy.free_stale_locks(paths, progress)
    assert lock.exists() is stays


def test_a_built_program_is_placed_by_its_content(tmp_path: Path) -> None:
    built = tmp_path / "cache/kubernetes-1/bin/kubernetes"
    built.parent.mkdir(parents=True)
    built.write_text("v1")
    called = built.with_name("kubectl")
    called.symlink_to("kubernetes")  # acts by the name it is called with
    link = tmp_path / "bin/kubectl"
    link.parent.mkdir()
    deploy.place(link, called, tmp_path / "cache")
    assert (link.read_text(), link.is_symlink()) == ("v1", False)


def test_a_newer_build_replaces_the_placed_one(tmp_path: Path) -> None:
    link = tmp_path / "bin/pulumi"
    link.parent.mkdir()
    for version in ("1", "2", "2"):
        built = tmp_path / f"cache/pulumi-{version}/pulumi"
        built.parent.mkdir(parents=True, exist_ok=True)
        built.write_text(version)
        deploy.place(link, built, tmp_path / "cache")
        assert link.read_text() == version


def test_a_program_of_another_installation_stays_where_it_is(tmp_path: Path) -> None:
    other = tmp_path / "opt/pulumi/bin/pulumi"
    other.parent.mkdir(parents=True)
    other.write_text("theirs")
    link = tmp_path / "pulumi"
    deploy.place(link, other, tmp_path / "cache")
    assert link.readlink() == other


def test_the_summary_names_url_digest_slots_pods_and_next_commands(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pods(_paths: Paths, stack: str, service: str, slot: str) -> list[str]:
        return [f"classifier-{stack}/{service}-{slot}-1"] if slot == "blue" else []

    monkeypatch.setattr(deploy, "pods_of", pods)
    image = "localhost:5050/classifier/server@sha256:" + "a" * 64
    slots = {"blue": {"image": image, "weight": 80}, "green": {"image": image, "weight": 20}}
    services = {"classifier": {**SERVICE, "image": image, "live": "blue", "slots": slots}}
    text = up.summary(paths, "dev", services, [Answer("7", "7", "blue"), Answer("1", "7", "green")])
    assert f"image    {image}" in text
    assert "blue     live, 1 pod(s): classifier-dev/classifier-blue-1" in text
    assert "green    20 % of requests, 0 pod(s): none" in text
    assert "2 test pictures answered, 1 correctly" in text
    assert f"--data-binary @{deploy.picture_file(paths)} http://127.0.0.1:8080/predict" in text
    assert "pulumi preview -s dev" in text
    assert "make down" in text


def test_the_summary_of_a_stack_without_pictures_names_what_only_the_cluster_reaches(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pods(_paths: Paths, _stack: str, _service: str, _slot: str) -> list[str]:
        return []

    monkeypatch.setattr(deploy, "pods_of", pods)
    internal = {"image": "localhost:5050/faces/server@sha256:0", "live": "blue", "slots": {"blue": {"weight": 100}}}
    text = up.summary(paths, "faces-dev", {"store": internal}, [])
    assert "url      inside the cluster only" in text
    assert "pulumi preview -s faces-dev" in text
    assert "test pictures" not in text


def stack_file(paths: Paths, stack: str, system: str) -> None:
    paths.project.mkdir(exist_ok=True)
    (paths.project / f"Pulumi.{stack}.yaml").write_text(f"config:\n  slipway:system: {{{system}}}\n")


def test_a_stack_that_the_project_does_not_have_is_named_with_those_that_it_has(paths: Paths) -> None:
    stack_file(paths, "dev", "entry: classifier, environment: dev")
    stack_file(paths, "faces-dev", "entry: faces, environment: dev")
    deploy.require_stack(paths, "faces-dev")
    with pytest.raises(
        LocalError, match=r"--stack face: Pulumi\.face\.yaml does not exist; known stacks: dev, faces-dev"
    ):
        deploy.require_stack(paths, "face")


def test_pods_are_looked_for_in_the_namespace_that_the_stack_file_says(paths: Paths) -> None:
    stack_file(paths, "dev", "entry: classifier, environment: dev")
    stack_file(paths, "mine", "entry: classifier, environment: dev, namespace: mine")
    assert [deploy.namespace_of(paths, stack) for stack in ("dev", "mine")] == ["classifier-dev", "mine"]


def test_test_pictures_go_only_to_services_with_a_route(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def ask(_client: httpx.Client, service: object, _picture: bytes, expected: str) -> Answer:
        asked.append(service)
        return Answer(expected, expected, "blue")

    monkeypatch.setattr(deploy, "ask", ask)
    paths.create()
    answers = deploy.try_out(paths, {"classifier": SERVICE, "worker": {"image": "i"}})
    assert asked == [SERVICE] * len(answers)
    assert len(answers) > 1
