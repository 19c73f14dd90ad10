"""Role `faces.preprocess`: POST /v1/align takes a picture file and returns the aligned face in it."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from serving.errors import refusal
from serving.http.uploads import read_picture
from serving.payloads.faces.alignment import align
from serving.payloads.faces.detection import NoFaceError
from serving.payloads.faces.people import person
from serving.payloads.faces.pictures import picture
from serving.payloads.faces.wire import ALIGN, JSON, Face
from serving.pictures import PictureError, PictureTooLargeError
from serving.role.payload import Context, Payload, WarmUp
from serving.role.service import Service
from serving.work.offload import offload


def align_picture(content: bytes) -> Face:
    """Decode a picture, find its face, cut it out, turn it upright and normalize it.

    Raises:
        PictureError: the bytes are not a readable picture.
        NoFaceError: the picture shows no face.
    """
    aligned = offload(align, content)
    return Face.of(aligned.pixels, (aligned.eyes.left, aligned.eyes.right), aligned.eyes.tilt)


def _routes(service: Service[None]) -> list[Route]:
    async def answer(request: Request) -> Response:
        try:
            face = await service.compute(lambda: read_picture(request), lambda _, content: align_picture(content))
        except PictureError as error:
            raise refusal(413 if isinstance(error, PictureTooLargeError) else 400, str(error)) from error
        except NoFaceError as error:
            raise refusal(422, str(error)) from error
        return Response(face.bytes(), media_type=JSON)

    return [Route(ALIGN, answer, methods=["POST"])]


def _load(_: Context) -> None:
    """Load nothing: face detection has no model files."""


def _warm_up(_: None) -> list[WarmUp]:
    return [WarmUp(path=ALIGN, content_type="image/jpeg", body=picture(person(1), 1))]


PAYLOAD = Payload(load=_load, routes=_routes, warm_up=_warm_up)
