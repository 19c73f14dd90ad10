"""Streams of tokens through releases, with a stand-in for vLLM (examples/servers/vllm-simulator).

The gate judges the time to the first token; no stream is cut off by a roll, a promotion or an abort.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.cluster.program import deployed
from tests.cluster.releasing import COMMAND_SECONDS, ROLLED_BACK
from tests.cluster.stack import Json, Stack
from tests.cluster.strangers import FIRST, SIMULATOR, Example, Stranger, stranger
from tests.cluster.token_streams import Streams, streaming
from tests.cluster.waiting import within

pytestmark = pytest.mark.long

CANARY: Json = {"strategy": "canary", "warm": "5s", "steps": [50, 100]}
HELD: Json = CANARY | {"steps": [{"weight": 50, "hold": "2m"}, 100]}
ROLLING: Json = {"strategy": "rolling"}
TWICE = "FIRST_TOKEN_SECONDS=0.12"
"""The original takes 0.06 s."""
STREAMS = 1000


@dataclass(frozen=True)
class Life:
    """The server, and the streams that it has been asked for since it was there."""

    system: Stranger
    streams: Streams


@pytest.fixture(scope="module")
def life(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    with deployed(Example.laid_out(stack, tmp_path_factory.mktemp("built"), SIMULATOR)) as example:
        image = example.image()
    with stranger(stack, tmp_path_factory.mktemp("released"), SIMULATOR, image, FIRST) as system:
        first = system.slipway("release", "--image", image)
        assert first.code == 0, first.said
        system.strategy(CANARY)
        with streaming(system.ingress, system.server.body) as streams:
            within(lambda: "complete" in streams.since(0), "the proxy has seen the pod")
            yield Life(system, streams)


def test_twice_the_time_to_the_first_token_is_rolled_back(life: Life, facts: list[str]) -> None:
    life.system.strategy(CANARY)
    command = life.system.slipway("release", "--image", life.system.changed(TWICE))
    assert command.code == ROLLED_BACK, command.said
    assert "first-token" in command.document["reason"]
    facts.append(f"twice the time to the first token: rolled back after {command.seconds:.0f} s")
    life.system.agrees()


def test_no_stream_is_cut_off_by_a_roll_a_promotion_or_an_abort(life: Life, facts: list[str]) -> None:
    began = life.streams.ends[-1][0]
    for number, strategy in enumerate((ROLLING, CANARY)):
        life.system.strategy(strategy)
        command = life.system.slipway("release", "--image", life.system.changed(f"RELEASE={number}"))
        assert command.code == 0, command.said
    life.system.strategy(HELD)
    with life.system.running("release", "--image", life.system.changed("RELEASE=aborted")) as release:
        release.wait_for("look", "step 50 %")
        aborted = life.system.slipway("abort", "--reason", "to see what becomes of the streams")
        assert aborted.code == 0, aborted.said
        release.process.wait(COMMAND_SECONDS)
    within(lambda: len(life.streams.since(began)) >= STREAMS, f"{STREAMS} streams have ended")
    ends = Counter(life.streams.since(began))
    facts.append(f"streams through roll, promotion and abort: {dict(ends)}")
    assert set(ends) == {"complete"}
    life.system.agrees()
