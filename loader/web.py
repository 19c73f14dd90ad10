"""Send requests to the source of a model, with redirects, proxies and retries; each failure is one line.

Credentials reach only the server that the URI names. The loader follows a redirect to another server, as model hubs use
for large files, without credentials, and never from https to http. urllib3 itself would repeat all headers.
"""

import ssl
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import unquote, urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

import certifi
import urllib3
from urllib3.exceptions import HTTPError

from loader.errors import EmptyError, LoaderError, MissingError, UnreachableError, one_line

CONNECT_SECONDS = 5
READ_SECONDS = 30
PAUSES_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Pauses between the attempts of one request."""
SMALL_BYTES = 16 << 20
"""Largest list of files or checksum file: the loader holds it in memory."""
_REDIRECTS = 5
_RETRIED = {408, 425, 429, 500, 502, 503, 504}
_MOVED = {301, 302, 303, 307, 308}
_CREDENTIALS = {401, 403}
_UNREACHABLE = "check the URI, and that the pod may connect to it"

Headers = Callable[[str], Mapping[str, str]]
"""Returns the headers that authorize GET of a URL."""
Response = urllib3.BaseHTTPResponse
T = TypeVar("T")


class Web:
    """A pool of connections; thread-safe."""

    def __init__(self, connections: int = 4) -> None:
        context = ssl.create_default_context()
        if not context.cert_store_stats()["x509_ca"]:  # the base image has no certificates
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
        """Send one request and return its open answer of status 200 or 206; the caller reads and closes it.

        Raises:
            MissingError: the server has no such file.
            EmptyError: the range in `extra` begins after the end of the file.
            UnreachableError: the server does not answer, or is busy; `with_retries` repeats the request.
            LoaderError: the server refuses the request.
        """
        at = url
        for _ in range(_REDIRECTS + 1):
            headers = {"Accept-Encoding": "identity", "User-Agent": "slipway-loader", **(extra or {})}
            if _origin(at) == _origin(url):
                headers |= authorize(at)
            try:
                answer = self._pool(at).request(
                    "GET", at, headers=headers, preload_content=False, redirect=False, decode_content=False
                )
            except HTTPError as error:
                raise UnreachableError(f"{redacted(url)}: does not answer ({_cause(error)}); {_UNREACHABLE}") from error
            if answer.status not in _MOVED:
                return _checked(answer, url)
            answer.drain_conn()
            answer.release_conn()
            at = _redirected(answer, at, url)
        raise LoaderError(f"{redacted(url)}: redirects more than {_REDIRECTS} times; correct the URI")

    def read(self, url: str, authorize: Headers, extra: Mapping[str, str] | None = None) -> bytes:
        """Return the content of a small answer, with retries.

        Raises:
            LoaderError: as for :meth:`ask`, or the content is longer than SMALL_BYTES.
        """

        def once() -> bytes:
            answer = self.ask(url, authorize, extra)
            try:
                content = answer.read(SMALL_BYTES + 1)
            except HTTPError as error:
                raise UnreachableError(
                    f"{redacted(url)}: the answer broke off ({_cause(error)}); try again later"
                ) from error
            finally:
                answer.close()
            if len(content) > SMALL_BYTES:
                raise LoaderError(
                    f"{redacted(url)}: is longer than {SMALL_BYTES} bytes, the limit for a list of files; check the URI"
                )
            return content

        return with_retries(once)

    def challenge(self, url: str) -> str:
        """Return the WWW-Authenticate header of a request without credentials; empty = none are required."""

        def once() -> str:
            try:
                answer = self._pool(url).request("GET", url, redirect=False)
            except HTTPError as error:
                raise UnreachableError(f"{redacted(url)}: does not answer ({_cause(error)}); {_UNREACHABLE}") from error
            return answer.headers.get("WWW-Authenticate", "") if answer.status == HTTPStatus.UNAUTHORIZED else ""

        return with_retries(once)

    def _pool(self, url: str) -> urllib3.PoolManager:
        parts = urlsplit(url)
        proxy = self._proxies.get(parts.scheme)
        if not proxy or proxy_bypass(parts.netloc):
            return self._direct
        if proxy not in self._through:
            self._through[proxy] = _proxy_manager(proxy, self._arguments)
        return self._through[proxy]


def with_retries(attempt: Callable[[], T]) -> T:
    """Repeat an attempt while it raises UnreachableError, at most once per pause.

    Raises:
        LoaderError: the error of the last attempt, or one that a retry cannot fix.
    """
    for pause in PAUSES_SECONDS:
        try:
            return attempt()
        except UnreachableError:
            time.sleep(pause)
    return attempt()


def _proxy_manager(proxy: str, arguments: Mapping[str, Any]) -> urllib3.ProxyManager:
    """Return a pool of connections through a proxy, with the login of its URL, which urllib3 ignores."""
    url = proxy if "://" in proxy else f"http://{proxy}"
    login = unquote(urlsplit(url).netloc.rpartition("@")[0])
    headers = urllib3.make_headers(proxy_basic_auth=login) if login else None
    return urllib3.ProxyManager(url, proxy_headers=headers, **arguments)


def _redirected(answer: Response, at: str, url: str) -> str:
    """Return the address to which an answer redirects; raise LoaderError if it has none or is not encrypted."""
    location = answer.headers.get("Location")
    if not location:  # object storage answers so for a bucket of another region
        raise LoaderError(
            f"{redacted(url)}: the source answered {answer.status} without an address; check the URI and AWS_REGION"
        )
    target = urljoin(at, location)
    if urlsplit(at).scheme == "https" != urlsplit(target).scheme:
        raise LoaderError(
            f"{redacted(url)}: redirects from https to {redacted(target)}; use a source that stays on https"
        )
    return target


def _checked(answer: Response, url: str) -> Response:
    status = answer.status
    if status in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
        return answer
    answer.close()
    if status == HTTPStatus.NOT_FOUND:
        raise MissingError(f"{redacted(url)}: does not exist (404); check the URI and that the model is published")
    if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        raise EmptyError(f"{redacted(url)}: is shorter than its source stated; the model changed, so pin it again")
    if status in _CREDENTIALS:
        raise LoaderError(
            f"{redacted(url)}: the source refused the credentials ({status}); check model.secrets and their permissions"
        )
    if status in _RETRIED:
        raise UnreachableError(f"{redacted(url)}: the source answered {status}; try again later")
    raise LoaderError(f"{redacted(url)}: the source answered {status}; check the URI and the source's log")


def redacted(url: str) -> str:
    """Return a URL for messages: without its query, which may contain a signature, and without user and password."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _cause(error: BaseException) -> str:
    """Return the operating system's error text, which the client library wraps in several layers."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        cause = cause.__cause__ or cause.__context__
    return one_line(error)
