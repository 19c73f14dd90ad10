"""Send requests to the application before it becomes ready, so that no client pays for the cost of first calls.

The warm-up sends complete requests over real connections, as many at once as there are worker threads: accepting,
parsing, decoders, threads, inference and JSON all have slow first calls.
"""

import asyncio
import socket
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.server import ServerState

from serving.role.payload import WarmUp

# The first call is the slowest; a few more let memory arenas and adaptive code settle.
ROUNDS = 8
_OK = range(200, 300)
_LOOPBACK = "127.0.0.1"


class WarmUpError(RuntimeError):
    """A warm-up request failed; the message is one line."""


async def warm_up(app: ASGIApp, requests: Sequence[WarmUp], *, at_once: int) -> None:
    """Send the role's requests to the application, several times, over loopback.

    Raises:
        WarmUpError: a response is not 2xx.
    """
    if not requests:
        return
    raised: list[Exception] = []

    async def remembering(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)
        except Exception as error:  # noqa: BLE001 - the response was 500; reported below
            raised.append(error)

    async with _listening(remembering) as port:
        for _ in range(ROUNDS):
            for request in requests:
                for status, answer in await asyncio.gather(*(_ask(port, request) for _ in range(at_once))):
                    if status not in _OK:
                        said = repr(raised[-1]) if raised else answer.decode(errors="replace")
                        where = f"{request.method} {request.path}"
                        raise WarmUpError(f"the warm-up request {where} returned {status}: {said[:200]}")


@asynccontextmanager
async def _listening(app: ASGIApp) -> AsyncGenerator[int]:
    """Serve on a loopback port with the same HTTP implementation as the real server, and yield the port."""
    config = uvicorn.Config(app, http="httptools", ws="none", lifespan="off", log_config=None, access_log=False)
    config.load()
    state = ServerState()

    def protocol() -> asyncio.Protocol:
        return cast("Any", config.http_protocol_class)(config=config, server_state=state, app_state={})

    server = await asyncio.get_running_loop().create_server(protocol, _LOOPBACK, 0, family=socket.AF_INET)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


async def _ask(port: int, request: WarmUp) -> tuple[int, bytes]:
    reader, writer = await asyncio.open_connection(_LOOPBACK, port)
    try:
        head = [
            f"{request.method} {request.path} HTTP/1.1",
            "Host: warm-up",
            "Connection: close",
            f"Content-Type: {request.content_type}",
            f"Content-Length: {len(request.body)}",
        ]
        writer.write("\r\n".join([*head, "", ""]).encode() + request.body)
        await writer.drain()
        answered, _, body = (await reader.read()).partition(b"\r\n\r\n")
    finally:
        writer.close()
        await writer.wait_closed()
    status = answered.split(b" ", 2)[1:2]
    return (int(status[0]) if status else 0), body
