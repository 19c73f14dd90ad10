"""The five services together: enrol, recognise, forget; and what they say when one of them is away."""

import json
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from serving.payloads.faces import capture, features, wire
from serving.payloads.faces.people import person
from serving.payloads.faces.pictures import empty_room, picture
from serving.tests.faces.conftest import AUTHORIZED, Faces, error_of
from serving.tests.support import PNG, Running, serve, wait_until

pytestmark = pytest.mark.slow  # five real servers with a trained model

CLOSED = "127.0.0.1:1"


def test_ten_people_enrolled_are_recognised_from_other_pictures_and_strangers_are_not(faces: Faces) -> None:
    for who in range(10):
        answer = faces.enrol(who)
        assert answer.status_code == 201, answer.text
    recognised = [faces.recognise(who).json()["person"] == f"person-{who}" for who in range(10)]
    strangers = [faces.recognise(who).json() for who in range(20, 30)]
    assert sum(recognised) >= 9
    assert sum(answer["stranger"] and answer["person"] is None for answer in strangers) >= 9
    people = faces.ask("GET", "/people").json()["people"]
    assert [entry["person"] for entry in people] == sorted(f"person-{who}" for who in range(10))


def test_a_person_that_was_deleted_is_a_stranger_at_once(faces: Faces) -> None:
    faces.enrol(1)
    assert faces.recognise(1, 0).json()["person"] == "person-1"
    assert faces.ask("DELETE", "/people/person-1").json() == {"person": "person-1", "faces": 1}
    assert faces.recognise(1, 0).json()["stranger"]
    again = faces.ask("DELETE", "/people/person-1")
    assert (again.status_code, error_of(again)) == (
        404,
        "person 'person-1' is not enrolled; GET /people lists all enrolled people",
    )


def test_the_same_picture_twice_is_one_face_and_another_picture_a_second(faces: Faces) -> None:
    one, again, other = faces.enrol(1, 0).json(), faces.enrol(1, 0).json(), faces.enrol(1, 1).json()
    assert one["face"] == again["face"] != other["face"]
    assert faces.ask("GET", "/people").json()["people"][0]["faces"] == 2


def test_a_form_with_file_and_person_enrols_too(faces: Faces) -> None:
    files = {"file": ("ada.jpg", picture(person(2), 2), "image/jpeg")}
    answer = faces.services["capture"].client.post("/enrol", data={"person": "ada"}, files=files)
    assert (answer.status_code, answer.json()["person"]) == (201, "ada")


@pytest.mark.parametrize(
    ("path", "body", "status", "reason"),
    [
        ("/recognise", empty_room(1), 422, "no "),
        ("/recognise", b"\x89PNG no picture", 400, "the body is not a picture"),
        ("/recognise", b"", 400, "the picture is empty"),
        ("/enrol?person=a%2Fb", b"x", 400, "person: 'a/b': use 1 to 64 letters"),
        ("/enrol", b"x", 400, "person: ''"),
    ],
)
def test_a_clients_mistake_is_answered_with_its_reason(
    faces: Faces, path: str, body: bytes, status: int, reason: str
) -> None:
    answer = faces.services["capture"].client.post(path, content=body, headers=PNG)
    assert (answer.status_code, error_of(answer).startswith(reason)) == (status, True), answer.text


@pytest.mark.parametrize(
    ("away", "requests"),
    [
        ("preprocess", ["POST /recognise", "POST /enrol?person=ada"]),
        ("features", ["POST /recognise", "POST /enrol?person=ada"]),
        ("compare", ["POST /recognise"]),
        ("store", ["POST /enrol?person=ada", "GET /people", "DELETE /people/ada"]),
    ],
)
def test_the_gateway_stays_ready_and_names_the_service_that_is_away(
    faces: Faces, away: str, requests: list[str]
) -> None:
    addresses = {**faces.addresses, f"{away.upper()}_ADDRESS": CLOSED}
    with serve(capture.PAYLOAD, environment=addresses) as gateway:
        gateway.wait_ready()
        for request in requests:
            method, path = request.split()
            body = picture(person(1), 1) if method == "POST" else b""
            answer = gateway.client.request(method, path, content=body, headers={**PNG, **AUTHORIZED})
            assert answer.status_code == 503
            assert answer.headers["retry-after"]
            assert error_of(answer).startswith(f"{away} at {CLOSED}: accepts no connection")
        assert gateway.client.get("/health").status_code == 200


def test_without_its_vector_store_the_store_acknowledges_nothing_is_not_ready_and_recovers_by_itself(
    faces: Faces,
) -> None:
    store = faces.services["store"]
    faces.chroma.down = True
    answer = faces.enrol(1)
    assert answer.status_code == 503
    assert error_of(answer).startswith(f"store at {faces.addresses['STORE_ADDRESS']}: answered 503")
    wait_until(lambda: not store.service.lifecycle.ready, "the store notices")
    health = store.client.get("/health")
    assert health.status_code == 503
    assert health.json()["reason"].startswith("vectors at vectors:8000: accepts no connection")
    faces.chroma.down = False
    wait_until(lambda: store.service.lifecycle.ready, "the store is ready again")
    assert faces.enrol(1).status_code == 201
    assert len(faces.chroma.rows) == 1


