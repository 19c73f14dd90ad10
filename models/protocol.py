"""What a service's port speaks, as Kubernetes' ``appProtocol`` and as a proxy needs to know it.

Sources: GEP-1911 (https://gateway-api.sigs.k8s.io/geps/gep-1911/) and the standard names of KEP-3726:
``kubernetes.io/h2c`` is HTTP/2 without TLS, ``kubernetes.io/ws`` is WebSocket. No standard name means gRPC, and
Traefik refuses a route to a Service with another name (``getHTTPServiceProtocol`` of its provider gateway); gRPC is
HTTP/2, so its Service says ``kubernetes.io/h2c``.
"""

from collections.abc import Iterator
from typing import Literal

from models.checks import AnyCheck, as_check
from models.lifecycle import Health

AppProtocol = Literal["http", "ws", "h2c", "grpc"]
"""http: HTTP/1.1; ws: WebSocket; h2c: HTTP/2 without TLS; grpc: gRPC, which is HTTP/2 without TLS."""
SERVICE_NAMES: dict[AppProtocol, str] = {
    "http": "http",
    "ws": "kubernetes.io/ws",
    "h2c": "kubernetes.io/h2c",
    "grpc": "kubernetes.io/h2c",
}
HTTP2: tuple[AppProtocol, ...] = ("h2c", "grpc")
"""Protocols that a proxy must be told, because it would otherwise speak HTTP/1.1 to the pods."""


def faults(protocol: AppProtocol | None, health: Health, *, owned: bool) -> Iterator[str]:
    """Yield one line for each thing that does not fit the protocol of a service's port.

    Args:
        protocol: The protocol of the port; None = HTTP/1.1.
        health: The checks. The kubelet sends HTTP checks as HTTP/1.1.
        owned: Whether the port is that of Slipway's own server.
    """
    if owned and protocol not in (None, "http"):
        yield f"appProtocol: {protocol} is not spoken by Slipway's own server, only http is; remove it"
    if protocol != "grpc":
        return
    given: list[tuple[str, AnyCheck]] = [("health.ready", health.ready), ("health.live", health.live)]
    if health.starting and health.starting.check is not None:
        given.append(("health.starting.check", health.starting.check))
    for where, check in given:
        asked = as_check(check)
        if asked.http and asked.http.port is None:
            yield (
                f"{where}: the kubelet asks over HTTP/1.1, but appProtocol is grpc; set {{grpc: {{}}}}, {{tcp: {{}}}} "
                "or exec, or ask a port of ports"
            )
