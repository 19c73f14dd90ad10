"""The role over HTTP: its paths, refusals, metrics, the v2 protocol, and a server without a usable model."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from serving.payloads.nlu import PAYLOAD, WARM_UP
from serving.payloads.nlu.features import PER_TOKEN
from serving.role.warmup import ROUNDS
from serving.tests.support import IDENTITY, Running, serve, wait_until
from serving.work.offload import OtherProcess

REQUEST = {"text": "Anna Weber moved to Paris.", "schema": {"person": None, "sentiment": ["positive", "negative"]}}


@pytest.mark.parametrize("path", ["/", "/predict"])
def test_both_paths_answer_with_model_and_slot(running: Running, path: str) -> None:
    reply = running.client.post(path, json=REQUEST)
    assert reply.status_code == 200
    body = reply.json()
    assert body["output"]["person"][0]["text"] == "Anna Weber"
    assert body["model"] == running.client.get("/v2/models/nlu").json()["versions"][0]
    assert body["served_by"]["slot"] == reply.headers["x-slipway-slot"] == IDENTITY.slot


def test_text_in_any_script_comes_back_as_it_was_sent(running: Running) -> None:
    text = "Björn Ångström flog nach Zürich 東京."
    output = running.client.post("/", json={"text": text, "schema": {"person": None, "place": None}}).json()["output"]
    for span in [*output["person"], *output["place"]]:
        assert text[span["start"] : span["end"]] == span["text"]


def test_an_invalid_request_is_400_and_an_unanswerable_one_is_422(running: Running) -> None:
    assert running.client.post("/", content=b"Anna").status_code == 400
    unknown = running.client.post("/", json={"text": "x", "schema": {"preson": None}})
    assert (unknown.status_code, unknown.json()) == (
        422,
        {"error": "schema: 'preson' is an unknown label; did you mean 'person'?"},
    )
    assert running.client.post("/", json={"text": "x" * 513, "schema": {"person": None}}).status_code == 422
    assert running.client.post("/", content=b" " * (5 * 1024 * 1024 + 1)).status_code == 413
    assert running.client.get("/").status_code == 405


@pytest.mark.slow
def test_a_schema_of_many_labels_is_read_in_the_other_process(
    running: Running, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    other = OtherProcess()
    request.addfinalizer(other.end)
    monkeypatch.setattr("serving.work.offload._other", other)
    for labels, elsewhere in ((5_000, False), (12_000, True)):
        schema = {str(number): None for number in range(labels)}
        reply = running.client.post("/", content=json.dumps({"text": "x", "schema": schema}, separators=(",", ":")))
        assert (reply.status_code, reply.json()) == (422, {"error": f"schema: has {labels} labels; send 1 to 64"})
        assert (other.running is not None) == elsewhere


def test_requests_and_inferences_are_counted(running: Running) -> None:
    before = running.metric("http_requests_total", method="POST", route="/", status="200")
    inferred = running.metric("inference_duration_seconds_count")
    running.client.post("/", json=REQUEST).raise_for_status()
    assert running.metric("http_requests_total", method="POST", route="/", status="200") == before + 1
    assert running.metric("inference_duration_seconds_count") == inferred + 1
    assert running.metric("model_loaded") == 1
    assert running.metric("model_load_duration_seconds") > 0


def test_every_kind_of_request_was_answered_before_the_first_client_comes(nlu_folder: Path) -> None:
    with serve(PAYLOAD, modelPath=str(nlu_folder)) as fresh:
        fresh.wait_ready()
        assert fresh.metric("inference_duration_seconds_count") >= ROUNDS * len(WARM_UP)
        assert fresh.metric("http_requests_total", method="POST", route="/", status="200") == 0


def test_the_tensors_of_the_model_can_be_asked_through_v2(running: Running) -> None:
    described = running.client.get("/v2/models/nlu").json()
    assert [tensor["name"] for tensor in described["inputs"]] == ["text", "marks", "labels"]
    row = [7] * PER_TOKEN
    request = {
        "inputs": [
            {"name": "text", "datatype": "INT64", "shape": [1, 2, PER_TOKEN], "data": row * 2},
            {"name": "marks", "datatype": "INT64", "shape": [1, 2], "data": [0, 0]},
            {"name": "labels", "datatype": "INT64", "shape": [1, 1, PER_TOKEN], "data": row},
        ]
    }
    outputs = {
        tensor["name"]: tensor for tensor in running.client.post("/v2/models/nlu/infer", json=request).json()["outputs"]
    }
    assert outputs["tags"]["shape"] == [1, 2, 1, 3]
    assert sum(outputs["tags"]["data"][:3]) == pytest.approx(1)
    assert outputs["whole"]["shape"] == [1, 1]


@pytest.mark.parametrize(
    ("name", "shape", "data", "status"),
    [
        ("marks", [1, 3], [0, 0, 0], 400),
        ("marks", [1, 2], [10**9, -5], 200),
        ("labels", [1, 1, PER_TOKEN], [-1] * PER_TOKEN, 200),
        ("text", [1, 2, PER_TOKEN], [0] * 2 * PER_TOKEN, 200),
        ("text", [1, 2, PER_TOKEN], [10**12] * 2 * PER_TOKEN, 200),
    ],
)
def test_tensors_that_fit_no_table_break_nothing(
    running: Running, name: str, shape: list[int], data: list[int], status: int
) -> None:
    inputs = {
        "text": {"name": "text", "datatype": "INT64", "shape": [1, 2, PER_TOKEN], "data": [7] * 2 * PER_TOKEN},
        "marks": {"name": "marks", "datatype": "INT64", "shape": [1, 2], "data": [0, 0]},
        "labels": {"name": "labels", "datatype": "INT64", "shape": [1, 1, PER_TOKEN], "data": [7] * PER_TOKEN},
    }
    inputs[name] = {"name": name, "datatype": "INT64", "shape": shape, "data": data}
    reply = running.client.post("/v2/models/nlu/infer", json={"inputs": list(inputs.values())})
    assert reply.status_code == status, reply.text


def change_vocabulary(folder: Path) -> None:
    (folder / "vocab.txt").write_text("a\n")


def remove_model(folder: Path) -> None:
    (folder / "model.onnx").unlink()


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (change_vocabulary, "vocab.txt: SHA-256 is"),
        (remove_model, "model.onnx: cannot be read"),
        (shutil.rmtree, "SHA256SUMS: cannot be read"),
    ],
)
def test_a_damaged_model_is_told_and_taken_once_it_is_whole(
    nlu_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: Callable[[Path], None], reason: str
) -> None:
    monkeypatch.setattr("serving.role.loading.FIRST_PAUSE_SECONDS", 0.02)
    folder = tmp_path / "model"
    shutil.copytree(nlu_folder, folder)
    damage(folder)
    with serve(PAYLOAD, modelPath=str(folder)) as running:
        wait_until(lambda: reason in running.client.get("/health").text, "the reason is known")
        assert running.client.get("/health").status_code == 503
        assert running.client.post("/", json=REQUEST).status_code == 503
        shutil.copytree(nlu_folder, folder, dirs_exist_ok=True)
        running.wait_ready()
        assert running.client.post("/", json=REQUEST).status_code == 200
