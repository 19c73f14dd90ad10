"""POST /predict over real connections: answers, identity headers, and refusals with a reason."""

import io

import httpx
import pytest
from PIL import Image

from serving.http.uploads import MOST_BYTES
from serving.tests.support import PNG, Running

Digits = list[tuple[bytes, str]]


def test_a_picture_is_answered_with_three_labels_best_first(ready: Running, digits: Digits) -> None:
    png, label = digits[0]
    answer = ready.client.post("/predict", content=png, headers=PNG).json()
    scores = [prediction["score"] for prediction in answer["predictions"]]
    assert answer["predictions"][0]["label"] == label
    assert len(scores) == 3
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    assert answer["served_by"] == {
        "service": "classifier",
        "version": "sha256:0123",
        "slot": "blue",
        "config": "c0ffee",
    }


def test_the_same_picture_gets_the_same_answer_byte_for_byte(ready: Running, digits: Digits) -> None:
    answers = {ready.client.post("/predict", content=digits[1][0], headers=PNG).content for _ in range(20)}
    assert len(answers) == 1


@pytest.mark.parametrize("kind", ["image/png", "IMAGE/PNG; q=1", "image/jpeg", "application/octet-stream"])
def test_the_bytes_decide_about_the_format_not_the_label(ready: Running, digits: Digits, kind: str) -> None:
    answer = ready.client.post("/predict", content=digits[2][0], headers={"content-type": kind})
    assert answer.json()["predictions"][0]["label"] == digits[2][1]


def test_a_body_without_a_content_type_is_taken_as_a_picture(ready: Running, digits: Digits) -> None:
    assert ready.client.post("/predict", content=digits[0][0]).status_code == 200


def test_a_form_with_a_file_gives_the_same_answer_as_the_body(ready: Running, digits: Digits) -> None:
    as_body = ready.client.post("/predict", content=digits[3][0], headers=PNG)
    as_form = ready.client.post("/predict", files={"file": ("seven.png", digits[3][0], "image/png")})
    assert as_form.content == as_body.content


def test_a_file_over_a_megabyte_needs_no_disk(ready: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_disk(*_: object, **__: object) -> None:
        raise AssertionError("the root file system is read-only")

    monkeypatch.setattr("tempfile.TemporaryFile", no_disk)
    content = io.BytesIO()
    Image.linear_gradient("L").resize((1600, 1000)).save(content, "BMP")
    assert len(content.getvalue()) > 1024 * 1024
    answer = ready.client.post("/predict", files={"file": content.getvalue()})
    assert answer.status_code == 200, answer.text


def refusal(answer: httpx.Response) -> str:
    assert answer.headers["x-slipway-slot"] == "blue"
    error = answer.json()["error"]
    assert "\n" not in error
    return error


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n"])
def test_a_body_that_is_not_a_picture_is_400(ready: Running, content: bytes) -> None:
    answer = ready.client.post("/predict", content=content, headers=PNG)
    assert answer.status_code == 400
    assert "picture" in refusal(answer)


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "image/svg+xml"])
def test_another_content_type_is_415(ready: Running, kind: str) -> None:
    answer = ready.client.post("/predict", content=b"{}", headers={"content-type": kind})
    assert answer.status_code == 415
    assert kind in refusal(answer)


def test_curls_default_content_type_is_explained(ready: Running, digits: Digits) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = ready.client.post("/predict", content=digits[0][0], headers=headers)
    assert answer.status_code == 415
    assert "Content-Type: image/png" in refusal(answer)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"nonsense", "multipart/form-data; boundary=x"),
        (b"", "multipart/form-data"),
        (
            b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\ntext\r\n--x--\r\n',
            "multipart/form-data; boundary=x",
        ),
    ],
)
def test_a_form_without_a_file_is_400(ready: Running, content: bytes, kind: str) -> None:
    answer = ready.client.post("/predict", content=content, headers={"content-type": kind})
    assert answer.status_code == 400
    assert "file" in refusal(answer)


def test_a_form_with_the_file_in_another_field_is_400(ready: Running, digits: Digits) -> None:
    answer = ready.client.post("/predict", files={"picture": digits[0][0]})
    assert answer.status_code == 400
    assert "'file'" in refusal(answer)


def test_a_form_with_two_files_is_400(ready: Running, digits: Digits) -> None:
    answer = ready.client.post("/predict", files=[("file", digits[0][0]), ("file", digits[1][0])])
    assert answer.status_code == 400
    refusal(answer)


def test_an_announced_body_over_the_limit_is_413_before_it_is_read(ready: Running) -> None:
    answer = ready.client.post("/predict", content=bytes(MOST_BYTES + 1), headers=PNG)
    assert answer.status_code == 413
    assert str(MOST_BYTES) in refusal(answer)


@pytest.mark.parametrize("kind", ["image/png", "multipart/form-data; boundary=x"])
def test_an_unannounced_body_over_the_limit_is_413(ready: Running, kind: str) -> None:
    def chunks() -> object:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        for _ in range(6):
            yield bytes(1024 * 1024)

    content: object = chunks()
    answer = ready.client.post("/predict", content=content, headers={"content-type": kind})  # type: ignore[arg-type]
    assert answer.status_code == 413
    refusal(answer)


def test_a_picture_with_too_many_pixels_is_413(ready: Running) -> None:
    content = io.BytesIO()
    Image.new("1", (5000, 4000)).save(content, "PNG")
    answer = ready.client.post("/predict", content=content.getvalue(), headers=PNG)
    assert answer.status_code == 413
    assert "5000 x 4000" in refusal(answer)


def test_unknown_paths_and_methods_are_json_and_marked_too(ready: Running) -> None:
    unknown = ready.client.get("/nowhere")
    assert unknown.status_code == 404
    refusal(unknown)
    wrong = ready.client.get("/predict")
    assert wrong.status_code == 405
    assert wrong.headers["allow"] == "POST"
    refusal(wrong)
