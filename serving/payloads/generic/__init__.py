"""Any ONNX model, served through the Open Inference Protocol and POST /predict with plain JSON."""

import json
import time
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from serving.errors import refusal, shown
from serving.http.encoding import answer, encoded_lists
from serving.http.json_body import Body, JsonBodyError, document, require_lane_for
from serving.http.tensor_requests import (
    Feed,
    InferenceError,
    array_of,
    check_answer,
    check_computed,
    fits,
    flattened,
    read_tensors,
    shape_words,
)
from serving.models.onnx import file_of
from serving.models.tensors import DYNAMIC, Signature, Tensor
from serving.payloads.generic.model import GenericModel, load_generic
from serving.role.payload import Context, Payload, WarmUp
from serving.role.service import Service
from serving.work.batching import Pending
from serving.work.offload import offload


def predict(model: GenericModel, body: bytes) -> dict[str, Any]:
    """Return the answer to a body of POST /predict: outputs as nested lists by name.

    Raises:
        InferenceError: the body does not fit the model.
    """
    return {name: values.tolist() for name, values in model.batches.answer(read(Signature.of(model), body)).items()}


def read(model: Signature, body: Body) -> Feed:
    """Parse a body of POST /predict into tensors by name: nested lists, whose nesting gives the shapes.

    Raises:
        InferenceError: the body does not fit the model.
    """
    try:
        content = document(body)
    except JsonBodyError as error:
        raise InferenceError(str(error)) from error
    given: object = content.get("inputs")
    if content.keys() != {"inputs"} or not isinstance(given, dict):
        raise InferenceError(f"body: has {shown(list(content))}; send exactly an object 'inputs'")
    inputs = cast("dict[str, object]", given)
    taken = {tensor.name: tensor for tensor in model.inputs}
    if inputs.keys() != taken.keys():
        raise InferenceError(f"inputs: got {shown(list(inputs))}, but the model requires exactly {list(taken)}")
    feed = {name: _array(tensor, inputs[name]) for name, tensor in taken.items()}
    check_answer(model, {name: values.shape for name, values in feed.items()})
    return feed


def _array(taken: Tensor, given: object) -> NDArray[Any]:
    flat, shape = flattened(taken.name, given, taken.datatype)
    if not fits(shape, taken.shape):
        wanted = shape_words(taken.shape)
        raise InferenceError(f"{taken.name}: shape is {shown(shape)}, but the model requires {wanted}")
    return array_of(taken.name, flat, taken.datatype).reshape(shape)


def _load(context: Context) -> GenericModel:
    return load_generic(
        context.model_folder,
        context.threads.intra_op,
        file_of(context.settings.variant),
        seen=context.telemetry.batch_size.observe,
    )


def _routes(service: Service[GenericModel]) -> list[Route]:
    def infer(model: GenericModel, body: Body) -> Pending[Feed, Feed, bytes]:
        require_lane_for(body)
        feed = offload(read, Signature.of(model), body)
        began = time.perf_counter()

        def finish(outputs: Feed) -> bytes:
            service.telemetry.inference_seconds.observe(time.perf_counter() - began)
            check_computed(outputs)
            return offload(encoded_lists, outputs, {"served_by": service.identity.served_by()})

        return Pending(model.batches, feed, finish)

    async def read_inputs(request: Request) -> Body:
        return await read_tensors(request, service.lifecycle.serving_model())

    async def endpoint(request: Request) -> Response:
        """Answer a plain JSON request with plain JSON."""
        try:
            return answer(await service.compute(lambda: read_inputs(request), infer))
        except InferenceError as error:
            raise refusal(400, str(error)) from error

    return [Route("/predict", endpoint, methods=["POST"])]


def _warm_up(model: GenericModel) -> list[WarmUp]:
    return [WarmUp(path="/predict", body=model.example or example_of(model.inputs))]


def example_of(inputs: tuple[Tensor, ...]) -> bytes:
    """Return the smallest valid request: zeros, with size 1 for every open dimension."""
    empty = {"BYTES": "", "BOOL": False}
    values = {
        tensor.name: np.full(
            [1 if size == DYNAMIC else size for size in tensor.shape], empty.get(tensor.datatype, 0)
        ).tolist()
        for tensor in inputs
    }
    return json.dumps({"inputs": values}).encode()


PAYLOAD = Payload(
    load=_load, routes=_routes, warm_up=_warm_up, tensors=lambda model: model, batches=lambda model: model.batches
)
