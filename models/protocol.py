"""What a service's port speaks, as Kubernetes' ``appProtocol`` and as a proxy needs to know it.

Sources: GEP-1911 (https://gateway-api.sigs.k8s.io/geps/gep-1911/) and the standard names of KEP-3726:
``kubernetes.io/h2c`` is HTTP/2 without TLS, ``kubernetes.io/ws`` is WebSocket. No standard name means gRPC, and
Traefik refuses a route to a Service with another name (``getHTTPServiceProtocol`` of its provider gateway); gRPC is
HTTP/2, so its Service says ``kubernetes.io/h2c``.
"""

from collections.abc import Iterator
from typing import Literal

from models.checks import as_check
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
"""Protocols for which the proxy needs a setting, because its default to the pods is HTTP/1.1."""


def faults(protocol: AppProtocol | None, health: Health, *, owned: bool) -> Iterator[str]:
    """Yield one line for each setting that does not fit the protocol of a service's port.

    Args:
        protocol: The protocol of the port; None = HTTP/1.1.
        health: The checks. The kubelet sends HTTP checks as HTTP/1.1.
        owned: Whether the port is that of Slipway's own server.
    """
    if owned and protocol not in (None, "http"):
        yield f"appProtocol: Slipway's own server does not speak {protocol}, only http; remove it"
    if protocol != "grpc":
        return
    for where, check in health.checks.items():
        asked = as_check(check)
        if asked.http and asked.http.port is None:
            yield (
                f"{where}: the kubelet sends HTTP/1.1, but appProtocol is grpc; set {{grpc: {{}}}}, {{tcp: {{}}}} or "
                "exec, or name another port of the service"
            )
