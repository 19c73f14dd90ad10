"""Handwritten digits: POST /predict takes a picture and returns the best labels with their scores.

`result` repeats `predictions` as the published clients read it: `[id, label, score]`, best first.
"""

import io

from PIL import Image
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from serving.errors import refusal
from serving.http.uploads import FIELD, read_picture
from serving.models.onnx import file_of
from serving.payloads.digits.model import Digits, load_digits
from serving.pictures import PictureError, PictureTooLargeError
from serving.role.payload import Context, Payload, WarmUp
from serving.role.service import Service

_BOUNDARY = "warm-up"


def _load(context: Context) -> Digits:
    return load_digits(context.model_folder, context.threads.intra_op, file_of(context.settings.variant))


def _routes(service: Service[Digits]) -> list[Route]:
    async def predict(request: Request) -> Response:
        """Classify the picture in the body or in the form field `file` or `image`."""
        try:
            predictions = await service.compute(
                lambda: read_picture(request),
                lambda model, picture: model.classify(picture, service.settings.top_k, service.telemetry),
            )
        except PictureError as error:
            raise refusal(413 if isinstance(error, PictureTooLargeError) else 400, str(error)) from error
        return JSONResponse(
            {
                "predictions": [{"label": p.label, "score": p.score} for p in predictions],
                "result": [[p.id, p.label, p.score] for p in predictions],
                "served_by": service.identity.served_by(),
            }
        )

    return [Route("/predict", predict, methods=["POST"])]


def _warm_up(_: Digits) -> list[WarmUp]:
    """Return pictures of the common formats, as body and as form."""
    png, jpeg = _picture("PNG"), _picture("JPEG")
    head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{FIELD}"; filename="warm-up.png"\r\n\r\n'
    form = head.encode() + png + f"\r\n--{_BOUNDARY}--\r\n".encode()
    return [
        WarmUp(path="/predict", content_type="image/png", body=png),
        WarmUp(path="/predict", content_type="image/jpeg", body=jpeg),
        WarmUp(path="/predict", content_type=f"multipart/form-data; boundary={_BOUNDARY}", body=form),
    ]


def _picture(encoding: str) -> bytes:
    content = io.BytesIO()
    Image.linear_gradient("L").save(content, encoding)
    return content.getvalue()


PAYLOAD = Payload(
    load=_load,
    routes=_routes,
    warm_up=_warm_up,
    tensors=lambda digits: digits.onnx,
    default_model_name="digits",
)
