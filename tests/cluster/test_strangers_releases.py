"""Releases of servers that strangers bring (examples/servers): good ones lose no request, bad ones go back.

Each server's image is built by its own stack, as in test_any_server.py, and then runs by digest in another environment.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import pytest

from tests.cluster import registry
from tests.cluster.asking import Asked, asking
from tests.cluster.commanded import Commanded
from tests.cluster.program import deployed
from tests.cluster.releasing import ROLLED_BACK
from tests.cluster.stack import Json, Stack
from tests.cluster.strangers import FIRST, SERVERS, Example, Stranger, stranger

pytestmark = pytest.mark.long

CANARY: Json = {"strategy": "canary", "warm": "5s", "steps": [50, 100]}
ROLLING: Json = {"strategy": "rolling"}


@dataclass(frozen=True)
class Life:
    """A server, and the load that it has had since it was there."""

    system: Stranger
    asked: Asked

    def release(self, image: str, strategy: Json) -> Commanded:
        """Release an image by this strategy."""
        self.system.strategy(strategy)
        return self.system.slipway("release", "--image", image)


@pytest.fixture(scope="module", params=SERVERS)
def life(request: pytest.FixtureRequest, stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    name: str = request.param
    make = partial(tmp_path_factory.mktemp, name)
    with deployed(Example.laid_out(stack, make(), name)) as example:
        image = example.image()
    with stranger(stack, make(), name, image, FIRST) as system:
        first = system.slipway("release", "--image", image)
        assert first.code == 0, first.said
        with asking(system, make()) as asked:
            yield Life(system, asked)


def again(system: Stranger, number: int) -> str:
    """Push the good image under another digest."""
    repository, _, digest = system.original.partition("@")
    return registry.pushed_again(repository, digest, str(number))


@pytest.mark.parametrize(("number", "strategy"), [(1, CANARY), (2, ROLLING)], ids=["canary", "rolling"])
def test_a_good_version_is_promoted_and_no_request_is_lost(
    life: Life, number: int, strategy: Json, facts: list[str], request: pytest.FixtureRequest
) -> None:
    command = life.release(again(life.system, number), strategy)
    assert command.code == 0, command.said
    assert command.document["result"] == "promoted"
    facts.append(f"{request.node.callspec.id}: {life.asked.count(command.began)} requests, {command.seconds:.0f} s")
    assert not life.asked.failed(command.began)
    life.system.agrees()


@pytest.mark.parametrize(("every", "delay"), [(5, 0.0), (0, 0.3)], ids=["20 % errors", "+300 ms"])
def test_a_bad_canary_is_rolled_back(
    life: Life, every: int, delay: float, facts: list[str], request: pytest.FixtureRequest
) -> None:
    command = life.release(life.system.spoiled(every=every, delay=delay), CANARY)
    assert command.code == ROLLED_BACK, command.said
    failed = life.asked.failed(command.began)
    facts.append(f"{request.node.callspec.id}: {dict(failed)} of {life.asked.count(command.began)} requests failed")
    assert failed.total() < life.asked.count(command.began) / 10
    life.system.agrees()
