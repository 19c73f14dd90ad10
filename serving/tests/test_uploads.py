"""Uploads: one or more pictures and text fields, within the limits."""

from collections.abc import Generator

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from serving.http.uploads import MOST_FIELDS, MOST_NAME, Upload, read_upload
from serving.role.payload import Payload
from serving.role.service import Service
from serving.tests.support import Running, serve


@pytest.fixture(scope="module")
def running() -> Generator[Running]:
    def routes(service: Service[None]) -> list[Route]:
        async def told(request: Request) -> Response:
            upload: Upload = await service.compute(
                lambda: read_upload(request, most_files=3, most_bytes=1000), lambda _, upload: upload
            )
            files = [[file.name, len(file.content)] for file in upload.files]
            return JSONResponse({"files": files, "texts": upload.texts})

        return [Route("/told", told, methods=["POST"])]

    with serve(Payload(load=lambda _: None, routes=routes)) as started:
        started.wait_ready()
        yield started


def test_several_files_come_in_order_with_their_names_and_the_texts_beside_them(running: Running) -> None:
    files = [("file", ("b.png", b"12")), ("file", ("a.png", b"123"))]
    answer = running.client.post("/told", files=files, data={"person": "Ada"}).json()
    assert answer == {"files": [["b.png", 2], ["a.png", 3]], "texts": {"person": "Ada"}}


def test_a_body_is_one_nameless_file(running: Running) -> None:
    assert running.client.post("/told", content=b"1234").json() == {"files": [["", 4]], "texts": {}}


def test_more_files_than_allowed_are_refused(running: Running) -> None:
    answer = running.client.post("/told", files=[("file", (f"{index}.png", b"1")) for index in range(4)])
    assert answer.status_code == 400
    assert "Maximum number of files is 3" in answer.json()["error"]


def test_more_texts_than_allowed_are_refused(running: Running) -> None:
    texts = {f"text{index}": "x" for index in range(MOST_FIELDS + 1)}
    assert running.client.post("/told", files={"file": b"1"}, data=texts).status_code == 400


def test_files_in_other_fields_do_not_count(running: Running) -> None:
    answer = running.client.post("/told", files=[("other", b"1"), ("file", b"12")]).json()
    assert [size for _, size in answer["files"]] == [2]
    refused = running.client.post("/told", files={"other": b"1"})
    assert (refused.status_code, "field 'file'" in refused.text) == (400, True)


def test_all_files_together_are_limited(running: Running) -> None:
    answer = running.client.post("/told", files=[("file", bytes(600)), ("file", bytes(600))])
    assert answer.status_code == 413
    assert "the limit is 1000 bytes" in answer.json()["error"]


@pytest.mark.parametrize(
    ("given", "told"),
    [("x" * MOST_NAME, "x" * MOST_NAME), ("x" * (MOST_NAME + 1), "x" * (MOST_NAME - 1) + "…")],
)
def test_a_long_file_name_is_cut(running: Running, given: str, told: str) -> None:
    answer = running.client.post("/told", files=[("file", (given, b"1"))]).json()
    assert answer["files"] == [[told, 1]]
