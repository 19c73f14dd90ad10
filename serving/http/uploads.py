"""Read the body of a request into memory, up to a limit.

Nothing is spooled to disk, because the root file system is read-only and bodies are untrusted.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from serving.errors import refusal, shown

# Large enough for a phone photo. `serving.http.connections` bounds the bodies of all requests together.
MOST_BYTES = 5 * 1024 * 1024
FIELD = "file"
FIELDS = (FIELD, "image")
"""Names that a picture may have in a form; the published clients send `image`."""
MOST_FIELDS = 8
# Longest file name that an answer repeats, in characters.
MOST_NAME = 120
_MULTIPART = "multipart/form-data"
# The default content type of `curl --data-binary`; almost always a mistake, so the error explains it.
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class UploadedFile:
    """One file of a form."""

    field: str
    name: str
    content: bytes


@dataclass(frozen=True)
class Upload:
    """Content of a request: pictures in the order of the form, and the form's text fields."""

    files: list[UploadedFile]
    texts: dict[str, str] = field(default_factory=dict[str, str])


async def read_body(request: Request, most_bytes: int = MOST_BYTES) -> bytes:
    """Return the whole body.

    Raises:
        HTTPException: 413 over the limit; raised before reading if Content-Length already exceeds it.
    """
    return b"".join([part async for part in body_parts(request, most_bytes)])


async def no_body() -> None:
    """Read nothing: for requests without a body."""


async def read_picture(request: Request) -> bytes:
    """Return the bytes of the picture: the body itself, or the field `file` or `image` of a multipart form.

    Raises:
        HTTPException: 413 too large, 415 content type is not a picture, 400 a form without exactly one file.
    """
    upload = await read_upload(request, most_files=1)
    return upload.files[0].content


async def read_upload(request: Request, *, most_files: int, most_bytes: int = MOST_BYTES) -> Upload:
    """Return one or more pictures (the body itself, or a form's fields `file` and `image`) and the form's text fields.

    Raises:
        HTTPException: 413 over `most_bytes` in total, 415 content type is not a picture, 400 a form without a file in
            field `file` or `image`, with more than `most_files`, or with more than MOST_FIELDS text fields.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == _MULTIPART:
        return await _read_form(request, most_files, most_bytes)
    if kind in {"", "application/octet-stream"} or (kind.startswith("image/") and not kind.startswith("image/svg")):
        return Upload([UploadedFile(FIELD, "", await read_body(request, most_bytes))])
    hint = "set the header 'Content-Type: image/png'" if kind == _FORM else "send image/png or image/jpeg"
    given = shown(kind)
    raise refusal(415, f"content type '{given}' is not a picture; {hint}, or a {_MULTIPART} field '{FIELD}'")


async def _read_form(request: Request, most_files: int, most_bytes: int) -> Upload:
    class InMemoryParser(MultiPartParser):
        spool_max_size = most_bytes + 1

    body = body_parts(request, most_bytes)
    try:
        form = await InMemoryParser(request.headers, body, max_files=most_files, max_fields=MOST_FIELDS).parse()
    except (MultiPartException, KeyError, ValueError) as error:
        said = shown(error)
        raise refusal(400, f"the form cannot be read ({said}); send one {_MULTIPART} field '{FIELD}'") from error
    try:
        files: list[UploadedFile] = []
        texts: dict[str, str] = {}
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                files.append(UploadedFile(name, shown(value.filename or "", MOST_NAME), await value.read()))
            else:
                texts[name] = value
        pictures = [file for file in files if file.field in FIELDS]
        if not pictures:
            raise refusal(400, f"the form has no file in field '{FIELD}' or '{FIELDS[1]}'; send the picture there")
        return Upload(pictures, texts)
    finally:
        await form.close()


def announced_bytes(request: Request) -> int | None:
    """Return the size of the body from Content-Length, or None if the request does not announce it."""
    announced = request.headers.get("content-length", "")
    return int(announced) if announced.isdecimal() else None


async def body_parts(request: Request, most_bytes: int = MOST_BYTES) -> AsyncGenerator[bytes, None]:
    """Yield the body as it arrives.

    Raises:
        HTTPException: 413 over the limit; raised before reading if Content-Length already exceeds it.
    """
    announced = announced_bytes(request)
    if announced is not None and announced > most_bytes:
        raise _too_large(f"{announced} bytes", most_bytes)
    received = 0
    async for chunk in request.stream():
        received += len(chunk)
        if received > most_bytes:
            raise _too_large("more", most_bytes)
        yield chunk


def _too_large(given: str, most_bytes: int) -> Exception:
    return refusal(413, f"the body has {given}, the limit is {most_bytes} bytes; send a smaller picture")
