"""Read the body of a request, in memory and never more than the limit.

The root file system is read-only and a body may not be trusted, so nothing is spooled to disk.
"""

from collections.abc import AsyncGenerator

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from serving.errors import refusal

# A photo of a phone fits. Times (workers + queue limit) this bounds the memory of waiting requests.
MOST_BYTES = 5 * 1024 * 1024
FIELD = "file"
_MULTIPART = "multipart/form-data"
# What `curl --data-binary` sends when it is not told otherwise; almost always a mistake worth explaining.
_FORM = "application/x-www-form-urlencoded"


async def read_body(request: Request) -> bytes:
    """The whole body.

    Raises:
        HTTPException: 413 over MOST_BYTES, told before reading where the length is announced.
    """
    return b"".join([chunk async for chunk in _limited(request)])


async def read_picture(request: Request) -> bytes:
    """The bytes of the picture: the body itself, or the field `file` of a multipart form.

    Raises:
        HTTPException: 413 too large, 415 no picture by its content type, 400 a form without exactly one file.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == _MULTIPART:
        return await _read_form(request)
    if kind in {"", "application/octet-stream"} or (kind.startswith("image/") and not kind.startswith("image/svg")):
        return await read_body(request)
    hint = "set the header 'Content-Type: image/png'" if kind == _FORM else "send image/png or image/jpeg"
    raise refusal(415, f"content type '{kind}' is no picture; {hint}, or a {_MULTIPART} field '{FIELD}'")


class _InMemoryParser(MultiPartParser):
    spool_max_size = MOST_BYTES + 1


async def _read_form(request: Request) -> bytes:
    try:
        form = await _InMemoryParser(request.headers, _limited(request), max_files=1, max_fields=8).parse()
    except (MultiPartException, KeyError, ValueError) as error:
        raise refusal(400, f"the form cannot be read ({error}); send one {_MULTIPART} field '{FIELD}'") from error
    try:
        given = form.get(FIELD)
        if not isinstance(given, UploadFile):
            raise refusal(400, f"the form has no file in field '{FIELD}'; send the picture there")
        return await given.read()
    finally:
        await form.close()


async def _limited(request: Request) -> AsyncGenerator[bytes, None]:
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > MOST_BYTES:
        raise _too_large(f"{announced} bytes")
    received = 0
    async for chunk in request.stream():
        received += len(chunk)
        if received > MOST_BYTES:
            raise _too_large("more")
        yield chunk


def _too_large(given: str) -> Exception:
    return refusal(413, f"the body has {given}, the limit is {MOST_BYTES} bytes; send a smaller picture")
