"""Any ONNX model, served through the Open Inference Protocol and POST /predict with plain JSON."""

import json
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from serving.errors import refusal
from serving.http.encoding import answer, encoded
from serving.http.tensor_requests import Feed, InferenceError, array_of, fits, shape_words
from serving.http.uploads import read_body
from serving.models.onnx import file_of
from serving.models.tensors import DYNAMIC, Tensor
from serving.payloads.generic.model import GenericModel, load_generic
from serving.role.payload import Context, Payload, WarmUp
from serving.role.service import Service
from serving.work.batching import Pending


class Inputs(BaseModel):
    """The body of POST /predict: nested lists by input name; the nesting gives the shapes."""

    model_config = ConfigDict(extra="forbid")
    inputs: dict[str, Any]


def predict(model: GenericModel, body: bytes) -> dict[str, Any]:
    """Return the answer to a body of POST /predict: outputs as nested lists by name.

    Raises:
        InferenceError: the body does not fit the model.
    """
    return _lists(model.batches.answer(read(model, body)))


def read(model: GenericModel, body: bytes) -> Feed:
    """Parse a body of POST /predict into tensors by name.

    Raises:
        InferenceError: the body does not fit the model.
    """
    try:
        given = Inputs.model_validate_json(body).inputs
    except ValidationError as error:
        first = error.errors()[0]
        raise InferenceError(f"{'.'.join(str(part) for part in first['loc']) or 'body'}: {first['msg']}") from error
    taken = {tensor.name: tensor for tensor in model.inputs}
    if given.keys() != taken.keys():
        raise InferenceError(f"inputs: got {list(given)}, but the model requires exactly {list(taken)}")
    return {name: _array(tensor, given[name]) for name, tensor in taken.items()}


def _lists(outputs: Feed) -> dict[str, Any]:
    return {name: values.tolist() for name, values in outputs.items()}


def _array(taken: Tensor, given: object) -> NDArray[Any]:
    values = array_of(taken.name, given, taken.datatype)
    if not fits(list(values.shape), taken.shape):
        wanted = shape_words(taken.shape)
        raise InferenceError(f"{taken.name}: shape is {list(values.shape)}, but the model requires {wanted}")
    return values


def _load(context: Context) -> GenericModel:
    return load_generic(
        context.model_folder,
        context.threads.intra_op,
        file_of(context.settings.variant),
        seen=context.telemetry.batch_size.observe,
    )


def _routes(service: Service[GenericModel]) -> list[Route]:
    def infer(model: GenericModel, body: bytes) -> Pending[Feed, Feed, bytes]:
        feed = read(model, body)
        began = time.perf_counter()

        def finish(outputs: Feed) -> bytes:
            service.telemetry.inference_seconds.observe(time.perf_counter() - began)
            return encoded({"outputs": _lists(outputs), "served_by": service.identity.served_by()})

        return Pending(model.batches, feed, finish)

    async def endpoint(request: Request) -> Response:
        """Answer a plain JSON request with plain JSON."""
        try:
            return answer(await service.compute(lambda: read_body(request), infer))
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
