"""Whether the pod takes traffic: loading, ready, draining.

A ready pod promises to answer a request that is sent now. The pod is not ready until the model is loaded and warmed
up, while a dependency is unreachable, and after SIGTERM. Liveness does not depend on the model: a restart fixes neither
a missing model nor a drain.
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
    """The state of one process. Only the event loop accesses it."""

    def __init__(self) -> None:
        self.healthy = "ok"
        self.model: M | None = None  # a role may load None: see `has_model`
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
        """The status shown by /health, in one word."""
        if self.draining:
            return "draining"
        return self.healthy if self.ready else "unavailable"

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
        """Set the model and the mounted files it was made with; this alone does not make the process ready."""
        self.model = model
        self.has_model = True
        self.files = files

    def warmed(self) -> None:
        """Become ready."""
        self._warm = True

    def set_unreachable(self, unreachable: str | None) -> None:
        """Set the reason why a dependency is unreachable, or None if every dependency answers."""
        self.unreachable = unreachable

    def failed(self, reason: str) -> None:
        """Discard the model and record the reason."""
        self.model = None
        self.has_model = False
        self._reason = reason

    def serving_model(self) -> M:
        """Return the model, also while draining: requests that still arrive are answered.

        Raises:
            NotReadyError: there is no model.
        """
        if not self.has_model:
            raise NotReadyError(self._reason)
        return cast("M", self.model)

    def arrived(self) -> None:
        """Count the arrival of a request other than a probe."""
        self.in_flight += 1
        self.last_arrival = time.monotonic()

    def answered(self) -> None:
        """Count the end of a request other than a probe."""
        self.in_flight -= 1

    def quiet_for(self, seconds: float) -> bool:
        """Return whether no request is in flight and none arrived in the last `seconds`."""
        return self.in_flight == 0 and time.monotonic() - self.last_arrival >= seconds

    def begin_drain(self, answered_within: float) -> None:
        """Stop being ready, and limit every current and future request to `answered_within` seconds from now."""
        self.draining = True
        self.last_arrival = time.monotonic()  # quiet time starts here: proxies first need to learn of the drain
        self._drained_by = asyncio.get_running_loop().time() + answered_within
        for timeout in self._open:
            when = timeout.when()
            if not timeout.expired() and (when is None or when > self._drained_by):
                timeout.reschedule(self._drained_by)
        log.info("draining", extra=with_fields(inFlight=self.in_flight))

    def drain_left(self) -> float:
        """Return the seconds left to answer requests in a drain; infinite without a drain."""
        return max(0.0, self._drained_by - asyncio.get_running_loop().time())

    @asynccontextmanager
    async def time_limit(self, seconds: float) -> AsyncGenerator[None]:
        """Raise TimeoutError inside the block after `seconds` or at the end of the drain, whichever comes first."""
        when = min(asyncio.get_running_loop().time() + seconds, self._drained_by)
        async with asyncio.timeout_at(when) as timeout:
            self._open.add(timeout)
            try:
                yield
            finally:
                self._open.discard(timeout)
