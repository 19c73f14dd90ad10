"""Calls to the other services: pooled, with a time limit, and repeated only if repeating is safe."""

import itertools
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import httpx
from pydantic import ValidationError

from serving.clients.calls import client
from serving.errors import UnreachableError
from serving.payloads.faces.wire import JSON, Message, Refused, WireError
from serving.role.payload import Context

M = TypeVar("M", bound=Message)

# Seconds for one attempt. A pod that accepts no connection within one second is down; no answer takes five.
_CONNECT_SECONDS = 1.0
_CALL_SECONDS = 5.0
_ATTEMPTS = 3
_PAUSE_SECONDS = 0.05
# A kept connection stays with one pod; it is closed after this many calls, so that new pods get their share.
_CALLS_PER_CONNECTION = 64
# Header with the seconds that the caller still waits: work after that is useless.
SECONDS_LEFT = "x-seconds-left"
_HTTP = 80  # the default port, which a URL omits
_TOO_MANY_REQUESTS = 429
_SERVER_ERROR = 500
# Nothing was sent yet: a retry is always safe.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
# The connection broke: it is unknown whether the other side did its work.
_BROKEN = (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError, httpx.CloseError)


class CallBudget:
    """The shared state of all calls for one request: the time left, and the trace headers."""

    def __init__(self, seconds: float, headers: Mapping[str, str] | None = None) -> None:
        self._until = time.monotonic() + seconds
        self.headers = dict(headers or {})

    def left(self) -> float:
        """Return the seconds left, never below 0."""
        return max(0.0, self._until - time.monotonic())


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request to another service."""

    method: str
    path: str
    """Path with query."""
    content: bytes = b""
    content_type: str = JSON
    idempotent: bool
    """Whether sending it twice has the same effect as sending it once."""


class Peer:
    """Another service or store, called by its name; thread-safe."""

    def __init__(self, name: str, client: httpx.Client) -> None:
        self.name = name
        self.where = f"{name} at {client.base_url.host}:{client.base_url.port or _HTTP}"
        self._client = client
        self._calls = itertools.count(1)

    @classmethod
    def of(cls, context: Context, name: str) -> "Peer":
        """Return a peer at the address that the deployment declares, without connecting yet.

        Raises:
            ModelUnusableError: the call is not declared.
        """
        return cls(name, client(context, name))

    def send(self, call: Call, budget: CallBudget) -> httpx.Response:
        """Send a request until it is answered with a status below 500 other than 429.

        Raises:
            UnreachableError: no such answer within the attempts and the time left.
        """
        reason = "no time is left"
        for attempt in range(_ATTEMPTS):
            if attempt:
                time.sleep(min(_PAUSE_SECONDS * 2**attempt, budget.left()))
            if budget.left() <= 0:
                break
            try:
                answer = self._once(call, budget)
            except _NOT_SENT as error:
                reason = f"accepts no connection ({_words(error)})"
                continue
            except _BROKEN as error:
                reason = f"closed the connection ({_words(error)})"
            except httpx.TimeoutException:
                raise UnreachableError(f"{self.where}: did not answer in time") from None
            else:
                if answer.status_code < _SERVER_ERROR and answer.status_code != _TOO_MANY_REQUESTS:
                    return answer
                reason = f"answered {answer.status_code} ({said(answer)})"
            if not call.idempotent:
                break
        raise UnreachableError(f"{self.where}: {reason}")

    def fetch(self, kind: type[M], call: Call, budget: CallBudget) -> M:
        """Send a request and read its answer as a message.

        Raises:
            UnreachableError: no answer, an error response (this service's fault, not the client's), or an
                invalid message.
        """
        answer = self.accepted(self.send(call, budget))
        try:
            return kind.read(answer.content)
        except WireError as error:
            raise UnreachableError(f"{self.where}: its answer is not a valid {kind.__name__} ({error})") from error

    def accepted(self, answer: httpx.Response) -> httpx.Response:
        """Return the answer if its status is 2xx.

        Raises:
            UnreachableError: an error response; this service's requests are valid, so the versions differ.
        """
        if answer.is_success:
            return answer
        raise UnreachableError(f"{self.where}: answered {answer.status_code} ({said(answer)})")

    def close(self) -> None:
        """Close the pool."""
        self._client.close()

    def _once(self, call: Call, budget: CallBudget) -> httpx.Response:
        seconds = min(_CALL_SECONDS, budget.left())
        headers = {**budget.headers, SECONDS_LEFT: f"{seconds:.3f}"}
        if call.content:
            headers["content-type"] = call.content_type
        if next(self._calls) % _CALLS_PER_CONNECTION == 0:
            headers["connection"] = "close"
        timeout = httpx.Timeout(seconds, connect=min(_CONNECT_SECONDS, seconds))
        return self._client.request(call.method, call.path, content=call.content, headers=headers, timeout=timeout)


def said(answer: httpx.Response) -> str:
    """Return the reason of an error response in one line."""
    try:
        return Refused.model_validate_json(answer.content).error
    except ValidationError:
        return answer.text.partition("\n")[0][:120] or answer.reason_phrase


def _words(error: Exception) -> str:
    return str(error).partition("\n")[0][:120] or type(error).__name__
