"""The page, and pictures that are answered synchronously."""

import base64
import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from serving.payloads.parsing import PAYLOAD, api
from serving.payloads.parsing.answers import labels_of
from serving.payloads.parsing.labels import LABELS, PARTS
from serving.payloads.parsing.model import load_parser
from serving.payloads.parsing.training.people import Picture
from serving.pictures import decode
from serving.tests.support import Running, serve

JPEG = {"content-type": "image/jpeg"}


def form(*pictures: bytes) -> list[tuple[str, tuple[str, bytes, str]]]:
    return [("file", (f"{number}.jpg", picture, "image/jpeg")) for number, picture in enumerate(pictures)]


def test_the_mask_of_a_picture_is_what_the_parser_sees_in_its_original_size(
    parsing: Running, parser_folder: Path, people: list[Picture]
) -> None:
    sent = people[0].encoded()
    reply = parsing.client.post("/api/parse", content=sent, headers=JPEG)
    assert reply.status_code == 200
    (result,) = reply.json()["results"]
    labels = labels_of(base64.b64decode(result["mask"]))
    assert np.array_equal(labels, load_parser(parser_folder, 1, "float").parse(decode(sent)))
    assert (result["height"], result["width"]) == labels.shape == people[0].labels.shape
    areas = [result["areas"][name] for name in LABELS]
    assert areas == pytest.approx(np.bincount(labels.ravel(), minlength=len(LABELS)) / labels.size, abs=1e-6)
    assert sum(areas) == pytest.approx(1, abs=1e-5)
    assert [part["name"] for part in reply.json()["palette"]] == list(LABELS)


def test_several_pictures_are_answered_in_the_order_of_the_form(parsing: Running, people: list[Picture]) -> None:
    sent = [picture.encoded() for picture in people[1:4]]
    results = parsing.client.post("/api/parse", files=form(*sent)).json()["results"]
    assert [result["name"] for result in results] == ["0.jpg", "1.jpg", "2.jpg"]
    shapes = [labels_of(base64.b64decode(result["mask"])).shape for result in results]
    assert shapes == [picture.labels.shape for picture in people[1:4]]


def test_a_picture_that_cannot_be_read_does_not_spoil_the_others(parsing: Running, people: list[Picture]) -> None:
    results = parsing.client.post("/api/parse", files=form(b"no picture", people[4].encoded())).json()["results"]
    assert results[0]["error"].startswith("the body is not a picture")
    assert "mask" not in results[0]
    assert results[1]["height"] == people[4].labels.shape[0]


def test_a_repeated_picture_comes_from_the_cache(parsing: Running, people: list[Picture]) -> None:
    sent = people[5].encoded("PNG")
    hits = parsing.metric("results_cache_requests_total", outcome="hit")
    first, second = (
        parsing.client.post("/api/parse", content=sent, headers={"content-type": "image/png"}).json()["results"][0]
        for _ in range(2)
    )
    assert (first.pop("cached"), second.pop("cached")) == (False, True)
    assert first == second
    assert parsing.metric("results_cache_requests_total", outcome="hit") == hits + 1


def test_a_client_that_accepts_only_png_gets_the_mask_in_the_colors_of_the_palette(
    parsing: Running, people: list[Picture]
) -> None:
    reply = parsing.client.post("/api/parse", content=people[0].encoded(), headers={**JPEG, "accept": "image/png"})
    assert reply.headers["content-type"] == "image/png"
    assert "hair=" in reply.headers["x-areas"]
    with Image.open(io.BytesIO(reply.content)) as mask:
        labels, colours = np.asarray(mask), np.asarray(mask.convert("RGB"))
    for label, part in enumerate(PARTS):
        assert (colours[labels == label] == part.colour).all()
    several = parsing.client.post(
        "/api/parse", files=form(people[0].encoded(), people[1].encoded()), headers={"accept": "image/png"}
    )
    assert several.status_code == 406


