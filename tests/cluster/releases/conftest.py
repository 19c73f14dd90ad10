"""One system for all tests of releases, under load from before its first deploy to after its last release."""

from collections.abc import Iterator

import pytest

from tests.cluster import faulty, seen
from tests.cluster.commanded import Commanded
from tests.cluster.releasing import CANARY, Life, releasing
from tests.cluster.stack import Stack


@pytest.fixture(scope="package")
def begun(
    stack: Stack, tmp_path_factory: pytest.TempPathFactory, pictures: list[tuple[bytes, str]]
) -> Iterator[tuple[Life, Commanded]]:
    """The system, asked from before it was there, and the release that deployed it."""
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
    """The system, deployed."""
    return begun[0]
