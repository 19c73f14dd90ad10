"""The parts of one running server, and the way of a request through them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from serving.admission import Admission, OverloadedError, Place, Stage
from serving.errors import refusal
from serving.identity import Identity
from serving.lifecycle import Lifecycle, NotReadyError
from serving.model import Model
from serving.settings import Settings
from serving.telemetry import Telemetry

B = TypeVar("B")
R = TypeVar("R")


@dataclass(frozen=True, kw_only=True)
class Service:
    """What the endpoints share."""

    settings: Settings
    identity: Identity
    lifecycle: Lifecycle
    admission: Admission
    telemetry: Telemetry

    async def compute(self, read: Callable[[], Awaitable[B]], job: Callable[[Model, B], R]) -> R:
        """Admit a request, read it on the event loop and compute its answer in a worker thread, in bounded time.

        Raises:
            HTTPException: 503 no model, 429 queue full; too late: 408 uploading, 503 waiting, 504 computing.
        """
        limit = self.settings.request_timeout_seconds
        try:
            model = self.lifecycle.serving_model()
            with self.admission.place() as place:
                try:
                    async with self.lifecycle.time_limit(limit):
                        body = await read()
                        return await place.run(lambda: job(model, body))
                except TimeoutError as error:
                    raise self._late(place) from error
        except NotReadyError as error:
            raise refusal(503, f"not ready: {error}", retry=True) from error
        except OverloadedError as error:
            queued = self.settings.queue_limit
            raise refusal(429, f"all workers are busy and {queued} requests wait; retry later", retry=True) from error

    def _late(self, place: Place) -> Exception:
        limit = f"{self.settings.request_timeout_seconds:g} s"
        if self.lifecycle.draining:
            return refusal(503, "the process is stopping; send the request again", retry=True)
        if place.stage is Stage.READING:
            return refusal(408, f"the body did not arrive within {limit}; send it faster or smaller")
        if place.stage is Stage.WAITING:
            return refusal(503, f"no worker was free within {limit}; retry later", retry=True)
        return refusal(504, f"the model gave no answer within {limit}")
