"""uvicorn's configuration, which both ports of the server share."""

from typing import Literal

import uvicorn
from starlette.types import ASGIApp

from serving.http.connections import Connections
from serving.http.protocol import limited

# Listen on every address: a pod is reachable only at its own address, and the network policy restricts the clients.
ADDRESS = "0.0.0.0"  # noqa: S104


def configuration(
    app: ASGIApp, connections: Connections, *, port: int, lifespan: Literal["on", "off"] = "on"
) -> uvicorn.Config:
    """Return the configuration of one port, whose connections share their limits."""
    return uvicorn.Config(
        app,
        host=ADDRESS,
        port=port,
        loop="asyncio",
        http=limited(connections),
        ws="none",
        lifespan=lifespan,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )
