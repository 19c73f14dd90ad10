"""Whether the pod takes traffic: loading, ready, draining.

Readiness is the promise "a request sent now is answered well". It is false until the model is loaded and warmed, while
something that the role depends on is away, and from SIGTERM on. Liveness is not about the model: a restart cures
neither a missing model nor a drain.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from math import inf
from typing import Generic, TypeVar, cast

from serving.role.config_files import ConfigFiles
from serving.telemetry.logs import with_fields

M = TypeVar("M")

log = logging.getLogger("slipway.lifecycle")


class NotReadyError(Exception):
    """No answer is possible now; the message is the reason."""


class Lifecycle(Generic[M]):
    """The state of one process. Touched by the event loop only."""

    def __init__(self) -> None:
        self.model: M | None = None  # a role may load nothing: `has_model` tells
        self.has_model = False
        self.files = ConfigFiles()
        self.draining = False
        self._warm = False
        self.unreachable: str | None = None
        self.in_flight = 0
        self.last_arrival = -inf
        self._reason = "the model is loading"
        self._drained_by = inf
        self._open: set[asyncio.Timeout] = set()

    @property
    def status(self) -> str:
        """One word for /health."""
        if self.draining:
            return "draining"
        return "ok" if self.ready else "unavailable"

    @property
    def ready(self) -> bool:
        """Whether a load balancer may send requests."""
        return self._warm and self.unreachable is None and not self.draining

    @property
    def reason(self) -> str | None:
        """Why the process is not ready; None when it is."""
        if self.draining:
            return "the process is stopping"
        return self.unreachable if self._warm else self._reason

    def loaded(self, model: M, files: ConfigFiles) -> None:
        """Have a model, made with these mounted files; a process that was not ready is not before it is warmed."""
        self.model = model
        self.has_model = True
        self.files = files

    def warmed(self) -> None:
        """Become ready."""
        self._warm = True

    def depends(self, unreachable: str | None) -> None:
        """Know what keeps a warmed process from answering well, or that nothing does."""
        self.unreachable = unreachable

    def failed(self, reason: str) -> None:
        """Have no model, and remember why."""
        self.model = None
        self.has_model = False
        self._reason = reason

    def serving_model(self) -> M:
        """The model, also while draining: requests that still arrive are answered.

        Raises:
            NotReadyError: there is no model.
        """
        if not self.has_model:
            raise NotReadyError(self._reason)
        return cast("M", self.model)

    def arrived(self) -> None:
        """Count a request that traffic caused, no probe."""
        self.in_flight += 1
        self.last_arrival = time.monotonic()

    def answered(self) -> None:
        """Count the end of its answer."""
        self.in_flight -= 1

    def quiet_for(self, seconds: float) -> bool:
        """Whether nothing is in flight and nothing arrived lately."""
        return self.in_flight == 0 and time.monotonic() - self.last_arrival >= seconds

    def begin_drain(self, answered_within: float) -> None:
        """Stop being ready, and give every request, present and future, at most these seconds from now."""
        self.draining = True
        self.last_arrival = time.monotonic()  # the quiet time is counted from here: proxies must first hear of it
        self._drained_by = asyncio.get_running_loop().time() + answered_within
        for timeout in self._open:
            when = timeout.when()
            if not timeout.expired() and (when is None or when > self._drained_by):
                timeout.reschedule(self._drained_by)
        log.info("draining", extra=with_fields(inFlight=self.in_flight))

    def drain_left(self) -> float:
        """Seconds until every answer of a drain must be given; infinite without a drain."""
        return max(0.0, self._drained_by - asyncio.get_running_loop().time())

    @asynccontextmanager
    async def time_limit(self, seconds: float) -> AsyncGenerator[None]:
        """Raise TimeoutError inside after `seconds`, or when the drain's time is over, whichever is first."""
        when = min(asyncio.get_running_loop().time() + seconds, self._drained_by)
        async with asyncio.timeout_at(when) as timeout:
            self._open.add(timeout)
            try:
                yield
            finally:
                self._open.discard(timeout)
