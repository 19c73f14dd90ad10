"""Resolve a tag to its digest at the registry. A release records the digest, so the tag is resolved only once.

Source: the OCI distribution specification, and https://distribution.github.io/distribution/spec/auth/token/.
"""

import base64
import hashlib
import re
import warnings
from typing import Any, cast

import httpx

from components.http_proxy import ProxyFault, is_loopback
from delivery.errors import DeliveryError
from delivery.http_client import http_client

_TAGGED = re.compile(r"(?P<host>localhost(?::\d+)?|[^/@]*[.:][^/@]*)/(?P<name>[^@:]+):(?P<tag>[\w.-]{1,128})", re.ASCII)
"""A tag at a named registry. ``server:latest`` names no registry, so it stays refused."""
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
_OCI, _DOCKER = "application/vnd.oci.image", "application/vnd.docker.distribution.manifest"
_KINDS = f"{_OCI}.index.v1+json, {_OCI}.manifest.v1+json, {_DOCKER}.list.v2+json, {_DOCKER}.v2+json"
_OK, _UNAUTHORIZED, _FORBIDDEN = 200, 401, 403
_SECONDS = 10.0


def resolved(reference: str, transport: httpx.BaseTransport | None = None) -> str:
    """Return ``repository@digest`` for a tag at a named registry, and anything else as it is.

    Args:
        reference: What the user wrote.
        transport: Replaces the network, for tests.

    Raises:
        DeliveryError: the registry does not answer, has no such tag, or does not let this user read it.
    """
    found = _TAGGED.fullmatch(reference)
    if found is None:
        return reference
    host, name, tag = found["host"], found["name"], found["tag"]
    try:
        scheme = "http" if is_loopback(f"//{host}") else "https"  # as Docker does
        url = f"{scheme}://{'/v2/'.join(_api(host, name))}/manifests/{tag}"
        with http_client(url, timeout=_SECONDS, transport=transport) as client:
            digest = _digest(client, url, host, reference)
    except (httpx.HTTPError, httpx.InvalidURL, ProxyFault, ValueError) as error:  # ValueError: an open bracket
        raise DeliveryError(f"--image {reference}: the registry {host} does not answer: {error}") from error
    return f"{host}/{name}@{digest}"


def _digest(client: httpx.Client, url: str, host: str, reference: str) -> str:
    answer = client.get(url, headers={"Accept": _KINDS})
    if answer.status_code == _UNAUTHORIZED:
        allowed = _authorization(client, answer.headers.get("www-authenticate", ""), host)
        answer = client.get(url, headers={"Accept": _KINDS, **allowed})
    if answer.status_code != _OK:
        remedy = (
            "log in with docker login"
            if answer.status_code in (_UNAUTHORIZED, _FORBIDDEN)
            else "check repository and tag"
        )
        raise DeliveryError(f"--image {reference}: the registry {host} answered {answer.status_code}; {remedy}")
    return f"sha256:{hashlib.sha256(answer.content).hexdigest()}"


def _api(host: str, name: str) -> tuple[str, str]:
    """Return the host of a registry's API and its name of a repository. Only Docker Hub's differ from the reference."""
    from docker.auth import INDEX_NAME, INDEX_URL  # noqa: PLC0415 -- 0.2 s that only a tag pays

    if host != INDEX_NAME:
        return host, name
    return httpx.URL(INDEX_URL).host, name if "/" in name else f"library/{name}"


def _authorization(client: httpx.Client, challenge: str, host: str) -> dict[str, str]:
    """Return the header that answers a registry's challenge: a password, or a token that the realm issues."""
    login = _login(host)
    basic = {"Authorization": f"Basic {login}"} if login else {}
    given = dict(_CHALLENGE.findall(challenge))
    if not challenge.lower().startswith("bearer") or "realm" not in given:
        return basic
    asked = {key: given[key] for key in ("service", "scope") if key in given}
    realm = httpx.URL(given["realm"])
    if realm.scheme != "https" and not is_loopback(str(realm)):
        return {}  # a password must not leave in clear text
    answer = client.get(realm, params=asked, headers=basic)
    if answer.status_code != _OK:
        return {}
    try:
        issued: Any = answer.json()
        return {"Authorization": f"Bearer {issued.get('token') or issued['access_token']}"}
    except (ValueError, AttributeError, KeyError):  # a login page, for example
        return {}


def _login(host: str) -> str | None:
    """Return user and password as ``docker login`` stored them, in its file or with a credential helper.

    Raises:
        DeliveryError: the file or the helper is broken.
    """
    from docker import auth  # noqa: PLC0415 -- see above
    from docker.errors import DockerException  # noqa: PLC0415 -- see above

    logins: Any = auth
    try:
        with warnings.catch_warnings(action="ignore"):  # of a helper that is not installed: an error follows
            found = cast("dict[str, str]", logins.load_config().resolve_authconfig(host) or {})
    except (DockerException, ValueError) as error:
        raise DeliveryError(f"the login for {host} in Docker's configuration cannot be read: {error}") from error
    given = {key.lower(): value for key, value in found.items()}  # a helper writes "Username", the file "username"
    if "username" not in given:
        return None
    return base64.b64encode(f"{given['username']}:{given['password']}".encode()).decode()
