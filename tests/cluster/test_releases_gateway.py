"""The same releases where HTTPRoutes split the requests: a good one and a bad one, on a system of their own."""

from collections.abc import Iterator

import pytest

from tests.cluster import faulty, seen
from tests.cluster.releasing import CANARY, ROLLED_BACK, Life, releasing
from tests.cluster.stack import Stack

pytestmark = pytest.mark.core

GATEWAY = {"name": "slipway", "namespace": "slipway-gateway"}


@pytest.fixture(scope="module")
def routed(stack: Stack, tmp_path_factory: pytest.TempPathFactory, pictures: list[tuple[bytes, str]]) -> Iterator[Life]:
    folder, sent = tmp_path_factory.mktemp("routed"), tmp_path_factory.mktemp("load")
    with (
        releasing(stack, folder, "routed", CANARY, traffic="gateway", gateway=GATEWAY) as system,
        seen.running(system.ingress, pictures[0][0], sent) as load,
    ):
        first = system.release(faulty.good(0))
        assert first.code == 0, first.said
        yield Life(system, load)


def test_a_good_canary_loses_no_request(routed: Life, facts: list[str]) -> None:
    command = routed.system.release(faulty.good(1))
    assert command.code == 0, command.said
    assert not routed.lost(command)
    facts.append(f"gateway, canary, good: {len(routed.since(command))} requests, 0 lost, {command.seconds:.0f} s")
    routed.system.agrees()


def test_a_bad_canary_is_gone_before_many_have_met_it(routed: Life, facts: list[str]) -> None:
    bad = faulty.FIFTH_FAILS
    command = routed.system.release(bad)
    assert command.code == ROLLED_BACK, command.said
    assert not routed.lost(command, bad)
    facts.append(f"gateway, 20 % errors: {seen.exposure(routed.since(command), routed.system.version(bad))}")
    routed.system.agrees()
