"""The Open Inference Protocol, version 2, over HTTP and JSON: what generic clients and gateways speak."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from serving.errors import refusal
from serving.lifecycle import NotReadyError
from serving.payload import Payload
from serving.service import Service
from serving.tensor_requests import InferenceError, answer_of, parse
from serving.tensors import TensorModel
from serving.uploads import read_body

M = TypeVar("M")


@dataclass(frozen=True)
class OpenInference(Generic[M]):
    """The endpoints under /v2; those of a model exist for roles that have tensors."""

    service: Service[M]
    payload: Payload[M]

    def routes(self) -> list[Route]:
        """Routes to compose into the application."""
        always = [
            Route("/v2", self.server),
            Route("/v2/health/live", self.live),
            Route("/v2/health/ready", self.ready),
        ]
        if self.payload.tensors is None:
            return always
        return [
            *always,
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
        """Readiness of the one model."""
        name = self._known(request)
        ready = self.service.lifecycle.ready
        return JSONResponse({"name": name, "ready": ready}, 200 if ready else 503)

    async def infer(self, request: Request) -> Response:
        """The outputs that the request wants, all by default."""
        name = self._known(request)
        try:
            body = await self.service.compute(lambda: read_body(request), self._infer)
        except InferenceError as error:
            raise refusal(400, str(error)) from error
        return JSONResponse({"model_name": name, **body})

    def _infer(self, loaded: M, body: bytes) -> dict[str, object]:
        model = self._tensors(loaded)
        request, feed, wanted = parse(body, model)
        with self.service.telemetry.inference_seconds.time():
            outputs = model.infer(feed, wanted)
        answer: dict[str, object] = {"model_version": model.version}
        if request.id is not None:
            answer["id"] = request.id
        answer["outputs"] = answer_of(outputs, {tensor.name: tensor for tensor in model.outputs})
        return answer

    def _tensors(self, loaded: M) -> TensorModel:
        tensors = self.payload.tensors
        if tensors is None:
            raise TypeError("a role without tensors has no such routes")
        return tensors(loaded)

    def _known(self, request: Request) -> str:
        asked = str(request.path_params["model"])
        served = self.service.settings.model_name or self.payload.default_model_name
        if asked != served:
            raise refusal(404, f"model '{asked[:64]}' is not served here; the model is '{served}'")
        return served
