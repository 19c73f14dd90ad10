"""Any ONNX model is served by its own inputs and outputs, whatever their names, types and shapes."""

import json
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from onnx import TensorProto, helper

from serving.errors import ModelUnusableError
from serving.http.tensor_requests import InferenceError
from serving.models.checksums import write_sums
from serving.models.onnx import CPU, CUDA, QUANTISED_FILE, Session, open_session
from serving.models.tensors import DYNAMIC, Tensor
from serving.payloads.generic import PAYLOAD, example_of, predict
from serving.payloads.generic.model import load_generic
from serving.payloads.generic.train import FLOOR, INPUT, split, train
from serving.tests.support import Running, serve, wait_until
from serving.training.runner import Trained, write

Node = tuple[str, int, list[int | str]]
MODEL = "/v2/models/tumours"


@pytest.fixture(scope="module")
def tumours() -> Trained:
    return train(0)


@pytest.fixture(scope="module")
def running(tumours: Trained, tmp_path_factory: pytest.TempPathFactory) -> Generator[Running]:
    folder = tmp_path_factory.mktemp("generic") / "model"
    write(tumours, folder)
    with serve(PAYLOAD, modelPath=str(folder), modelName="tumours") as started:
        started.wait_ready()
        yield started


def graph(*nodes: Any, takes: list[Node], gives: list[Node]) -> bytes:
    """An ONNX file of these operators."""
    made = helper.make_graph(
        list(nodes),
        "test",
        [helper.make_tensor_value_info(*node) for node in takes],
        [helper.make_tensor_value_info(*node) for node in gives],
    )
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(made, opset_imports=opset, ir_version=8).SerializeToString()


def identity(kind: int, shape: list[int | str]) -> bytes:
    node = helper.make_node("Identity", ["given"], ["taken"])
    return graph(node, takes=[("given", kind, shape)], gives=[("taken", kind, shape)])


def in_folder(folder: Path, model: bytes, **more: bytes) -> Path:
    write_sums(folder, {"model.onnx": model, **{name.replace("_", "."): content for name, content in more.items()}})
    return folder


def test_the_example_model_is_good_on_patients_it_never_saw_asked_as_clients_ask(running: Running) -> None:
    data = split()
    answer = running.client.post("/predict", json={"inputs": {INPUT: data.held_out.tolist()}}).json()
    right = sum(a == b for a, b in zip(answer["outputs"]["label"], data.held_out_classes.tolist(), strict=True))
    assert right / len(data.held_out_classes) >= 0.95 > FLOOR
    assert answer["served_by"]["slot"] == "blue"


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_model(tumours: Trained) -> None:
    assert train(0).contents() == tumours.contents()
    assert train(1).files["model.onnx"] != tumours.files["model.onnx"]


def test_the_model_describes_itself_by_its_own_inputs_and_outputs(running: Running, tumours: Trained) -> None:
    told = running.client.get(MODEL).json()
    assert told["inputs"] == [{"name": INPUT, "datatype": "FP32", "shape": [-1, 30]}]
    assert told["outputs"] == [
        {"name": "label", "datatype": "INT64", "shape": [-1]},
        {"name": "probabilities", "datatype": "FP32", "shape": [-1, 2]},
    ]
    assert told["versions"] == [tumours.metadata.version]


def test_both_endpoints_agree_and_an_output_can_be_chosen(running: Running) -> None:
    rows = split().held_out[:3].tolist()
    tensor = {"name": INPUT, "shape": [3, 30], "datatype": "FP32", "data": rows}
    both = running.client.post(f"{MODEL}/infer", json={"inputs": [tensor]}).json()["outputs"]
    assert [output["name"] for output in both] == ["label", "probabilities"]
    body = {"inputs": [tensor], "outputs": [{"name": "label"}]}
    [chosen] = running.client.post(f"{MODEL}/infer", json=body).json()["outputs"]
    assert chosen == both[0] == {"name": "label", "datatype": "INT64", "shape": [3], "data": chosen["data"]}
    plain = running.client.post("/predict", json={"inputs": {INPUT: rows}}).json()["outputs"]
    assert plain["label"] == chosen["data"]


