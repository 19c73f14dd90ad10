"""uvicorn with a drain: on SIGTERM the process first stops being ready, and stops listening last.

uvicorn alone closes its listening socket at once. Endpoints, proxies and kube-proxy learn of a terminating pod a moment
later, and requests that they send in the meantime would be refused.
"""

import asyncio
import logging
import signal
import socket
import time
from contextlib import nullcontext
from types import FrameType
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp

from serving.http.connections import Connections, Limits
from serving.http.management import LAST_SCRAPE_SECONDS, ManagementServer
from serving.http.uvicorn_config import configuration
from serving.role.service import Service
from serving.settings import Ports

# Seconds without a new request after which no client is assumed to send to this pod any more.
QUIET_SECONDS = 1.0
# Share of the drain during which the socket stays open even if requests keep arriving.
LISTENING_SHARE = 0.5
# Seconds reserved at the end of the drain to send the responses of requests that ran out of time.
FAREWELL_SECONDS = 0.5
_POLL_SECONDS = 0.05
# Idle connections outlive those of common proxies (60 to 90 s), so that the proxy closes them first. Otherwise the
# proxy may send a request on a connection that this side has just closed.
KEEP_ALIVE_SECONDS = 120
# Connections that wait to be accepted.
BACKLOG = 1024
# Connections that are accepted in one turn of the loop. Each takes 0.2 ms, in which every request waits. asyncio uses
# one number for this and for the backlog, so `startup` sets the backlog.
ACCEPTED_AT_ONCE = 1

log = logging.getLogger("slipway.server")


class DrainingServer(uvicorn.Server):
    """A server that answers every request it accepted before it exits, within `drain_seconds`.

    Its management port, if any, opens before the model is loaded. It closes after all requests are answered and the
    role is closed, so that Prometheus also sees a process that starts or drains.
    """

    def __init__(self, app: ASGIApp, service: Service[Any], *, ports: Ports, limits: Limits | None = None) -> None:
        capacity = service.admission.capacity
        connections = Connections(limits or Limits.for_requests(capacity), service.telemetry.refused)
        super().__init__(configuration(app, connections, port=ports.main))
        self.config.timeout_keep_alive = KEEP_ALIVE_SECONDS
        self.config.backlog = ACCEPTED_AT_ONCE
        self._management = None if ports.management is None else ManagementServer(service, ports.management)
        self._lifecycle = service.lifecycle
        # The management port stops last, and within the drain.
        after = 0.0 if self._management is None else LAST_SCRAPE_SECONDS
        self._drain_seconds = service.settings.drain_seconds - after
        self._drain: asyncio.Task[None] | None = None

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve both ports until the end of the drain."""
        async with nullcontext() if self._management is None else self._management.listening():
            await super().serve(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen, with a backlog for bursts of connections."""
        await super().startup(sockets)
        for server in self.servers:
            for listening in server.sockets:
                with listening.dup() as one:
                    one.listen(BACKLOG)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin the drain; a second signal ends the process as uvicorn does.

        The first signal is not passed to uvicorn, which would raise it again after the drain: the exit code would then
        be that of a killed process instead of 0.
        """
        if self._lifecycle.draining:
            super().handle_exit(sig, frame)
            return
        log.info("received %s", signal.Signals(sig).name)
        asyncio.get_running_loop().call_soon_threadsafe(self._begin_drain)

    def _begin_drain(self) -> None:
        if self._drain is None:
            self._drain = asyncio.create_task(self._stop_when_quiet(), name="drain")

    async def _stop_when_quiet(self) -> None:
        end = time.monotonic() + self._drain_seconds
        close_at = time.monotonic() + LISTENING_SHARE * self._drain_seconds
        self._lifecycle.begin_drain(self._drain_seconds - FAREWELL_SECONDS)
        quiet = min(QUIET_SECONDS, self._drain_seconds / 4)
        # A poll, because no event announces the absence of requests.
        while time.monotonic() < close_at and not self._lifecycle.quiet_for(quiet):  # noqa: ASYNC110
            await asyncio.sleep(_POLL_SECONDS)
        # uvicorn declares whole seconds but accepts any number; rounding up would overrun the drain.
        self.config.timeout_graceful_shutdown = cast("int", end - time.monotonic())
        self.should_exit = True
