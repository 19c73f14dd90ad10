"""`slipway check` after a good release, for each strategy: without requests, and when every answer is a 500."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import misbehaving, seen
from tests.cluster.commanded import Commanded
from tests.cluster.faulty import Fault
from tests.cluster.releasing import (
    BLUE_GREEN,
    CANARY,
    INCONCLUSIVE,
    ROLLED_BACK,
    ROLLING,
    SERVICE,
    SIDE_BY_SIDE,
    WAITS,
    Releasing,
    releasing,
)
from tests.cluster.stack import Json, Stack

WINDOW = 10
"""Seconds that a check looks back."""
SCRAPED = 3
"""Seconds until Prometheus has scraped the last answers: several intervals."""


@pytest.fixture(scope="module")
def system(
    stack: Stack, tmp_path_factory: pytest.TempPathFactory, pictures: list[tuple[bytes, str]]
) -> Iterator[Releasing]:
    with releasing(stack, tmp_path_factory.mktemp("checking"), "checking", CANARY) as made:
        with seen.running(made.ingress, pictures[0][0], tmp_path_factory.mktemp("load")):
            first = made.release(Fault(variant=100))
        assert first.code == 0, first.said
        yield made


def checked(system: Releasing) -> Commanded:
    """Judge the live slot's answers in the window."""
    return system.slipway("check", "--window", str(WINDOW))


def verdict(system: Releasing, image: str) -> Json:
    """Return the newest verdict about an image in the stack file."""
    verdicts = system.declared()["slipway:delivery"][SERVICE]["verdicts"]
    found: list[Json] = [one for one in verdicts if one["image"] == image]
    return found[-1]


@pytest.mark.parametrize(
    ("number", "strategy"),
    [
        pytest.param(1, CANARY, id="canary"),
        pytest.param(2, ROLLING, id="rolling", marks=pytest.mark.long),
        pytest.param(3, BLUE_GREEN, id="blue-green", marks=pytest.mark.long),
        pytest.param(4, SIDE_BY_SIDE, id="ab", marks=pytest.mark.long),
    ],
)
def test_a_check_without_requests_says_nothing_and_one_of_500s_alone_takes_the_evidence_back(  # noqa: PLR0913, PLR0917
    system: Releasing,
    number: int,
    strategy: Json,
    pictures: list[tuple[bytes, str]],
    tmp_path: Path,
    facts: list[str],
) -> None:
    version, picture = Fault(every=1, when_told=True, variant=number), pictures[0][0]
    system.strategy(strategy)
    with seen.running(system.ingress, picture, tmp_path):
        released = system.release(version)
        if released.code == WAITS:
            released = system.slipway("approve", "--reason", "more clicks")
    assert released.code == 0, released.said
    image, name = system.image(version), strategy["strategy"]
    assert verdict(system, image)["result"] == "pass"

    time.sleep(WINDOW + SCRAPED)
    before = system.file.read_bytes()
    quiet = checked(system)
    assert quiet.code == INCONCLUSIVE, quiet.said
    assert system.file.read_bytes() == before, "a check that found out nothing records nothing"

    for pod in system.copy.pods(SERVICE, system.live()):
        told = f"open({misbehaving.TOLD!r}, 'w')"
        system.copy.kubectl("exec", pod["metadata"]["name"], "--", "python3", "-c", told)
    with seen.running(system.ingress, picture, tmp_path) as load:
        time.sleep(WINDOW)
        bad = checked(system)
    assert {answer.status for answer in load.answers} == {"500"}
    assert bad.code == ROLLED_BACK, bad.said
    assert bad.document["services"][SERVICE]["change"] == "verdict revoked"
    assert verdict(system, image)["revoked"]
    facts.append(f"check, {name}: quiet {quiet.code}, only 500s {bad.code}: {len(load.answers)} answers")
