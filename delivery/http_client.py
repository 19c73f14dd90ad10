"""HTTP clients of ``slipway``. All are created here, so that the same proxy rules apply to every request."""

import httpx

from components import http_proxy


def http_client(url: str, *, timeout: float, transport: httpx.BaseTransport | None = None) -> httpx.Client:
    """Return a client for requests to one URL, through the proxy that the environment names for it.

    httpx itself raises an error for entries of ``NO_PROXY`` such as ``[::1]`` or ``fe80::/10`` (its issues 3221 and
    3574), and treats 192.168.0.0/16 as a host name.

    Args:
        url: Where the requests go; its path does not matter.
        timeout: Seconds for the connection, and between two reads.
        transport: Replaces the network, for tests.

    Raises:
        http_proxy.ProxyFault: the environment names a proxy that cannot be used.
    """
    return httpx.Client(timeout=timeout, transport=transport or httpx.HTTPTransport(proxy=http_proxy.of(url)))
