"""POST /predict: a picture in, the best labels with their scores out."""

from dataclasses import dataclass

import numpy as np
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from serving.errors import refusal
from serving.model import Model
from serving.pictures import PictureError, PictureTooLargeError, pixels_of
from serving.service import Service
from serving.telemetry import Telemetry
from serving.uploads import read_picture

# Digits of a score: more would only show floating-point noise.
_SCORE_DIGITS = 6


@dataclass(frozen=True)
class Prediction:
    """One label of an answer."""

    label: str
    score: float


def classify(model: Model, picture: bytes, top_k: int, telemetry: Telemetry | None = None) -> list[Prediction]:
    """Decode a picture and rank the labels, best first; of equal scores the first label wins, so answers never vary.

    Raises:
        PictureError: the bytes are no picture that can be read.
    """
    pixels = pixels_of(picture)[np.newaxis]
    if telemetry is None:
        scores = model.probabilities(pixels)[0]
    else:
        with telemetry.inference_seconds.time():
            scores = model.probabilities(pixels)[0]
    best: list[int] = np.argsort(-scores, kind="stable")[:top_k].tolist()
    return [Prediction(model.metadata.labels[i], round(float(scores[i]), _SCORE_DIGITS)) for i in best]


@dataclass(frozen=True)
class Predict:
    """The endpoint."""

    service: Service

    def routes(self) -> list[Route]:
        """Routes to compose into the application."""
        return [Route("/predict", self.predict, methods=["POST"])]

    async def predict(self, request: Request) -> Response:
        """Answer the picture in the body or in the form field `file`."""
        service = self.service
        try:
            predictions = await service.compute(
                lambda: read_picture(request),
                lambda model, picture: classify(model, picture, service.settings.top_k, service.telemetry),
            )
        except PictureError as error:
            raise refusal(413 if isinstance(error, PictureTooLargeError) else 400, str(error)) from error
        identity = service.identity
        return JSONResponse(
            {
                "predictions": [{"label": p.label, "score": p.score} for p in predictions],
                "served_by": {
                    "service": identity.service,
                    "version": identity.version,
                    "slot": identity.slot,
                    "config": identity.config,
                },
            }
        )
