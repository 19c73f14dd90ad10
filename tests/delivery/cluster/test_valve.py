"""The valve beside the Lease: it writes over nothing that it has not read, nor for a driver that was succeeded."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from delivery.cluster import client as api
from delivery.cluster import valve
from delivery.errors import ClusterUnavailable, Lost, StaleObject
from tests.delivery.world import SERVICE, World, world
from tests.samples import Config

WEIGHT = "nginx.ingress.kubernetes.io/canary-weight"


@dataclass
class Ingress:
    """The canary Ingress in an API server: versions, and server-side apply that names one."""

    version: int = 1
    written: list[str] = field(default_factory=list[str])
    after_reading: Callable[[], None] = lambda: None

    def call(self, method: str, _: str, body: Config | None = None, **query: str) -> Config:
        metadata: Config = {
            "name": "web-canary", "resourceVersion": str(self.version), "annotations": {},
            "managedFields": [{"operation": "Apply", "manager": "pulumi-kubernetes-x"}],
        }  # fmt: skip
        if method == "GET":
            self.after_reading()
            return {"metadata": metadata}
        assert body is not None
        assert query == {"fieldManager": "pulumi-kubernetes-x", "force": "true"}
        if body["metadata"].get("resourceVersion") not in (None, str(self.version)):
            raise StaleObject("409 the object has been modified")
        self.version += 1
        self.written.append(body["metadata"]["annotations"][WEIGHT])
        return {}


@pytest.fixture
def given(tmp_path: Path) -> World:
    found = world(tmp_path)
    found.begin(manual=True)
    return found


def moved(given: World, ingress: Ingress, confirm: Callable[[], None] = lambda: None) -> bool:
    cluster: Any = api.Cluster("none")
    cluster._call = ingress.call
    stack = given.stack
    release = given.release.model_copy(update={"weight": 20})
    return valve.move(cluster, stack.spec(), SERVICE, release, confirm=confirm)


def test_it_writes_the_weight(given: World) -> None:
    ingress = Ingress()
    assert moved(given, ingress)
    assert ingress.written == ["20"]


def test_what_was_written_since_it_was_read_is_read_again(given: World) -> None:
    """A controller that writes a status, for instance."""
    ingress, read = Ingress(), list[int]()

    def another() -> None:
        read.append(1)

    def confirm() -> None:
        ingress.version += len(read) == 1

    ingress.after_reading = another
    assert moved(given, ingress, confirm)
    assert (ingress.written, len(read)) == (["20"], 2)


def test_a_driver_that_sleeps_between_its_confirmation_and_its_write_writes_nothing_over_its_successor(
    given: World,
) -> None:
    ingress, asked = Ingress(), list[int]()

    def confirm() -> None:
        if asked:
            raise Lost("bob has taken over the stack")
        asked.append(1)
        ingress.version += 1  # bob wrote weight 0 while it slept after this

    with pytest.raises(Lost):
        moved(given, ingress, confirm)
    assert ingress.written == []


def test_an_object_that_never_stays_as_it_was_read_is_left_to_the_update(given: World) -> None:
    ingress = Ingress()

    def confirm() -> None:
        ingress.version += 1

    with pytest.raises(ClusterUnavailable, match="keeps changing"):
        moved(given, ingress, confirm)
    assert ingress.written == []
