"""One system for all tests of releases, under load from before its first deployment to after its last release."""

from collections.abc import Iterator

import pytest

from tests.cluster import faulty, seen
from tests.cluster.building import Building, building
from tests.cluster.commanded import Commanded
from tests.cluster.releasing import CANARY, SERVICE, Life, releasing
from tests.cluster.seen import Load
from tests.cluster.stack import Json, Stack

RATE = 100
"""Requests per second to a system whose tree changes."""


@pytest.fixture(scope="package")
def begun(
    stack: Stack, tmp_path_factory: pytest.TempPathFactory, pictures: list[tuple[bytes, str]]
) -> Iterator[tuple[Life, Commanded]]:
    """The system with a load since before its deployment, and the release that deployed it."""
    folder = tmp_path_factory.mktemp("moving")
    with (
        releasing(stack, folder, "moving", CANARY) as system,
        seen.running(system.ingress, pictures[0][0], tmp_path_factory.mktemp("load")) as load,
    ):
        first = system.release(faulty.good(0))
        assert first.code == 0, first.said
        yield Life(system, load), first


@pytest.fixture(scope="package")
def life(begun: tuple[Life, Commanded]) -> Life:
    """The deployed system."""
    return begun[0]


@pytest.fixture(scope="module")
def made(request: pytest.FixtureRequest, stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Building]:
    strategy: Json = request.param
    with building(stack, tmp_path_factory.mktemp("tree"), f"tree-{strategy['strategy'].lower()}", strategy) as found:
        yield found


@pytest.fixture(scope="module")
def load(made: Building, pictures: list[tuple[bytes, str]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Load]:
    made.copy.ingress(SERVICE)
    with seen.running(made.driven.ingress, pictures[0][0], tmp_path_factory.mktemp("load"), per_second=RATE) as found:
        yield found
