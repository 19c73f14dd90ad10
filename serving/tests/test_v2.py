"""The Open Inference Protocol, version 2, as generic clients use it."""

import json
from typing import Any

import pytest

from serving.http.tensor_requests import MOST_ROWS, InferenceError, parse
from serving.models.tensors import Signature
from serving.payloads.digits.pixels import pixels_of
from serving.tests.support import HeldSession, Running, model_with

Digits = list[tuple[bytes, str]]
INFER = "/v2/models/digits/infer"


def request_of(data: object, shape: list[int], **changes: object) -> dict[str, Any]:
    return {"inputs": [{"name": "pixels", "shape": shape, "datatype": "FP32", "data": data, **changes}]}


def test_server_metadata_has_name_version_and_extensions(ready: Running) -> None:
    answer = ready.client.get("/v2").json()
    assert answer == {"name": "classifier", "version": "sha256:0123", "extensions": []}


def test_model_metadata_tells_what_infer_takes_and_gives(ready: Running) -> None:
    answer = ready.client.get("/v2/models/digits").json()
    assert answer["name"] == "digits"
    assert answer["platform"] == "onnxruntime_onnx"
    assert answer["inputs"] == [{"name": "pixels", "datatype": "FP32", "shape": [-1, 64]}]
    assert answer["outputs"] == [{"name": "probabilities", "datatype": "FP32", "shape": [-1, 10]}]
    assert len(answer["versions"]) == 1


@pytest.mark.parametrize("path", ["/v2/health/live", "/v2/health/ready", "/v2/models/digits/ready"])
def test_probes_succeed_on_a_ready_server(ready: Running, path: str) -> None:
    answer = ready.client.get(path)
    assert answer.status_code == 200
    assert True in answer.json().values()


@pytest.mark.parametrize("nested", [True, False])
def test_a_batch_gives_what_predict_gives_for_each_picture(ready: Running, digits: Digits, nested: bool) -> None:
    rows = [pixels_of(png).tolist() for png, _ in digits[:5]]
    data = rows if nested else [value for row in rows for value in row]
    answer = ready.client.post(INFER, json={"id": "a1", **request_of(data, [5, 64])}).json()
    output = answer["outputs"][0]
    assert (answer["id"], answer["model_name"]) == ("a1", "digits")
    assert (output["name"], output["datatype"], output["shape"]) == ("probabilities", "FP32", [5, 10])
    for index, (png, _) in enumerate(digits[:5]):
        scores = output["data"][10 * index : 10 * index + 10]
        best = ready.client.post("/predict", content=png).json()["predictions"][0]
        assert str(scores.index(max(scores))) == best["label"]
        assert max(scores) == pytest.approx(best["score"], abs=1e-4)


def test_an_output_can_be_asked_for_by_name(ready: Running) -> None:
    body = {**request_of([0.0] * 64, [1, 64]), "outputs": [{"name": "probabilities"}]}
    assert ready.client.post(INFER, json=body).status_code == 200


def test_an_answer_without_an_id_has_none(ready: Running) -> None:
    assert "id" not in ready.client.post(INFER, json=request_of([0.0] * 64, [1, 64])).json()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "inputs: Field required"),
        ({"inputs": []}, r"inputs: got \[\]"),
        (request_of([0] * 64, [1, 64], name="image"), r"got \['image'\]"),
        (request_of([0] * 64, [1, 64], datatype="INT64"), "datatype is 'INT64'"),
        (request_of([0] * 64, [64]), r"shape is \[64\]"),
        (request_of([0] * 64, [1, 8, 8]), r"shape is \[1, 8, 8\]"),
        (request_of([0] * 63, [1, 63]), r"shape is \[1, 63\]"),
        (request_of([], [0, 64]), r"shape is \[0, 64\]"),
        (request_of([], [MOST_ROWS + 1, 64]), "shape is"),
        (request_of([0] * 63, [1, 64]), "data has 63 values"),
        (request_of(["x"] * 64, [1, 64]), "not a regular array"),
        (request_of(["1"] * 64, [1, 64]), "not a regular array"),
        (request_of([True] * 64, [1, 64]), "not a regular array"),
        (request_of([[0] * 63, [0]], [1, 64]), "not a regular array"),
        (request_of([None] * 64, [1, 64]), "not a regular array"),
        (request_of([1e39] * 64, [1, 64]), "not finite"),
        (request_of([0] * 64, [1, 64], datatypes="FP32"), "inputs.0.datatypes: Extra inputs"),
        ({**request_of([0] * 64, [1, 64]), "outputs": [{"name": "label"}]}, r"outputs: unknown \['label'\]"),
    ],
)
def test_a_request_that_does_not_fit_the_model_is_refused_with_the_reason(body: object, reason: str) -> None:
    with pytest.raises(InferenceError, match=reason) as caught:
        parse(json.dumps(body).encode(), Signature.of(model_with(HeldSession()).onnx))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"inputs": NaN}'])
def test_an_invalid_body_is_400_with_an_error(ready: Running, content: bytes) -> None:
    answer = ready.client.post(INFER, content=content)
    assert answer.status_code == 400
    assert list(answer.json()) == ["error"]


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("GET", "/ready"), ("POST", "/infer")])
def test_another_models_name_is_404_and_says_which_is_served(ready: Running, method: str, path: str) -> None:
    answer = ready.client.request(method, f"/v2/models/letters{path}")
    assert answer.status_code == 404
    assert "'letters' is not served here; the model is 'digits'" in answer.json()["error"]
