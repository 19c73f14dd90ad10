"""What the client of releases makes of an answer that is not the API server's."""

import pytest

from components.api_client import ApiClient
from delivery.cluster.client import Cluster
from delivery.errors import ClusterUnavailable


def test_a_proxys_login_page_is_an_api_server_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def call(*_: object, **__: object) -> str:
        return "<html>\n<title>Log in</title>"

    monkeypatch.setattr(ApiClient, "call", call)
    cluster = Cluster("prod")
    with pytest.raises(
        ClusterUnavailable,
        match=r"^context prod: the API server does not answer: GET /a: the answer is not JSON: '<html> <title>Log in",
    ):
        cluster.get("/a")
    assert not cluster.answers()