def test_a_new_volume_under_the_vector_store_gets_its_collection(faces: Faces) -> None:
    faces.enrol(1)
    faces.chroma.new_volume()
    assert faces.enrol(2).status_code == 201
    assert len(faces.chroma.rows) == 1


def test_galleries_come_from_memory_until_something_changes(faces: Faces) -> None:
    before = (faces.source("store"), faces.source("memory"))
    faces.enrol(1)
    faces.recognise(1)
    asked = len(faces.chroma.requests)
    faces.recognise(1)
    assert (faces.source("store"), faces.source("memory")) == (before[0] + 1, before[1] + 1)
    # The store's own readiness check aside, nobody asked the vector store.
    assert set(faces.chroma.requests[asked:]) <= {"healthcheck"}
    faces.enrol(2)
    assert faces.recognise(2, 0).json()["person"] == "person-2"
    assert faces.source("store") == before[0] + 2


@dataclass(frozen=True)
class Accident:
    """What may happen to Redis after a face was enrolled and looked up."""

    name: str
    source: str

    def happen(self, faces: Faces) -> None:
        match self.name:
            case "emptied":
                faces.redis.values.clear()
            case "restarted empty":
                faces.redis.restart(empty=True)
            case "restarted with its data":
                faces.redis.restart(empty=False)
            case _:
                faces.redis.down = True


@pytest.mark.parametrize(
    "accident",
    [
        Accident("emptied", "store"),
        Accident("restarted empty", "store"),
        Accident("restarted with its data", "store"),
        Accident("away", "store-index"),
    ],
    ids=lambda accident: accident.name,
)
def test_no_enrolled_face_is_lost_with_redis(faces: Faces, accident: Accident) -> None:
    faces.enrol(1)
    assert faces.recognise(1, 0).json()["person"] == "person-1"
    before = faces.source(accident.source)
    accident.happen(faces)
    assert faces.recognise(1, 0).json()["person"] == "person-1"
    assert faces.source(accident.source) == before + 1
    faces.enrol(2)
    assert faces.recognise(2, 0).json()["person"] == "person-2"


def test_a_redis_that_is_full_makes_no_old_gallery_current(faces: Faces) -> None:
    faces.enrol(1)
    assert faces.recognise(1, 0).json()["person"] == "person-1"
    faces.redis.full = True
    faces.enrol(2)
    faces.ask("DELETE", "/people/person-1")
    assert faces.recognise(2, 0).json()["person"] == "person-2"
    assert faces.recognise(1, 0).json()["stranger"]


def test_data_that_redis_brings_back_from_an_old_volume_is_not_believed(faces: Faces) -> None:
    faces.enrol(1)
    faces.recognise(1)
    old = dict(faces.redis.values)
    faces.redis.down = True
    faces.enrol(2)
    faces.ask("DELETE", "/people/person-1")
    faces.redis.restart(empty=True)
    faces.redis.values.update(old)
    assert faces.recognise(2, 0).json()["person"] == "person-2"
    assert faces.recognise(1, 0).json()["stranger"]


def test_vectors_of_another_model_are_not_compared(faces: Faces) -> None:
    faces.enrol(1)
    for row in faces.chroma.rows.values():
        row["about"]["model"] = "0000"
    faces.redis.values.clear()
    answer = faces.recognise(1, 0).json()
    assert answer["stranger"]
    assert answer["similarity"] is None


def test_a_trace_is_passed_on_to_every_service(faces: Faces, monkeypatch: pytest.MonkeyPatch) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    seen: dict[str, str] = {}
    send = httpx.Client.send

    def watched(self: httpx.Client, request: httpx.Request, **given: Any) -> httpx.Response:
        seen[request.url.path] = request.headers.get("traceparent", "")
        return send(self, request, **given)

    faces.enrol(1)
    monkeypatch.setattr(httpx.Client, "send", watched)
    headers = {**PNG, "traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    faces.services["capture"].client.post("/recognise", content=picture(person(1), 0), headers=headers)
    called = [wire.ALIGN, wire.EMBED, wire.COMPARE, wire.FACES]
    assert [trace in seen[path] for path in called] == [True] * 4


def test_how_long_each_step_takes_is_measured(faces: Faces) -> None:
    steps = ("preprocess", "features", "compare", "store")

    def counts() -> list[float]:
        gateway = faces.services["capture"]
        return [gateway.metric("faces_step_duration_seconds_count", step=step) for step in steps]

    before = counts()
    faces.enrol(1)
    faces.recognise(1)
    assert [after - then for then, after in zip(before, counts(), strict=True)] == [2, 2, 1, 1]


def test_features_answers_generic_clients_too(faces: Faces) -> None:
    running: Running = faces.services["features"]
    assert features.PAYLOAD.default_model_name == "faces"
    aligned = faces.services["preprocess"].client.post(wire.ALIGN, content=picture(person(1), 1), headers=PNG)
    face = wire.Face.read(aligned.content)
    own = running.client.post(wire.EMBED, content=aligned.content).json()["vector"]
    tensor = {"name": "faces", "datatype": "UINT8", "shape": [1, 48, 48, 3], "data": face.array().ravel().tolist()}
    answer = running.client.post("/v2/models/faces/infer", content=json.dumps({"inputs": [tensor]}))
    assert answer.status_code == 200, answer.text
    assert answer.json()["outputs"][0]["data"] == pytest.approx(own, abs=1e-6)
    assert running.client.post(wire.EMBED, content=b"{}").status_code == 400