def test_latency_and_healthz_are_there_for_alerts_and_manifests(running: Running) -> None:
    running.client.post("/predict", json={"inputs": {INPUT: [[0.0] * 30]}})
    assert running.client.get("/healthz").status_code == 200
    assert running.metric("inference_duration_seconds_sum") > 0
    assert running.metric("http_request_duration_seconds_count", method="POST", route="/predict") >= 1


VALUES: list[tuple[int, str, object]] = [
    (TensorProto.FLOAT, "FP32", [[1.5, -2.0]]),
    (TensorProto.DOUBLE, "FP64", [[1.5, -2.0]]),
    (TensorProto.FLOAT16, "FP16", [[1.5, -2.0]]),
    (TensorProto.INT64, "INT64", [[2**53 + 1, -(2**62)]]),
    (TensorProto.INT32, "INT32", [[2**31 - 1, -(2**31)]]),
    (TensorProto.INT8, "INT8", [[127, -128]]),
    (TensorProto.UINT8, "UINT8", [[0, 255]]),
    (TensorProto.BOOL, "BOOL", [[True, False]]),
    (TensorProto.STRING, "BYTES", [["größer", ""]]),
]


@pytest.mark.parametrize(("kind", "datatype", "values"), VALUES, ids=[name for _, name, _ in VALUES])
def test_every_datatype_goes_in_and_comes_out_unchanged(
    kind: int, datatype: str, values: object, tmp_path: Path
) -> None:
    in_folder(tmp_path, identity(kind, ["rows", 2]))
    with serve(PAYLOAD, modelPath=str(tmp_path)) as started:
        started.wait_ready()
        assert started.client.get("/v2/models/model").json()["inputs"][0]["datatype"] == datatype
        tensor = {"name": "given", "shape": [1, 2], "datatype": datatype, "data": values}
        answer = started.client.post("/v2/models/model/infer", json={"inputs": [tensor]}).json()
        assert [answer["outputs"][0]["data"]] == values
        plain = started.client.post("/predict", json={"inputs": {"given": values}}).json()
        assert plain["outputs"] == {"taken": values}


def test_several_inputs_and_every_open_size_are_the_clients_choice(tmp_path: Path) -> None:
    shape: list[int | str] = ["rows", 3, "width"]
    add = helper.make_node("Add", ["left", "right"], ["sum"])
    takes: list[Node] = [("left", TensorProto.INT32, shape), ("right", TensorProto.INT32, shape)]
    model = load_generic(in_folder(tmp_path, graph(add, takes=takes, gives=[("sum", TensorProto.INT32, shape)])), 1)
    assert model.inputs == (Tensor("left", "INT32", (-1, 3, -1)), Tensor("right", "INT32", (-1, 3, -1)))
    ones = [[[1, 2]] * 3] * 4
    assert predict(model, json.dumps({"inputs": {"right": ones, "left": ones}}).encode()) == {"sum": [[[2, 4]] * 3] * 4}


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ({}, r"inputs: got \[\], but the model requires exactly \['given'\]"),
        ({"given": [[1, 2]], "more": 1}, "the model requires exactly"),
        ({"given": [1, 2]}, r"given: shape is \[2\], but the model requires \[1 to 1024, 2\]"),
        ({"given": [[1, 2, 3]]}, r"shape is \[1, 3\]"),
        ({"given": []}, "given: "),
        ({"given": [[1.5, 2]]}, "not a regular array of whole numbers"),
        ({"given": [["1", "2"]]}, "not a regular array of whole numbers"),
        ({"given": [[True, False]]}, "not a regular array of whole numbers"),
        ({"given": [[1, None]]}, "not a regular array of whole numbers"),
        ({"given": [[1], [1, 2]]}, "not a regular array of whole numbers"),
        ({"given": [[1, 2**31]]}, "outside INT32, -2147483648 to 2147483647"),
        ({"given": [[1, 2**70]]}, "not a regular array of whole numbers"),
        ({"given": {"a": 1}}, "not a regular array of whole numbers"),
    ],
)
def test_a_request_that_does_not_fit_is_refused_in_one_line(inputs: object, reason: str, tmp_path: Path) -> None:
    model = load_generic(in_folder(tmp_path, identity(TensorProto.INT32, ["rows", 2])), 1)
    with pytest.raises(InferenceError, match=reason) as caught:
        predict(model, json.dumps({"inputs": inputs}).encode())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"[]", b'{"input": {}}'])
