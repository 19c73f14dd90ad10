"""Requests to the source of a model: redirects, proxies, retries, and one line for each way in which they fail.

Credentials reach only the server that the URI names. A redirect to another server, as model hubs use for large files,
is followed without them, and never from https to http. urllib3 itself would repeat a request with its headers.
"""

import ssl
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

import certifi
import urllib3
from urllib3.exceptions import HTTPError

from loader.errors import EmptyError, LoaderError, MissingError, UnreachableError, reason

CONNECT_SECONDS = 5
READ_SECONDS = 30
PAUSES_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Pauses between the attempts of one request."""
SMALL_BYTES = 16 << 20
"""The most that a listing or a checksum file may have: it is read as a whole."""
_REDIRECTS = 5
_AGAIN = {408, 425, 429, 500, 502, 503, 504}
_MOVED = {301, 302, 303, 307, 308}
_CREDENTIALS = {401, 403}

Headers = Callable[[str, str], Mapping[str, str]]
"""Returns the headers that authorize a request, from its method and URL."""
Response = urllib3.BaseHTTPResponse
T = TypeVar("T")


class Web:
    """A pool of connections that several threads use."""

    def __init__(self, connections: int = 4) -> None:
        context = ssl.create_default_context()
        if not context.cert_store_stats()["x509_ca"]:  # a base image without certificates
            context.load_verify_locations(certifi.where())
        self._proxies = getproxies()
        self._arguments: dict[str, Any] = {
            "maxsize": connections,
            "retries": False,
            "timeout": urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
            "ssl_context": context,
        }
        self._direct = urllib3.PoolManager(**self._arguments)
        self._through: dict[str, urllib3.PoolManager] = {}

    def ask(self, url: str, authorize: Headers, extra: Mapping[str, str] | None = None) -> Response:
        """Return an open answer of status 200 or 206, once; the caller reads it and releases its connection.

        Raises:
            MissingError: the server has no such file.
            EmptyError: the range in `extra` begins after the end of the file.
            UnreachableError: the server does not answer, or is busy.
            LoaderError: the server refuses the request.
        """
        method, at = "GET", url
        for _ in range(_REDIRECTS + 1):
            headers = {"Accept-Encoding": "identity", "User-Agent": "slipway-loader", **(extra or {})}
            if _origin(at) == _origin(url):
                headers |= authorize(method, at)
            try:
                answer = self._pool(at).request(
                    method, at, headers=headers, preload_content=False, redirect=False, decode_content=False
                )
            except HTTPError as error:
                raise UnreachableError(f"{shown(url)}: does not answer ({_cause(error)})") from error
            if answer.status not in _MOVED:
                return _checked(answer, url)
            target = urljoin(at, answer.headers.get("Location", ""))
            answer.drain_conn()
            answer.release_conn()
            if urlsplit(at).scheme == "https" != urlsplit(target).scheme:
                raise LoaderError(f"{shown(url)}: redirects from https to {shown(target)}; use a source without that")
            at = target
        raise LoaderError(f"{shown(url)}: redirects more than {_REDIRECTS} times; correct the URI")

    def read(self, url: str, authorize: Headers, extra: Mapping[str, str] | None = None) -> tuple[bytes, Response]:
        """Return a small answer's content and the answer itself, with retries.

        Raises:
            LoaderError: as for :meth:`ask`, or the content is longer than a list of files can be.
        """

        def once() -> tuple[bytes, Response]:
            answer = self.ask(url, authorize, extra)
            try:
                content = answer.read(SMALL_BYTES + 1)
            except HTTPError as error:
                raise UnreachableError(f"{shown(url)}: the answer broke off ({_cause(error)})") from error
            finally:
                answer.close()
            if len(content) > SMALL_BYTES:
                raise LoaderError(f"{shown(url)}: is longer than {SMALL_BYTES} bytes; it is no list of files")
            return content, answer

        return patiently(once)

    def challenge(self, url: str) -> str:
        """Return what a server requires of a request without credentials (WWW-Authenticate); empty = nothing."""

        def once() -> str:
            try:
                answer = self._pool(url).request("GET", url, redirect=False)
            except HTTPError as error:
                raise UnreachableError(f"{shown(url)}: does not answer ({_cause(error)})") from error
            return answer.headers.get("WWW-Authenticate", "") if answer.status == HTTPStatus.UNAUTHORIZED else ""

        return patiently(once)

    def _pool(self, url: str) -> urllib3.PoolManager:
        parts = urlsplit(url)
        proxy = self._proxies.get(parts.scheme)
        if not proxy or proxy_bypass(parts.netloc):
            return self._direct
        if proxy not in self._through:
            self._through[proxy] = urllib3.ProxyManager(proxy, **self._arguments)
        return self._through[proxy]


def patiently(attempt: Callable[[], T], pauses: tuple[float, ...] | None = None) -> T:
    """Repeat an attempt while the source does not answer.

    Raises:
        LoaderError: the last attempt's, or one that no repetition can fix.
    """
    for pause in PAUSES_SECONDS if pauses is None else pauses:
        try:
            return attempt()
        except UnreachableError:
            time.sleep(pause)
    return attempt()


def _checked(answer: Response, url: str) -> Response:
    status = answer.status
    if status in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
        return answer
    answer.close()
    if status == HTTPStatus.NOT_FOUND:
        raise MissingError(f"{shown(url)}: does not exist (404); check the URI and that the model is published")
    if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        raise EmptyError(f"{shown(url)}: is shorter than the source said; the model changed, so pin it again")
    if status in _CREDENTIALS:
        raise LoaderError(
            f"{shown(url)}: the source refused the credentials ({status}); check model.secrets and their permissions"
        )
    if status in _AGAIN:
        raise UnreachableError(f"{shown(url)}: the source answered {status}; try again later")
    raise LoaderError(f"{shown(url)}: the source answered {status}; check the URI and the source's log")


def shown(url: str) -> str:
    """Return a URL without its query, which may contain a signature, and without a user's password."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _cause(error: BaseException) -> str:
    """Return the operating system's text, found below the layers of the client library."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        cause = cause.__cause__ or cause.__context__
    return reason(error)
