"""A role that answers slowly in parts, in a process of its own: ``python -m serving.tests.streaming``.

``/events`` sends server-sent events, ``/chunks`` chunked lines; both say how many parts there are and end with a
marker.
"""

import asyncio
import os
from collections.abc import AsyncGenerator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from serving import settings as settings_file
from serving.cpu import Threads
from serving.http.app import make_app
from serving.http.server import DrainingServer
from serving.identity import Identity
from serving.role.payload import Context, Payload
from serving.role.role import Role
from serving.role.service import Service, make_service

PART_SECONDS = 0.05
END = "the end"


def _load(_: Context) -> str:
    return "no model"


def _routes(_: Service[str]) -> list[Route]:
    async def parts(request: Request, form: str) -> AsyncGenerator[str]:
        for number in range(int(request.query_params["parts"])):
            yield form.format(number)
            await asyncio.sleep(PART_SECONDS)
        yield form.format(END)

    async def events(request: Request) -> Response:
        return StreamingResponse(parts(request, "data: {}\n\n"), media_type="text/event-stream")

    async def chunks(request: Request) -> Response:
        return StreamingResponse(parts(request, "{}\n"), media_type="text/plain")

    return [Route("/events", events), Route("/chunks", chunks)]


PAYLOAD: Payload[str] = Payload(load=_load, routes=_routes, warm_up=lambda _: [])


def main() -> None:
    """Serve until SIGTERM, as ``python -m serving`` does."""
    settings = settings_file.load(os.environ)
    service = make_service(settings, Identity.from_environment(os.environ), workers=1)
    threads = Threads(workers=1, intra_op=1)
    made = Role(payload=PAYLOAD, service=service, threads=threads, environment=os.environ, owns_process=True)
    DrainingServer(make_app(made), service, ports=settings_file.ports(os.environ)).run()


if __name__ == "__main__":
    main()
