"""The HTTP proxy of a URL, chosen from the environment as curl chooses it.

Rules: https://curl.se/libcurl/c/CURLOPT_NOPROXY.html and curl(1), "ENVIRONMENT". Two additions of Go's ``httpproxy``,
which Pulumi and kubectl use: ``HTTP_PROXY`` also counts in capitals, and an entry of ``NO_PROXY`` may name a port.
"""

import os
import re
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import unquote, urlsplit

_PORTS = {"http": 80, "https": 443}
_BRACKETED = re.compile(r"\[(?P<name>[^\]]*)\](?P<prefix>/\d+)?(?::(?P<port>\d+))?")
_WITH_PORT = re.compile(r"(?P<name>[^:]+)(?P<prefix>):(?P<port>\d+)")


class ProxyFault(Exception):
    """The environment names a proxy that cannot be used; the message is one line, without the proxy's password."""


def of(url: str, environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the URL of the proxy for requests to ``url``, or None to connect directly.

    Raises:
        ProxyFault: the variable that applies does not hold the URL of an HTTP proxy.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    scheme = parts.scheme
    variable = next(filter(environment.get, _spelled(f"{scheme}_proxy", "all_proxy")), None)
    if variable is None or not host:
        return None
    port = parts.port or _PORTS.get(scheme)
    without = next(filter(None, map(environment.get, _spelled("no_proxy"))), "")
    if any(_matches(entry, host, port) for entry in re.split(r"[\s,]+", without.lower()) if entry):
        return None
    return usable(f"the variable {variable}", environment[variable])


def usable(where: str, given: str) -> str:
    """Return a proxy's URL with its scheme, which curl takes for ``http`` if it is missing.

    Raises:
        ProxyFault: it is no URL of an HTTP proxy; the message starts with ``where``.
    """
    url = given.strip() if "://" in given else f"http://{given.strip()}"
    try:
        parts = urlsplit(url)
        usual = bool(parts.hostname) and parts.port != 0 and url.isprintable() and " " not in url
    except ValueError:  # a port that is no number, or an open bracket
        parts, usual = None, False
    if parts is None or not usual:
        shown = re.sub(r"//[^/]*@", "//[secret]@", url).encode("ascii", "backslashreplace").decode()
        raise ProxyFault(f"{where}: {shown!r} is not the URL of a proxy; write http://host:port, or unset it")
    if parts.scheme not in _PORTS:
        raise ProxyFault(
            f"{where}: {parts.scheme} proxies are not supported; set an HTTP proxy, or add the host to NO_PROXY"
        )
    return url


def credentials(proxy: str) -> str | None:
    """Return ``user:password`` of a proxy's URL, or None if it has no user."""
    parts = urlsplit(proxy)
    return f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else None


def is_loopback(url: str) -> bool:
    """Return whether a URL leads to this machine. Go's clients never send such requests through a proxy."""
    host = urlsplit(url).hostname or ""
    address = _address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def _spelled(*names: str) -> list[str]:
    """Return the variables' names in the order in which they count: curl prefers the lower case."""
    return [spelling for name in names for spelling in (name, name.upper())]


def _matches(entry: str, host: str, port: int | None) -> bool:
    if entry == "*":
        return True
    found = _BRACKETED.fullmatch(entry) or _WITH_PORT.fullmatch(entry)
    name, own = (found["name"] + (found["prefix"] or ""), found["port"]) if found else (entry, None)
    if own is not None and int(own) != port:
        return False
    address = _address(host)
    if address is not None:
        try:
            return address in ip_network(name, strict=False)
        except ValueError:
            return False
    domain = name.removeprefix("*").strip(".")
    return bool(domain) and (host == domain or host.endswith(f".{domain}"))


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
