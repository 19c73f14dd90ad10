"""Enrolling and deleting require the token."""

import socket

import httpx
import pytest

from serving.payloads.faces import capture
from serving.payloads.faces.people import person
from serving.payloads.faces.pictures import picture
from serving.tests.faces.conftest import AUTHORIZED, TOKEN, Faces, error_of
from serving.tests.support import PNG, serve

WRITING = [("POST", "/enrol?person=ada"), ("DELETE", "/people/person-1")]


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer x", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}\xe9"])
@pytest.mark.parametrize(("method", "path"), WRITING)
def test_only_who_has_the_token_enrols_and_deletes(faces: Faces, method: str, path: str, header: str | None) -> None:
    gateway = faces.services["capture"]
    assert faces.enrol(1).status_code == 201
    route = path.partition("?")[0].replace("person-1", "{person}")
    labels = {"method": method, "route": route, "status": "401"}
    before = gateway.metric("http_requests_total", **labels)
    with httpx.Client(base_url=gateway.client.base_url, trust_env=False) as stranger:
        headers = {} if header is None else {b"authorization": header.encode("latin-1")}
        answer = stranger.request(method, path, content=picture(person(2), 0), headers=headers)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert error_of(answer) == "this operation requires the token; send the header Authorization: Bearer <token>"
    assert gateway.metric("http_requests_total", **labels) == before + 1
    assert [entry["person"] for entry in faces.ask("GET", "/people").json()["people"]] == ["person-1"]


@pytest.mark.parametrize("configured", [{}, {"FACES_TOKEN": ""}])
def test_a_server_without_a_token_lets_nobody_enrol_or_delete(faces: Faces, configured: dict[str, str]) -> None:
    addresses = {name: value for name, value in faces.addresses.items() if name != "FACES_TOKEN"}
    with serve(capture.PAYLOAD, environment={**addresses, **configured}) as gateway:
        gateway.wait_ready()
        for method, path in WRITING:
            for headers in ({}, AUTHORIZED, {"authorization": "Bearer"}):
                answer = gateway.client.request(method, path, content=b"x", headers={**PNG, **headers})
                assert answer.status_code == 403
                assert error_of(answer) == "this operation is disabled: the server has no token; set FACES_TOKEN"
        assert gateway.client.get("/people").status_code == 200


def test_the_token_is_asked_for_before_the_body_is_read(faces: Faces) -> None:
    """A stranger must not make the server read, let alone decode, what it will refuse."""
    gateway = faces.services["capture"]
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=5) as connection:
        connection.sendall(b"POST /enrol?person=ada HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 401 ")


def test_no_message_shows_the_token(faces: Faces) -> None:
    model = faces.services["capture"].service.lifecycle.serving_model()
    assert TOKEN not in repr(model)
