"""Which connection is closed at a limit; tested without sockets."""

import pytest

from serving.http.connections import Connections, Limits


class Fake:
    """A connection without a socket."""

    def __init__(self, address: str = "a", uploaded: int = 0, unsent: int = 0) -> None:
        self.address, self.uploaded, self.unsent = address, uploaded, unsent
        self.closed = ""

    def refuse(self, status: int, reason: str) -> None:
        self.closed = f"{status} {reason}"

    def drop(self) -> None:
        self.closed = "dropped"


def test_a_request_that_has_arrived_is_never_dropped_for_another_connection() -> None:
    connections = Connections(Limits(connections=2, per_client=2))
    busy = [Fake(), Fake()]
    for one in busy:
        assert connections.opened(one)
        connections.works(one)
    assert not connections.opened(Fake())
    assert not connections.opened(Fake("b"))
    connections.closed(busy[0])
    assert connections.opened(Fake("b"))
    assert not any(one.closed for one in busy)


def test_answers_that_are_not_taken_are_bounded_together() -> None:
    connections = Connections(Limits(unsent=100))
    first, second, third = Fake(unsent=60), Fake(unsent=60), Fake(unsent=0)
    for one in (first, second, third):
        connections.answered(one, 0)
    assert (first.closed, second.closed, third.closed) == ("dropped", "", "")


def test_the_limits_grow_with_the_requests_that_are_admitted_and_stay_below_the_files_of_the_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    files = 4096

    def limit(_: int) -> tuple[int, int]:
        return files, files

    monkeypatch.setattr("resource.getrlimit", limit)
    assert (Limits.for_requests(68).connections, Limits.for_requests(68).per_client) == (512, 256)
    assert (Limits.for_requests(500).connections, Limits.for_requests(500).per_client) == (2000, 1000)
    assert Limits.for_requests(10_000).connections == 4096 - 128
    files = 256
    assert (Limits.for_requests(68).connections, Limits.for_requests(68).per_client) == (128, 128)
