"""Ask the application itself before anybody else does, so that no client pays for what the first call costs.

Whole requests, not only inferences: form parsing, decoders, worker threads and JSON have first calls too.
"""

import io

from PIL import Image
from starlette.types import ASGIApp, Message, Scope

from serving.uploads import FIELD

# The first call pays most; a few more let memory arenas and adaptive code settle.
ROUNDS = 8
_BOUNDARY = "warm-up"
_OK = 200


class WarmUpError(RuntimeError):
    """The application did not answer well; the message is one line."""


async def warm_up(app: ASGIApp) -> None:
    """Send pictures of the common formats through the application, as body and as form.

    Raises:
        WarmUpError: an answer is no 200.
    """
    bodies = [("image/png", _picture("PNG")), ("image/jpeg", _picture("JPEG")), _form(_picture("PNG"))]
    for _ in range(ROUNDS):
        for kind, body in bodies:
            status, answer = await _ask(app, kind, body)
            if status != _OK:
                raise WarmUpError(f"a warm-up picture was answered {status}: {answer.decode(errors='replace')[:200]}")


def _picture(encoding: str) -> bytes:
    content = io.BytesIO()
    Image.linear_gradient("L").save(content, encoding)
    return content.getvalue()


def _form(picture: bytes) -> tuple[str, bytes]:
    head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{FIELD}"; filename="warm-up.png"\r\n\r\n'
    return f"multipart/form-data; boundary={_BOUNDARY}", head.encode() + picture + f"\r\n--{_BOUNDARY}--\r\n".encode()


async def _ask(app: ASGIApp, kind: str, body: bytes) -> tuple[int, bytes]:
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/predict",
        "raw_path": b"/predict",
        "root_path": "",
        "query_string": b"",
        "headers": [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())],
        "client": None,
        "server": None,
    }
    status = 0
    answer = b""

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status, answer
        status = message.get("status", status)
        answer += message.get("body", b"")

    await app(scope, receive, send)
    return status, answer
