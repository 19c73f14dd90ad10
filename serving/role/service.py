"""The parts of one running server, and the path of a request through them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from serving.errors import UnreachableError, refusal
from serving.identity import Identity
from serving.role.admission import Admission, OverloadedError, Place, Stage
from serving.role.lifecycle import Lifecycle, NotReadyError
from serving.settings import Settings
from serving.telemetry.metrics import Telemetry
from serving.work.batching import Pending

M = TypeVar("M")
B = TypeVar("B")
R = TypeVar("R")


def make_service(settings: Settings, identity: Identity, *, workers: int) -> "Service[Any]":
    """Create the parts of one server without starting anything."""
    telemetry = Telemetry(identity)
    return Service(
        settings=settings,
        identity=identity,
        lifecycle=Lifecycle[Any](),
        admission=Admission(workers=workers, queue_limit=settings.queue_limit, telemetry=telemetry),
        telemetry=telemetry,
    )


@dataclass(frozen=True, kw_only=True)
class Service(Generic[M]):
    """The parts that the endpoints share. M is the type that the role's `load` returns."""

    settings: Settings
    identity: Identity
    lifecycle: Lifecycle[M]
    admission: Admission
    telemetry: Telemetry

    async def compute(self, read: Callable[[], Awaitable[B]], job: Callable[[M, B], R | Pending[Any, Any, R]]) -> R:
        """Read a request on the event loop, admit it and compute its answer in a worker thread, in bounded time.

        A job may return `Pending` instead of its result; its inference is then batched with those of other waiting
        requests.

        Raises:
            HTTPException: 503 no model or a dependency is unreachable, 429 queue full; on timeout 408 while uploading,
                503 while waiting, 504 while computing.
        """

        async def in_thread(place: Place, model: M, body: B) -> R:
            return await place.run(lambda: job(model, body))

        return await self._admitted(read, in_thread)

    async def orchestrate(self, read: Callable[[], Awaitable[B]], job: Callable[[M, B], Awaitable[R]]) -> R:
        """Read and admit a request as `compute` does, but await its job on the event loop: for jobs that only wait.

        The number of concurrent jobs is limited to the workers plus the queue; `job` must not block or compute.

        Raises:
            HTTPException: as `compute`.
        """

        async def on_loop(place: Place, model: M, body: B) -> R:
            with place.running():
                return await job(model, body)

        return await self._admitted(read, on_loop)

    async def _admitted(self, read: Callable[[], Awaitable[B]], answer: Callable[[Place, M, B], Awaitable[R]]) -> R:
        stage = None
        try:
            model = self.lifecycle.serving_model()
            self.admission.check()
            async with self.lifecycle.time_limit(self.settings.request_timeout_seconds):
                body = await read()
                with self.admission.place() as place:
                    try:
                        return await answer(place, model, body)
                    finally:
                        stage = place.stage
        except TimeoutError as error:
            raise self._late(stage) from error
        except NotReadyError as error:
            raise refusal(503, f"not ready: {error}", retry=True) from error
        except UnreachableError as error:
            raise refusal(503, f"{error}; retry later", retry=True) from error
        except OverloadedError as error:
            queued = self.settings.queue_limit
            raise refusal(429, f"all workers are busy and {queued} requests wait; retry later", retry=True) from error

    def _late(self, stage: Stage | None) -> Exception:
        """Return the response to a request that ran out of time; without a stage its body did not arrive."""
        limit = f"{self.settings.request_timeout_seconds:g} s"
        if self.lifecycle.draining:
            return refusal(503, "the process is stopping; send the request again", retry=True)
        if stage is None:
            return refusal(408, f"the body did not arrive within {limit}; send it faster, or send less")
        if stage is Stage.WAITING:
            return refusal(503, f"no worker was free within {limit}; retry later", retry=True)
        return refusal(504, f"the model did not answer within {limit}; send a smaller request")