@pytest.mark.parametrize(
    ("content", "status", "reason"),
    [
        (b"no picture", 400, "the body is not a picture"),
        (b"", 400, "the picture is empty"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF broken", 400, "the picture is damaged|the body is not a picture"),
    ],
)
def test_a_body_that_is_not_a_picture_is_refused_in_one_line(
    parsing: Running, content: bytes, status: int, reason: str
) -> None:
    reply = parsing.client.post("/api/parse", content=content, headers=JPEG)
    assert reply.status_code == status
    assert any(reply.json()["error"].startswith(each) for each in reason.split("|"))


def test_a_picture_that_takes_seconds_is_refused_by_its_header_and_jobs_are_named(parsing: Running) -> None:
    content = io.BytesIO()
    Image.new("1", (4001, 1000)).save(content, "PNG")
    reply = parsing.client.post("/api/parse", content=content.getvalue(), headers=JPEG)
    assert reply.status_code == 413
    assert "4001 x 1000 pixels, the limit here is 4000000" in reply.json()["error"]
    assert "/api/jobs" in reply.json()["error"]


def test_too_many_pictures_are_refused(parsing: Running) -> None:
    reply = parsing.client.post("/api/parse", files=form(*[b"x"] * (api.MOST_FILES + 1)))
    assert reply.status_code == 400


def test_without_a_queue_jobs_are_refused_and_everything_else_works(parsing: Running, people: list[Picture]) -> None:
    for reply in (
        parsing.client.post("/api/jobs", content=people[0].encoded(), headers=JPEG),
        parsing.client.get("/api/jobs/some-id"),
    ):
        assert reply.status_code == 503
        assert "declare the store 'queue'" in reply.json()["error"]
    assert parsing.client.get("/health").status_code == 200
    assert parsing.client.get("/api/model").json()["jobs"] is False


def test_the_model_is_shown_with_accuracy_and_speed_of_both_variants(parsing: Running) -> None:
    shown = parsing.client.get("/api/model").json()
    assert shown["model"]["variant"] == "float"
    assert shown["variants"].keys() == {"float", "int8"}
    for facts in shown["variants"].values():
        assert facts["mean_iou"] >= shown["floors"]["meanIou"]
        assert facts["milliseconds"] > 0
    described = parsing.client.get("/v2/models/parsing").json()
    assert described["versions"] == [shown["model"]["version"]]
    assert described["outputs"] == [{"name": "parts", "datatype": "FP32", "shape": [-1, 7, 128, 128]}]


def test_the_setting_variant_chooses_the_quantised_model(parser_folder: Path, people: list[Picture]) -> None:
    with serve(PAYLOAD, modelPath=str(parser_folder), variant="int8") as running:
        running.wait_ready()
        reply = running.client.post("/api/parse", content=people[0].encoded(), headers=JPEG).json()
        assert reply["model"]["variant"] == "int8"
    quantised = load_parser(parser_folder, 1, "int8").parse(decode(people[0].encoded()))
    assert np.array_equal(labels_of(base64.b64decode(reply["results"][0]["mask"])), quantised)


def test_the_page_is_one_file_that_may_run_only_what_is_written_in_it(parsing: Running) -> None:
    reply = parsing.client.get("/")
    assert reply.headers["content-type"].startswith("text/html")
    assert "http://" not in reply.text
    assert "https://" not in reply.text
    policy = reply.headers["content-security-policy"]
    assert "unsafe" not in policy
    script = reply.text.partition("<script>")[2].partition("</script>")[0]
    assert f"script-src 'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" in policy
    assert " style=" not in reply.text, "the policy would ignore it"


def test_every_control_of_the_page_has_a_label(parsing: Running) -> None:
    text = parsing.client.get("/").text
    for control in ("files", "opacity"):
        assert f'<label for="{control}">' in text
        assert f'id="{control}"' in text
    assert '<label><input id="later" type="checkbox">' in text
    assert 'role="status"' in text
    assert 'role="alert"' in text