def test_an_invalid_body_is_400(running: Running, content: bytes) -> None:
    answer = running.client.post("/predict", content=content)
    assert (answer.status_code, list(answer.json())) == (400, ["error"])


def test_the_warm_up_fits_any_shape_and_an_example_beside_the_model_comes_first(tmp_path: Path) -> None:
    example = json.loads(example_of((Tensor("a", "INT64", (DYNAMIC, 2)), Tensor("b", "BYTES", (1,)))))
    assert example == {"inputs": {"a": [[0, 0]], "b": [""]}}
    model = load_generic(in_folder(tmp_path, identity(TensorProto.FLOAT, [1]), example_json=b'{"inputs": {}}'), 1)
    assert PAYLOAD.warm_up(model)[0].body == b'{"inputs": {}}'


def test_an_example_that_does_not_fit_keeps_the_pod_from_being_ready_and_says_why(tmp_path: Path) -> None:
    in_folder(tmp_path, identity(TensorProto.FLOAT, [1]), example_json=b'{"inputs": {}}')
    with serve(PAYLOAD, modelPath=str(tmp_path)) as started:
        wait_until(
            lambda: "the model requires exactly ['given']" in started.client.get("/health").text, "the reason is told"
        )
        assert started.client.get("/health").status_code == 503


def named(folder: Path, *names: str) -> Path:
    write_sums(folder, dict.fromkeys(names, identity(TensorProto.FLOAT, [1])))
    return folder


def sequence(folder: Path) -> Path:
    node = helper.make_node("SequenceConstruct", ["given"], ["taken"])
    made = helper.make_graph(
        [node],
        "test",
        [helper.make_tensor_value_info("given", TensorProto.FLOAT, [1])],
        [helper.make_tensor_sequence_value_info("taken", TensorProto.FLOAT, [1])],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return in_folder(folder, model.SerializeToString())


FOLDERS: list[tuple[Callable[[Path], Path], str]] = [
    (lambda folder: named(folder, "a.onnx", "b.onnx"), r"lists no model\.onnx \(models there: a\.onnx, b\.onnx\)"),
    (lambda folder: named(folder, "readme.md"), r"models there: none"),
    (lambda folder: in_folder(folder, b"no model"), r"model\.onnx: onnxruntime rejected it"),
    (sequence, "'taken' is a seq.*; export the model with plain tensors"),
    (lambda folder: folder, "SHA256SUMS: cannot be read"),
]


@pytest.mark.parametrize(("make", "reason"), FOLDERS)
def test_a_folder_that_cannot_be_served_is_named(make: Callable[[Path], Path], reason: str, tmp_path: Path) -> None:
    with pytest.raises(ModelUnusableError, match=reason) as caught:
        load_generic(make(tmp_path), 1)
    assert "\n" not in str(caught.value)


def test_one_model_of_any_name_will_do_and_the_quantised_one_is_asked_for_by_name(tmp_path: Path) -> None:
    assert load_generic(named(tmp_path / "one", "resnet.onnx"), 1).version
    with pytest.raises(ModelUnusableError, match=r"lists no model\.int8\.onnx"):
        load_generic(tmp_path / "one", 1, QUANTISED_FILE)
    assert load_generic(named(tmp_path / "two", "model.onnx", "model.int8.onnx"), 1, QUANTISED_FILE).version


@pytest.mark.parametrize(("available", "asked"), [([CPU], [CPU]), ([CUDA, "X", CPU], [CUDA, CPU])])
def test_a_gpu_is_used_where_onnxruntime_finds_one(
    available: list[str], asked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = []

    def opened(path: Path, threads: int, providers: list[str]) -> Session:
        seen.append(providers)
        return open_session(path, threads)

    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: available)
    monkeypatch.setattr("serving.payloads.generic.model.open_session", opened)
    load_generic(in_folder(tmp_path, identity(TensorProto.FLOAT, [1])), 1)
    assert seen == [asked]
