"""Long answers through both traffic drivers: a rolling update, a promotion, an abort or a drain cuts off no stream."""

import time
from collections.abc import Iterator
from itertools import count
from urllib.parse import urlsplit

import grpc
import httpx
import pytest

from tests.cluster.copies import ready
from tests.cluster.releasing import WAITS
from tests.cluster.stack import Json, Stack
from tests.cluster.streaming import DONE, RPC, SECONDS, WEB, Streaming, Streams, channel, reading, streaming
from tests.cluster.waiting import within

OPEN, CALLS = 60, 40
"""Number of open streams at any time: twenty of each kind over HTTP, and the calls over gRPC."""
GATEWAY: Json = {"traffic": "gateway", "gateway": {"name": "slipway", "namespace": "slipway-gateway"}}
NUMBERS = count(2)
JUDGED_BY_NOBODY: Json = {"gate": {"errors": None}, "warm": "5s"}
CANARY: Json = {"strategy": "canary", "steps": [50, 100], **JUDGED_BY_NOBODY}
ASKED: Json = {"strategy": "canary", "steps": [{"weight": 50, "approval": True}, 100], **JUDGED_BY_NOBODY}


@pytest.fixture(
    scope="module",
    params=[pytest.param({}, id="ingress"), pytest.param(GATEWAY, id="gateway", marks=pytest.mark.long)],
)
def made(request: pytest.FixtureRequest, stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Streaming]:
    cluster: Json = request.param
    with streaming(stack, tmp_path_factory.mktemp("streams"), **cluster) as found:
        health = {"Host": found.host("words")}
        within(lambda: httpx.get(f"{found.url}/health", headers=health).status_code == 200, "the proxy finds the pods")
        within(lambda: echoed(found), "the proxy finds the pods of gRPC")
        yield found


def echoed(system: Streaming) -> bool:
    """Return whether a call through the proxy is answered."""
    with channel(urlsplit(system.url).netloc, system.host("rpc")) as made:
        try:
            return made.unary_unary("/streams.Words/Echo")(b"here", timeout=5) == b"here"
        except grpc.RpcError:
            return False


def _full(system: Streaming) -> list[Json]:
    """Return the pods once there are as many as the entry declares; until then, one that is not ready."""
    pods = system.copy.pods("words")
    return pods if len(pods) == system.entry["services"]["words"]["scaling"]["replicas"] else [{"status": {}}]


def complete(streams: Streams, kinds: int, what: str, facts: list[str]) -> None:
    """Assert that every stream of every kind ended completely."""
    ended = {kind for kind, _ in streams.ended}
    facts.append(f"streams, {what}: {len(streams.ended)} of {SECONDS} s, {streams.broken.total()} broken")
    assert len(ended) == kinds
    assert streams.broken == {}


def another(system: Streaming, service: str, **fields: object) -> None:
    """Edit the service's environment, so that its pods are replaced."""
    env = {"RELEASE": str(next(NUMBERS))}
    system.edit(service, env=env, **fields)


def test_streams_end_completely_while_pods_roll(made: Streaming, facts: list[str]) -> None:
    another(made, "words", release={"strategy": "rolling", "gate": {"errors": None}})
    with reading(made.url, made.host("words"), WEB, OPEN) as streams:
        made.up()
    complete(streams, len(WEB), "roll", facts)


def test_streams_end_completely_through_a_promotion_and_the_drain_of_the_old_slot(
    made: Streaming, facts: list[str]
) -> None:
    another(made, "words", release=CANARY)
    with reading(made.url, made.host("words"), WEB, OPEN) as streams:
        command = made.slipway("release", "words")
        assert command.code == 0, command.said
    complete(streams, len(WEB), "promotion", facts)


def test_streams_of_an_aborted_slot_end_completely(made: Streaming, facts: list[str]) -> None:
    another(made, "words", release=ASKED)
    with reading(made.url, made.host("words"), WEB, OPEN) as streams:
        waiting = made.slipway("release", "words")
        assert waiting.code == WAITS, waiting.said
        time.sleep(SECONDS / 2)  # half of the streams that begin now go to the new slot
        command = made.slipway("abort", "words")
        assert command.code == 0, command.said
    complete(streams, len(WEB), "abort", facts)


def test_streams_of_pods_that_are_drained_end_completely(made: Streaming, facts: list[str]) -> None:
    with reading(made.url, made.host("words"), WEB, OPEN) as streams:
        for pod in made.copy.pods("words"):
            name = pod["metadata"]["name"]
            made.copy.kubectl("delete", "pod", name, "--wait=false")
            within(lambda: all(ready(one) for one in _full(made)), "another pod is ready")
            within(lambda name=name: not made.there(name), "the pod is gone")
    complete(streams, len(WEB), "drain", facts)


def test_a_grpc_call_of_each_kind_is_answered(made: Streaming) -> None:
    with channel(urlsplit(made.url).netloc, made.host("rpc")) as rpc:
        assert rpc.unary_unary("/streams.Words/Echo")(b"here") == b"here"
        assert [*rpc.unary_stream("/streams.Words/Words")(b"1")][-1] == DONE.encode()
        assert [*rpc.stream_stream("/streams.Words/Talk")(iter([b"a", b"b"]))] == [b"a", b"b", DONE.encode()]
        with pytest.raises(grpc.RpcError) as refused:
            rpc.unary_unary("/streams.Words/Nothing")(b"")
    assert refused.value.code() == grpc.StatusCode.UNIMPLEMENTED  # pyright: ignore[reportUnknownMemberType]


def test_grpc_streams_end_completely_through_a_promotion_and_the_drain_of_the_old_slot(
    made: Streaming, facts: list[str]
) -> None:
    another(made, "rpc")
    with reading(made.url, made.host("rpc"), RPC, CALLS) as streams:
        command = made.slipway("release", "rpc")
        assert command.code == 0, command.said
    complete(streams, len(RPC), "gRPC promotion", facts)
