"""Any ONNX model, through the Open Inference Protocol and POST /predict with plain JSON."""

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from serving.errors import refusal
from serving.onnx import file_of
from serving.payload import Context, Payload, WarmUp
from serving.payloads.generic.model import GenericModel, load_generic
from serving.service import Service
from serving.tensor_requests import InferenceError, array_of, fits, shape_words
from serving.tensors import DYNAMIC, Tensor
from serving.uploads import read_body

# More than there are inferences at once, so that requests gather into batches; the model's own lanes keep to the CPUs.
WORKERS = 16


class Inputs(BaseModel):
    """The body of POST /predict: nested lists by input name; shapes are those of the nesting."""

    model_config = ConfigDict(extra="forbid")
    inputs: dict[str, Any]


def predict(model: GenericModel, body: bytes) -> dict[str, Any]:
    """Answer a body of POST /predict: outputs as nested lists by name.

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
        raise InferenceError(f"inputs: got {list(given)}, the model takes exactly {list(taken)}")
    feed = {name: _array(tensor, given[name]) for name, tensor in taken.items()}
    outputs = model.infer(feed, [tensor.name for tensor in model.outputs])
    return {name: values.tolist() for name, values in outputs.items()}


def _array(taken: Tensor, given: object) -> NDArray[Any]:
    values = array_of(taken.name, given, taken.datatype)
    if not fits(list(values.shape), taken.shape):
        wanted = shape_words(taken.shape)
        raise InferenceError(f"{taken.name}: shape is {list(values.shape)}, the model takes {wanted}")
    return values


def _load(context: Context) -> GenericModel:
    return load_generic(
        context.model_folder,
        context.threads.intra_op,
        file_of(context.settings.variant),
        lanes=context.threads.workers,
        seen=context.telemetry.batch_size.observe,
    )


def _routes(service: Service[GenericModel]) -> list[Route]:
    def answer(model: GenericModel, body: bytes) -> dict[str, Any]:
        with service.telemetry.inference_seconds.time():
            return predict(model, body)

    async def endpoint(request: Request) -> Response:
        """Answer plain JSON with plain JSON."""
        try:
            outputs = await service.compute(lambda: read_body(request), answer)
        except InferenceError as error:
            raise refusal(400, str(error)) from error
        return JSONResponse({"outputs": outputs, "served_by": service.identity.served_by()})

    return [Route("/predict", endpoint, methods=["POST"])]


def _warm_up(model: GenericModel) -> list[WarmUp]:
    return [WarmUp(path="/predict", body=model.example or example_of(model.inputs))]


def example_of(inputs: tuple[Tensor, ...]) -> bytes:
    """The smallest request that fits: zeros, and 1 wherever the model leaves a size open."""
    empty = {"BYTES": "", "BOOL": False}
    values = {
        tensor.name: np.full(
            [1 if size == DYNAMIC else size for size in tensor.shape], empty.get(tensor.datatype, 0)
        ).tolist()
        for tensor in inputs
    }
    return json.dumps({"inputs": values}).encode()


PAYLOAD = Payload(load=_load, routes=_routes, warm_up=_warm_up, tensors=lambda model: model, workers=WORKERS)
