"""Role `faces.features`: POST /v1/embed takes an aligned face and returns its vector and the model's threshold.

/v2/models/faces/infer does the same for tensors of many faces.
"""

import numpy as np
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from serving.payloads.faces.alignment import CHANNELS, SIDE
from serving.payloads.faces.embedding import FaceModel, load_face_model
from serving.payloads.faces.endpoint import read_message
from serving.payloads.faces.wire import EMBED, JSON, Embedding, Face
from serving.role.payload import Context, Payload, WarmUp
from serving.role.service import Service
from serving.telemetry.metrics import Telemetry


def embed(model: FaceModel, face: Face, telemetry: Telemetry) -> Embedding:
    """Return the face's vector with the model's version and threshold."""
    with telemetry.inference_seconds.time():
        vector = model.embed(face.array()[np.newaxis])[0]
    return Embedding(vector=tuple(vector.tolist()), model=model.version, threshold=model.threshold)


def _load(context: Context) -> FaceModel:
    return load_face_model(context.model_folder, context.threads.intra_op)


def _routes(service: Service[FaceModel]) -> list[Route]:
    async def answer(request: Request) -> Response:
        embedding = await service.compute(
            lambda: read_message(request, Face), lambda model, face: embed(model, face, service.telemetry)
        )
        return Response(embedding.bytes(), media_type=JSON)

    return [Route(EMBED, answer, methods=["POST"])]


def _warm_up(_: FaceModel) -> list[WarmUp]:
    # Not uniform gray: the vector of a face without contrast has no direction.
    ramp = np.linspace(0, 255, SIDE * SIDE * CHANNELS).astype(np.uint8).reshape(SIDE, SIDE, CHANNELS)
    return [WarmUp(path=EMBED, body=Face.of(ramp, ((16.0, 18.0), (31.0, 18.0)), 0).bytes())]


PAYLOAD = Payload(
    load=_load,
    routes=_routes,
    warm_up=_warm_up,
    tensors=lambda model: model.onnx,
    default_model_name="faces",
)
