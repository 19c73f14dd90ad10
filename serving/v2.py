"""The Open Inference Protocol, version 2, over HTTP and JSON: what generic clients and gateways speak.

The model takes one tensor `pixels`, FP32 [n, 64], grey values row by row, 0 = background to 1 = ink.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from serving.errors import refusal
from serving.model import INPUT, OUTPUT, Model
from serving.pictures import PIXELS
from serving.service import Service
from serving.uploads import read_body

DATATYPE = "FP32"
# Rows of one request: bounds how long one request holds a worker thread.
MOST_ROWS = 1024


class InputTensor(BaseModel):
    """A tensor of a request; `data` is flat or nested, in row-major order."""

    model_config = ConfigDict(extra="forbid")
    name: str
    shape: list[int]
    datatype: str
    data: list[Any]
    parameters: dict[str, Any] = Field(default_factory=dict)


class RequestedOutput(BaseModel):
    """An output that the client wants."""

    model_config = ConfigDict(extra="forbid")
    name: str
    parameters: dict[str, Any] = Field(default_factory=dict)


class InferenceRequest(BaseModel):
    """The body of POST /v2/models/{model}/infer."""

    model_config = ConfigDict(extra="forbid")
    id: str | None = None
    inputs: list[InputTensor]
    outputs: list[RequestedOutput] = Field(default_factory=list[RequestedOutput])
    parameters: dict[str, Any] = Field(default_factory=dict)


class InferenceError(ValueError):
    """The request does not fit the model; the message is one line for the client."""


def parse(body: bytes) -> tuple[InferenceRequest, NDArray[np.float32]]:
    """Read and validate a request, and make its tensor.

    Raises:
        InferenceError: no such request, or name, datatype, shape or data do not fit the model.
    """
    try:
        request = InferenceRequest.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        raise InferenceError(f"{where}: {first['msg']}") from error
    names = [tensor.name for tensor in request.inputs]
    if names != [INPUT]:
        raise InferenceError(f"inputs: got {names}, the model takes exactly ['{INPUT}']")
    unknown = [output.name for output in request.outputs if output.name != OUTPUT]
    if unknown:
        raise InferenceError(f"outputs: {unknown} unknown, the model gives ['{OUTPUT}']")
    return request, _tensor(request.inputs[0])


def _tensor(given: InputTensor) -> NDArray[np.float32]:
    if given.datatype != DATATYPE:
        raise InferenceError(f"{INPUT}: datatype is {given.datatype!r}, the model takes {DATATYPE}")
    match given.shape:
        case [rows, columns] if 1 <= rows <= MOST_ROWS and columns == PIXELS:
            pass
        case _:
            raise InferenceError(f"{INPUT}: shape is {given.shape}, the model takes [1 to {MOST_ROWS}, {PIXELS}]")
    values = _numbers(given.data)
    if values.size != rows * columns:
        raise InferenceError(f"{INPUT}: data has {values.size} values, shape {given.shape} needs {rows * columns}")
    if not np.isfinite(values).all():
        raise InferenceError(f"{INPUT}: data has values that are not finite")
    return values.reshape(rows, columns)


def _numbers(data: list[Any]) -> NDArray[np.float32]:
    try:
        values = np.asarray(data)
    except ValueError as error:
        raise InferenceError(f"{INPUT}: data is no regular array of numbers") from error
    if values.dtype.kind not in "iuf":  # strings, booleans and null would be converted without a word
        raise InferenceError(f"{INPUT}: data is no regular array of numbers")
    with np.errstate(over="ignore"):  # becomes infinite, and is refused as such
        return values.astype(np.float32)


@dataclass(frozen=True)
class OpenInference:
    """The endpoints under /v2."""

    service: Service

    def routes(self) -> list[Route]:
        """Routes to compose into the application."""
        return [
            Route("/v2", self.server),
            Route("/v2/health/live", self.live),
            Route("/v2/health/ready", self.ready),
            Route("/v2/models/{model}", self.model),
            Route("/v2/models/{model}/ready", self.model_ready),
            Route("/v2/models/{model}/infer", self.infer, methods=["POST"]),
        ]

    async def server(self, _: Request) -> Response:
        """Who speaks."""
        identity = self.service.identity
        return JSONResponse({"name": identity.service, "version": identity.version, "extensions": []})

    async def live(self, _: Request) -> Response:
        """Alive as long as the event loop answers: with or without a model, and during a drain."""
        return JSONResponse({"live": True})

    async def ready(self, _: Request) -> Response:
        """The same truth as /health."""
        ready = self.service.lifecycle.ready
        return JSONResponse({"ready": ready}, 200 if ready else 503)

    async def model(self, request: Request) -> Response:
        """Inputs and outputs of the model."""
        name = self._known(request)
        model = self.service.lifecycle.model
        if model is None:
            raise refusal(503, f"not ready: {self.service.lifecycle.reason}", retry=True)
        return JSONResponse(
            {
                "name": name,
                "versions": [model.metadata.version],
                "platform": "onnxruntime_onnx",
                "inputs": [{"name": INPUT, "datatype": DATATYPE, "shape": [-1, PIXELS]}],
                "outputs": [{"name": OUTPUT, "datatype": DATATYPE, "shape": [-1, len(model.metadata.labels)]}],
            }
        )

    async def model_ready(self, request: Request) -> Response:
        """Readiness of the one model."""
        name = self._known(request)
        ready = self.service.lifecycle.ready
        return JSONResponse({"name": name, "ready": ready}, 200 if ready else 503)

    async def infer(self, request: Request) -> Response:
        """Probabilities of each row."""
        name = self._known(request)
        try:
            body = await self.service.compute(lambda: read_body(request), self._infer)
        except InferenceError as error:
            raise refusal(400, str(error)) from error
        return JSONResponse({"model_name": name, **body})

    def _infer(self, model: Model, body: bytes) -> dict[str, object]:
        request, pixels = parse(body)
        with self.service.telemetry.inference_seconds.time():
            scores = model.probabilities(pixels)
        answer: dict[str, object] = {"model_version": model.metadata.version}
        if request.id is not None:
            answer["id"] = request.id
        answer["outputs"] = [
            {"name": OUTPUT, "datatype": DATATYPE, "shape": list(scores.shape), "data": scores.ravel().tolist()}
        ]
        return answer

    def _known(self, request: Request) -> str:
        asked = str(request.path_params["model"])
        served = self.service.settings.model_name
        if asked != served:
            raise refusal(404, f"model '{asked[:64]}' is not served here; the model is '{served}'")
        return served
