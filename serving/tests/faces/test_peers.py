"""Calls to other services: which are repeated, and that none exceeds the time of its request."""

import socket
from collections.abc import Callable, Sequence

import httpx
import pytest
import redis
from starlette.requests import Request

from serving.errors import UnreachableError
from serving.payloads.faces import peers, wire
from serving.payloads.faces.endpoint import budget_of
from serving.payloads.faces.gallery import Gallery
from serving.payloads.faces.gallery_cache import CachedGalleries, Generation, connect
from serving.payloads.faces.peers import Call, CallBudget, Peer
from serving.role.payload import Address
from serving.settings import Settings
from serving.tests.faces.standins import MemoryRedis

GET = Call(method="GET", path="/", idempotent=True)
ONCE = Call(method="DELETE", path="/", idempotent=False)
Step = int | type[httpx.TransportError]


class Script:
    """A service that answers as written, step by step."""

    def __init__(self, *steps: Step) -> None:
        self.steps = list(steps)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        step = self.steps.pop(0) if self.steps else 200
        if isinstance(step, int):
            return httpx.Response(step, json={"error": "as written"})
        raise step("as written")


def peer(answer: Callable[[httpx.Request], httpx.Response]) -> Peer:
    return Peer("features", httpx.Client(base_url="http://features:80", transport=httpx.MockTransport(answer)))


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "_PAUSE_SECONDS", 0)


@pytest.mark.parametrize(
    "steps",
    [
        (httpx.ConnectError,),
        (httpx.RemoteProtocolError,),
        (httpx.ReadError,),
        (503,),
        (429, 503),
        (httpx.ConnectTimeout, httpx.ReadError),
    ],
)
def test_a_call_that_may_be_repeated_is_repeated_until_it_works(steps: Sequence[Step]) -> None:
    script = Script(*steps)
    assert peer(script).send(GET, CallBudget(5)).status_code == 200
    assert len(script.requests) == len(steps) + 1


@pytest.mark.parametrize("step", [httpx.RemoteProtocolError, httpx.ReadError, 503, 429])
def test_a_call_that_may_not_be_repeated_is_sent_once(step: Step) -> None:
    script = Script(step)
    with pytest.raises(UnreachableError, match=r"features at features:80: (closed the connection|answered)"):
        peer(script).send(ONCE, CallBudget(5))
    assert len(script.requests) == 1


def test_what_was_never_sent_may_always_be_tried_again() -> None:
    script = Script(httpx.ConnectError)
    assert peer(script).send(ONCE, CallBudget(5)).status_code == 200


def test_attempts_are_bounded_and_the_last_reason_is_given() -> None:
    script = Script(*[503] * 10)
    with pytest.raises(UnreachableError, match=r"features at features:80: answered 503 \(as written\)"):
        peer(script).send(GET, CallBudget(5))
    assert len(script.requests) == 3


def test_a_refusal_is_an_answer() -> None:
    script = Script(422)
    assert peer(script).send(GET, CallBudget(5)).status_code == 422
    with pytest.raises(UnreachableError, match="answered 422"):
        peer(Script(422)).fetch(wire.People, GET, CallBudget(5))


def test_no_answer_in_time_is_not_asked_for_again() -> None:
    script = Script(httpx.ReadTimeout)
    with pytest.raises(UnreachableError, match="did not answer in time"):
        peer(script).send(GET, CallBudget(5))
    assert len(script.requests) == 1


def test_a_call_gets_no_more_time_than_its_request_has_left() -> None:
    script = Script()
    peer(script).send(GET, CallBudget(0.5))
    timeout = script.requests[0].extensions["timeout"]
    assert 0 < timeout["read"] <= 0.5
    assert 0 < timeout["connect"] <= 0.5
    with pytest.raises(UnreachableError, match="no time is left"):
        peer(script).send(GET, CallBudget(0))
    assert len(script.requests) == 1


@pytest.mark.parametrize(
    ("said", "seconds"), [("0.5", 0.45), ("90", 9.0), ("", 9.0), ("soon", 9.0), ("nan", 9.0), ("-1", 9.0)]
)
def test_a_caller_that_waits_for_less_than_the_limit_gets_less(said: str, seconds: float) -> None:
    settings = Settings.model_validate({"requestTimeoutSeconds": 10.0})
    request = Request({"type": "http", "headers": [(peers.SECONDS_LEFT.encode(), said.encode())]})
    assert budget_of(settings, request).left() == pytest.approx(seconds, abs=0.05)


def test_a_call_tells_how_long_its_caller_waits() -> None:
    script = Script()
    peer(script).send(GET, CallBudget(0.5))
    assert 0.4 < float(script.requests[0].headers[peers.SECONDS_LEFT]) <= 0.5


def test_a_connection_is_given_up_now_and_then_so_that_new_pods_get_their_share() -> None:
    script = Script()
    calling = peer(script)
    for _ in range(128):
        calling.send(GET, CallBudget(5))
    assert sum(request.headers["connection"] == "close" for request in script.requests) == 2


def test_an_invalid_answer_counts_as_no_answer() -> None:
    with pytest.raises(UnreachableError, match="its answer is not a valid People"):
        peer(Script()).fetch(wire.People, GET, CallBudget(5))


def test_a_change_is_notified_again_until_redis_confirms_it() -> None:
    cache = MemoryRedis()
    generation = Generation(cache)
    generation.changed()
    galleries = CachedGalleries(cache)
    reads: list[int] = []

    def read() -> Gallery:
        reads.append(1)
        return Gallery.of([])

    galleries.current("ab", read)
    assert galleries.current("ab", read)[1] == "memory"
    cache.down = True
    generation.changed()  # between store and Redis the network is gone; compare still reaches it
    cache.down = False
    generation.repeat()
    assert galleries.current("ab", read)[1] == "store"
    generation.repeat()
    assert galleries.current("ab", read)[1] == "memory"


def test_a_change_during_a_notification_is_notified_again() -> None:
    told: list[str] = []

    class Interrupted(MemoryRedis):
        def delete(self, name: str) -> None:
            told.append(name)
            if len(told) == 1:
                generation.changed()
            elif len(told) == 2:
                raise redis.ConnectionError("connection refused")

    generation = Generation(Interrupted())
    generation.repeat()
    assert len(told) == 2
    generation.repeat()
    generation.repeat()
    assert len(told) == 3


def test_two_changes_while_a_generation_is_created_make_no_old_gallery_current() -> None:
    class Busy(MemoryRedis):
        def set(self, name: str, value: bytes, ex: int | None = None, *, nx: bool = False) -> None:
            super().set(name, value, ex, nx=nx)
            if nx:
                self.delete(name)  # by the store, after its next change

    galleries = CachedGalleries(Busy())
    assert [galleries.current("ab", lambda: Gallery.of([]))[1] for _ in range(2)] == ["store", "store"]


def test_a_redis_that_does_not_answer_is_asked_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        cache = connect(Address("127.0.0.1", silent.getsockname()[1]))
        with pytest.raises(redis.RedisError):
            cache.get("faces:generation")
        cache.close()
        silent.settimeout(0)
        silent.accept()[0].close()
        with pytest.raises(BlockingIOError):
            silent.accept()


def test_two_compares_share_what_one_of_them_read() -> None:
    cache = MemoryRedis()
    first, second = CachedGalleries(cache), CachedGalleries(cache)
    assert first.current("ab", lambda: Gallery.of([]))[1] == "store"
    assert second.current("ab", lambda: pytest.fail("asked the store"))[1] == "redis"
