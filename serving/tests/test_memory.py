"""The memory of a request is limited by the size of its body, and free once the request is answered."""

import asyncio
import gc
import json
import tracemalloc
import weakref
from collections.abc import Awaitable, Callable, Generator
from contextlib import suppress

import numpy as np
import pytest
from starlette.exceptions import HTTPException

from serving.http.encoding import encoded_array, encoded_lists, encoded_tensors
from serving.http.json_body import MOST_CONTAINERS, MOST_KEYS, MOST_MULTIPLE, MOST_VALUES
from serving.http.tensor_requests import MOST_OUTPUT_VALUES, InferenceError, check_computed, parse
from serving.models.onnx import tensor_of
from serving.models.tensors import DYNAMIC, Signature, Tensor, expected_values
from serving.role.service import Service, make_service
from serving.settings import Settings
from serving.tests.support import IDENTITY, HeldSession, model_with, wait_until

pytestmark = pytest.mark.slow  # large allocations

MEBIBYTE = 1 << 20


def tensor(data: str, shape: str = "[1,64]", **more: str) -> bytes:
    parts = {"name": '"pixels"', "shape": shape, "datatype": '"FP32"', "data": f"[{data}]", **more}
    return ('{"inputs":[{' + ",".join(f'"{key}":{value}' for key, value in parts.items()) + "}]}").encode()


def digits() -> Signature:
    return Signature.of(model_with(HeldSession()).onnx)


