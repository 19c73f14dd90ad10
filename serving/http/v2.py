"""The Open Inference Protocol, version 2, over HTTP and JSON: the API that generic clients and gateways use."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from numpy.typing import NDArray
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from serving.errors import refusal, shown
from serving.http.encoding import answer, encoded_tensors
from serving.http.json_body import Body, require_lane_for
from serving.http.tensor_requests import Asked, InferenceError, check_computed, parse, read_tensors
from serving.models.tensors import Signature, TensorModel
from serving.role.lifecycle import NotReadyError
from serving.role.payload import Payload
from serving.role.service import Service
from serving.work.batching import Pending
from serving.work.offload import offload

M = TypeVar("M")


@dataclass(frozen=True)
class OpenInference(Generic[M]):
    """The endpoints under /v2; the model endpoints exist only for roles that have tensors."""

    service: Service[M]
    payload: Payload[M]

    def routes(self) -> list[Route]:
        """Return the routes to add to the application."""
        always = [
            Route("/v2", self.server),
            Route("/v2/health/live", self.live),
            Route("/v2/health/ready", self.ready),
        ]
        if self.payload.tensors is None:
            return always
        return [
            Route("/v2/models/{model}/infer", self.infer, methods=["POST"]),  # the busiest route is matched first
            Route("/v2/models/{model}", self.model),
            Route("/v2/models/{model}/ready", self.model_ready),
            *always,
        ]

    async def server(self, _: Request) -> Response:
        """Return the server's name and version."""
        identity = self.service.identity
        return JSONResponse({"name": identity.service, "version": identity.version, "extensions": []})

    async def live(self, _: Request) -> Response:
        """Return 200 while the event loop runs: with or without a model, and during a drain."""
        return JSONResponse({"live": True})

    async def ready(self, _: Request) -> Response:
        """Return the same readiness as /health."""
        ready = self.service.lifecycle.ready
        return JSONResponse({"ready": ready}, 200 if ready else 503)

    async def model(self, request: Request) -> Response:
        """Return the inputs and outputs of the model."""
        name = self._known(request)
        try:
            model = self._tensors(self.service.lifecycle.serving_model())
        except NotReadyError as error:
            raise refusal(503, f"not ready: {error}", retry=True) from error
        return JSONResponse(
            {
                "name": name,
                "versions": [model.version],
                "platform": "onnxruntime_onnx",
                "inputs": [tensor.description() for tensor in model.inputs],
                "outputs": [tensor.description() for tensor in model.outputs],
            }
        )

    async def model_ready(self, request: Request) -> Response:
        """Return the readiness of the model."""
        name = self._known(request)
        ready = self.service.lifecycle.ready
        return JSONResponse({"name": name, "ready": ready}, 200 if ready else 503)

    async def infer(self, request: Request) -> Response:
        """Return the outputs that the request names, or all outputs if it names none."""
        name = self._known(request)
        try:
            return answer(await self.service.compute(lambda: self._read(request), partial(self._infer, name)))
        except InferenceError as error:
            raise refusal(400, str(error)) from error

    async def _read(self, request: Request) -> Body:
        return await read_tensors(request, self._tensors(self.service.lifecycle.serving_model()))

    def _infer(self, name: str, loaded: M, body: Body) -> "bytes | Pending[Any, Any, bytes]":
        """Parse the tensors, compute and encode the answer, in a worker thread."""
        model = self._tensors(loaded)
        require_lane_for(body)
        asked = offload(parse, body, Signature.of(model))
        if self.payload.batches is not None:
            began = time.perf_counter()

            def finish(outputs: Mapping[str, NDArray[Any]]) -> bytes:
                self.service.telemetry.inference_seconds.observe(time.perf_counter() - began)
                return _encoded(name, model, asked, {output: outputs[output] for output in asked.wanted})

            return Pending(self.payload.batches(loaded), asked.feed, finish)
        with self.service.telemetry.inference_seconds.time():
            outputs = model.infer(asked.feed, asked.wanted)
        return _encoded(name, model, asked, outputs)

    def _tensors(self, loaded: M) -> TensorModel:
        tensors = self.payload.tensors
        if tensors is None:
            raise TypeError("a role without tensors has no v2 routes")
        return tensors(loaded)

    def _known(self, request: Request) -> str:
        asked = str(request.path_params["model"])
        served = self.service.settings.model_name or self.payload.default_model_name
        if asked != served:
            raise refusal(404, f"model '{shown(asked)}' is not served here; the model is '{served}'")
        return served


def _encoded(name: str, model: TensorModel, asked: Asked, outputs: Mapping[str, NDArray[Any]]) -> bytes:
    check_computed(outputs)
    head: dict[str, object] = {"model_name": name, "model_version": model.version}
    if asked.id is not None:
        head["id"] = asked.id
    return offload(encoded_tensors, head, dict(outputs), list(model.outputs))
