"""Good releases with each strategy: no request fails, and all users get the new version."""

from pathlib import Path

import pytest

from tests.cluster import faulty, seen
from tests.cluster.commanded import Commanded
from tests.cluster.faulty import Fault
from tests.cluster.releasing import BLUE_GREEN, CANARY, ROLLING, SIDE_BY_SIDE, WAITS, Life
from tests.cluster.stack import Json

STICKY_PER_SECOND, CLIENTS = 20, 20


def promoted(life: Life, command: Commanded, version: Fault, how: str, facts: list[str]) -> None:
    """Assert that the command promoted this version, and that no request failed since it began."""
    assert command.code == 0, command.said
    assert command.document["result"] == "promoted"
    newest = life.load.wait_for(lambda _: True, command.began + command.seconds)
    assert newest.version == life.system.version(version)
    assert not life.lost(command)
    asked = len(life.since(command))
    facts.append(f"{how}, good: {asked} requests, 0 lost, {command.seconds:.0f} s")
    life.system.agrees()


@pytest.mark.core
def test_the_first_deploy_loses_no_request_after_its_first_answer(
    begun: tuple[Life, Commanded], facts: list[str]
) -> None:
    life, command = begun
    answer = next(answer for answer in life.load.read() if answer.good)
    after = life.load.since(answer.done, command.began + command.seconds)
    facts.append(f"first deploy: first answer after {answer.done - command.began:.1f} s, then {len(after)} requests")
    assert not seen.machinery(after)
    life.system.agrees()


@pytest.mark.parametrize(
    ("number", "strategy"),
    [
        pytest.param(1, ROLLING, id="rolling", marks=pytest.mark.long),
        pytest.param(2, BLUE_GREEN, id="blue-green", marks=pytest.mark.long),
        pytest.param(3, CANARY, id="canary", marks=pytest.mark.core),
    ],
)
def test_a_good_release_loses_no_request(life: Life, number: int, strategy: Json, facts: list[str]) -> None:
    version = faulty.good(number)
    life.system.strategy(strategy)
    promoted(life, life.system.release(version), version, strategy["strategy"], facts)


@pytest.mark.long
def test_a_b_stays_until_somebody_decides_and_no_client_changes_its_slot_meanwhile(
    life: Life, facts: list[str], tmp_path: Path
) -> None:
    version, picture = faulty.good(4), Path(life.load.file).with_suffix(".body").read_bytes()
    life.system.strategy(SIDE_BY_SIDE, sticky=True)
    begun = life.system.release(version)
    assert begun.code == WAITS, begun.said
    with seen.running(life.system.ingress, picture, tmp_path, per_second=STICKY_PER_SECOND, clients=CLIENTS) as sticky:
        sticky.wait_for(lambda answer: answer.client == "client-0", begun.began + begun.seconds + 5)
    assert not seen.flips(sticky.answers)
    assert {"blue", "green"} == {answer.slot for answer in sticky.answers}
    promoted(life, life.system.slipway("approve", "--reason", "more clicks"), version, "ab", facts)
