"""The local cluster's API, asked while it is overloaded."""

import pytest

from local.errors import LocalError
from local.kube import insisting

TIMEOUT = "`kubectl apply` failed with exit code 1: Error from server (Timeout): request did not complete in time"


class Server:
    """Fails so many times, then does what it is asked to."""

    def __init__(self, *failures: str) -> None:
        self.failures, self.asked = list(failures), 0

    def __call__(self) -> None:
        self.asked += 1
        if self.failures:
            raise LocalError(self.failures.pop(0))


def test_an_overloaded_api_server_is_asked_again() -> None:
    server = Server(TIMEOUT, "etcdserver: request timed out")
    insisting(server)
    assert server.asked == 3


def test_it_is_not_asked_for_ever() -> None:
    server = Server(*[TIMEOUT] * 9)
    with pytest.raises(LocalError, match="Timeout"):
        insisting(server)
    assert server.asked == 4


def test_what_it_refuses_is_not_asked_for_again() -> None:
    server = Server("Error from server (Forbidden): nope")
    with pytest.raises(LocalError, match="Forbidden"):
        insisting(server)
    assert server.asked == 1
