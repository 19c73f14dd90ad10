"""Words as server-sent events, as chunks and over a WebSocket. Nothing here knows Slipway.

On SIGTERM the server stops listening, completes every answer that it has begun, WebSockets included, and ends; at the
latest after DRAIN_SECONDS. aiohttp's own shutdown would read nothing more from WebSockets.
"""

import asyncio
import os
import signal
import socket
from collections.abc import Awaitable, Callable

from aiohttp import web
from words import DONE, PACE_SECONDS, words

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
OPEN = set()

HEADERS = {"X-Pod": socket.gethostname(), "X-Release": os.environ.get("RELEASE", "")}


async def health(_: web.Request) -> web.Response:
    """Say that the process serves."""
    return web.json_response({"status": "ok"})


async def _sent(request: web.Request, kind: str, form: str) -> web.StreamResponse:
    answer = web.StreamResponse(headers={**HEADERS, "Content-Type": kind})
    await answer.prepare(request)
    for word in words(float(request.query.get("seconds", "2"))):
        await answer.write(form.format(word).encode())
        await asyncio.sleep(PACE_SECONDS)
    await answer.write(form.format(DONE).encode())
    await answer.write_eof()
    return answer


async def events(request: web.Request) -> web.StreamResponse:
    """Send words as server-sent events."""
    return await _sent(request, "text/event-stream", "data: {}\n\n")


async def chunks(request: web.Request) -> web.StreamResponse:
    """Send words as chunks."""
    return await _sent(request, "text/plain", "{}\n")


async def talk(request: web.Request) -> web.WebSocketResponse:
    """Answer each message with itself and a word; end with the marker and a normal close."""
    answer = web.WebSocketResponse()
    answer.headers.update(HEADERS)
    await answer.prepare(request)
    for word in words(float(request.query.get("seconds", "2"))):
        await answer.send_str(f"{await answer.receive_str()} {word}")
        await asyncio.sleep(PACE_SECONDS)
    await answer.send_str(DONE)
    await answer.close()
    return answer


@web.middleware
async def counted(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Note which answers are not complete."""
    task = asyncio.current_task()
    OPEN.add(task)
    try:
        return await handler(request)
    finally:
        OPEN.discard(task)


async def serve() -> None:
    """Serve until SIGTERM, and until the last answer."""
    app = web.Application(middlewares=[counted])
    calls = {"health": health, "events": events, "chunks": chunks, "talk": talk}
    app.add_routes([web.get(f"/{name}", call) for name, call in calls.items()])
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, port=int(os.environ["PORT"]))
    await site.start()
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    await stopped.wait()
    await site.stop()
    if OPEN:
        await asyncio.wait(OPEN, timeout=float(os.environ.get("DRAIN_SECONDS", "30")))
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(serve())