ONE = b'{"name":"pixels","shape":[1],"datatype":"FP32","data":[0]}'
HOSTILE: dict[str, bytes] = {
    "a long string among numbers": tensor('"' + "x" * 10_000 + '",' + ",".join(['""'] * 639), "[10,64]"),
    "small negative numbers": tensor(",".join(["-6"] * (MOST_VALUES - 100))),
    "more values than allowed": tensor(",".join(["-6"] * (MOST_VALUES + 100))),
    "empty lists": tensor(",".join(["[]"] * (MOST_CONTAINERS - 100))),
    "more lists than allowed": tensor(",".join(["[]"] * (MOST_CONTAINERS + 100))),
    "empty objects": tensor(",".join(["{}"] * (MOST_CONTAINERS - 100))),
    "keys": ("{" + ",".join(f'"{n:x}":0' for n in range(MOST_KEYS - 100)) + "}").encode(),
    "more keys than allowed": ("{" + ",".join(f'"{n:x}" :0' for n in range(MOST_KEYS + 100)) + "}").encode(),
    "tensors without keys": b'{"inputs":[' + b",".join([b"{}"] * 90_000) + b"]}",
    "a long shape of strings": tensor("0", "[" + ",".join(['"a"'] * 500_000) + "]"),
    "giant sizes": tensor("0", "[1000,64]"),
    "a tensor repeated": b'{"inputs":[' + b",".join([ONE] * 60) + b"]}",
    "a long name": tensor("0", name='"' + "n" * MEBIBYTE + '"'),
    "an unknown key of a mebibyte": tensor("0", **{"k" * MEBIBYTE: "0"}),
    "wide characters": tensor('"\N{GRINNING FACE}' + "x" * MEBIBYTE + '"'),
    "deep lists": tensor("[" * 50_000),
    "a long whole number": tensor("1" * MEBIBYTE),
    "ragged rows": tensor(",".join(["[1,2]"] * 20_000) + ",[1]"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_body_is_refused_and_allocates_no_more_than_the_documented_multiple(name: str) -> None:
    body, model = HOSTILE[name], digits()
    gc.collect()
    tracemalloc.start()
    try:
        with pytest.raises(InferenceError) as caught:
            parse(body, model)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < MOST_MULTIPLE * len(body) + MEBIBYTE
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("what", ["values", "lists", "keys"])
def test_a_body_of_too_many_parts_is_refused_before_it_is_parsed(what: str) -> None:
    with pytest.raises(InferenceError, match=r"the limit is \d+; send several smaller requests"):
        parse(HOSTILE[f"more {what} than allowed"], digits())


def test_the_largest_bodies_that_are_parsed_are_within_the_multiple() -> None:
    rows = 1000
    body = tensor(",".join(["-6"] * (64 * rows)), f"[{rows},64]")
    tracemalloc.start()
    try:
        parse(body, digits())
        assert tracemalloc.get_traced_memory()[1] < MOST_MULTIPLE * len(body)
    finally:
        tracemalloc.stop()


class Node:
    """An input or output as onnxruntime describes it."""

    def __init__(self, name: str, shape: list[int | str | None]) -> None:
        self.name, self.type, self.shape = name, "tensor(float)", shape


def crossed() -> Signature:
    """A model whose answer has every word beside every label."""
    inputs = tensor_of(Node("words", ["rows", "words"])), tensor_of(Node("labels", ["labels"]))
    return Signature(inputs, (tensor_of(Node("tags", ["rows", "words", "labels", 3])),))


def test_an_answer_whose_size_only_the_graph_knew_is_refused_before_it_is_encoded() -> None:
    half = np.zeros(MOST_OUTPUT_VALUES // 2, np.float32)
    check_computed({"a": half, "b": half})
    with pytest.raises(InferenceError, match="the answer has 1000001 values, the limit is 1000000"):
        check_computed({"a": half, "b": half, "c": np.zeros(())})


def test_an_answer_s_size_is_known_before_it_is_computed() -> None:
    assert expected_values(crossed(), {"words": (2, 500), "labels": (40,)}) == 2 * 500 * 40 * 3
    unnamed = Signature((Tensor("a", "FP32", (DYNAMIC, 4)),), (Tensor("b", "FP32", (DYNAMIC, 7)),))
    assert expected_values(unnamed, {"a": (5, 4)}) == 35


def test_a_request_whose_answer_would_be_too_large_is_refused() -> None:
    def body(labels: int) -> bytes:
        words = {"name": "words", "shape": [1, 1000], "datatype": "FP32", "data": [0] * 1000}
        named = {"name": "labels", "shape": [labels], "datatype": "FP32", "data": [0] * labels}
        return json.dumps({"inputs": [words, named]}).encode()

    parse(body(MOST_OUTPUT_VALUES // 3000), crossed())
    with pytest.raises(InferenceError, match=r"the answer would have 1002000 values, the limit is 1000000; send fewer"):
        parse(body(MOST_OUTPUT_VALUES // 3000 + 1), crossed())


def test_an_output_that_is_named_twice_is_computed_once() -> None:
    body = json.loads(tensor(",".join(["0"] * 64))) | {"outputs": [{"name": "probabilities"}] * 9}
    assert parse(json.dumps(body).encode(), digits()).wanted == ["probabilities"]


@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (5,), (200_000,), (100_000, 2), (2, 70_000), (1, 1, 200_000)])
def test_a_large_answer_is_the_same_json_as_a_small_one(shape: tuple[int, ...]) -> None:
    values = np.arange(np.prod(shape, dtype=int), dtype=np.float32).reshape(shape) / 8
    assert json.loads("".join(encoded_array(values))) == values.tolist()
    assert json.loads(encoded_lists({"a": values, 'b"': values}, {"t": 1})) == {
        "outputs": {"a": values.tolist(), 'b"': values.tolist()},
        "t": 1,
    }
    [output] = json.loads(encoded_tensors({"id": "1"}, {"a": values}, [Tensor("a", "FP32", shape)]))["outputs"]
    assert output == {"name": "a", "datatype": "FP32", "shape": list(shape), "data": values.ravel().tolist()}


def test_encoding_takes_little_more_than_the_text() -> None:
    values = np.full(MOST_OUTPUT_VALUES, 0.123, np.float64)
    tracemalloc.start()
    try:
        text = encoded_lists({"a": values}, {})
        assert tracemalloc.get_traced_memory()[1] < 3 * len(text) + 16 * MEBIBYTE
    finally:
        tracemalloc.stop()


def test_numbers_that_are_not_finite_have_no_json() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        encoded_lists({"a": np.array([np.inf])}, {})


class Body:
    """A request's content whose end can be observed."""


@pytest.fixture
def without_collector() -> Generator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def answered(read: Callable[[Body], Awaitable[Body]], job: Callable[[None, Body], object]) -> "weakref.ref[Body]":
    """Have a service answer one request, and return what is left of its content."""

    async def ask(service: Service[None]) -> "weakref.ref[Body]":
        body = Body()
        left = weakref.ref(body)
        with suppress(HTTPException, ValueError):
            await service.compute(lambda read=read, body=body: read(body), job)
        return left

    async def run() -> "weakref.ref[Body]":
        service = make_service(Settings.model_validate({"requestTimeoutSeconds": 0.2}), IDENTITY, workers=1)
        service.lifecycle.loaded(None, service.lifecycle.files)
        left = await ask(service)
        for _ in range(3):  # the loop's own handles end with their turn
            await asyncio.sleep(0)
        return left

    return asyncio.run(run())


def freed(left: "weakref.ref[Body]") -> Callable[[], bool]:
    """A worker thread may still be on its way out of the job."""
    return lambda: left() is None


async def given(body: Body) -> Body:
    return body


@pytest.mark.usefixtures("without_collector")
def test_a_refused_request_is_free_once_it_is_answered() -> None:
    def refused(_: None, body: Body) -> None:
        tensors = [body]
        fault = ValueError(f"{len(tensors)} do not fit")  # this frame holds it, and its traceback this frame
        raise fault

    wait_until(freed(answered(given, refused)), "the request is free")


@pytest.mark.usefixtures("without_collector")
def test_an_answered_request_is_free_too() -> None:
    wait_until(freed(answered(given, lambda _, body: [body])), "the request is free")


@pytest.mark.usefixtures("without_collector")
def test_a_request_whose_body_never_ends_is_free_after_its_408() -> None:
    async def never(body: Body) -> Body:
        await asyncio.Event().wait()
        return body

    wait_until(freed(answered(never, lambda _, body: body)), "the request is free")
