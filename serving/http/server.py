"""uvicorn with a drain: on SIGTERM the process first stops being ready, and stops listening last.

uvicorn alone closes its listening socket at once. Endpoints, proxies and kube-proxy learn of a terminating pod a moment
later, and requests that they send in the meantime would be refused.
"""

import asyncio
import logging
import signal
import time
from types import FrameType
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp

from serving.role.lifecycle import Lifecycle

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
# Listen on every address: a pod is reachable only at its own address, and the network policy restricts the clients.
ADDRESS = "0.0.0.0"  # noqa: S104

log = logging.getLogger("slipway.server")


class DrainingServer(uvicorn.Server):
    """A server that answers every request it accepted before it exits, within `drain_seconds`."""

    def __init__(self, app: ASGIApp, *, port: int, lifecycle: Lifecycle[Any], drain_seconds: float) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                host=ADDRESS,
                port=port,
                loop="asyncio",
                http="httptools",
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
            )
        )
        self._lifecycle = lifecycle
        self._drain_seconds = drain_seconds
        self._drain: asyncio.Task[None] | None = None

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
