"""Role `faces.store`: enrolled faces and people, kept in the persistent vector store.

A face is acknowledged once the vector store has it; only then Redis is notified of the change. Nothing here works
without the vector store, so the pod is not ready while it is down. Redis is optional and does not affect readiness.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from serving.errors import refusal
from serving.http.uploads import no_body
from serving.payloads.faces import wire
from serving.payloads.faces.endpoint import budget_of, read_message
from serving.payloads.faces.gallery_cache import Generation, connect
from serving.payloads.faces.peers import CallBudget, Peer
from serving.payloads.faces.vectors import EnrolledFace, VectorStore
from serving.role.payload import Context, Payload
from serving.role.service import Service

B = TypeVar("B")

# Jobs wait for the vector store; none computes.
_WORKERS = 16


@dataclass(frozen=True)
class Store:
    """The vector store, and the generation that invalidates cached galleries."""

    vectors: VectorStore
    generation: Generation

    def enrol(self, face: str, given: wire.Enrolment, budget: CallBudget) -> wire.Acknowledged:
        """Write a face; on return it is on the volume and no older gallery is current.

        Raises:
            UnreachableError: the vector store does not answer.
        """
        now = datetime.now(tz=UTC).isoformat(timespec="milliseconds")
        self.vectors.put(
            EnrolledFace(face=face, person=given.person, vector=given.array(), model=given.model, enrolled=now), budget
        )
        self.generation.changed()
        return wire.Acknowledged(person=given.person, face=face, model=given.model)

    def nearest(self, asked: wire.Vectored, budget: CallBudget) -> wire.Nearest:
        """Return the most similar face of the same model.

        Raises:
            UnreachableError: the vector store does not answer.
        """
        return wire.Nearest.of(self.vectors.nearest(asked.array(), asked.model, budget))

    def delete(self, person: str, budget: CallBudget) -> wire.Deleted:
        """Delete a person's faces.

        Raises:
            UnreachableError: the vector store does not answer.
        """
        faces = self.vectors.delete(person, budget)
        self.generation.changed()
        return wire.Deleted(person=person, faces=faces)

    def check(self) -> None:
        """Raise UnreachableError while the vector store is down; repeat notifications that Redis has not confirmed."""
        self.generation.repeat()
        self.vectors.check()

    def close(self) -> None:
        """Close the connections."""
        self.vectors.close()
        self.generation.close()


def _load(context: Context) -> Store:
    vectors = VectorStore(Peer.of(context, "vectors"))
    return Store(vectors, Generation(connect(context.address("cache"))))


@dataclass(frozen=True)
class _Endpoints:
    service: Service[Store]

    async def enrol(self, request: Request) -> Response:
        face = str(request.path_params["face"])
        return await self._answer(
            request,
            lambda: read_message(request, wire.Enrolment),
            lambda store, given, budget: store.enrol(face, given, budget),
        )

    async def gallery(self, request: Request) -> Response:
        model = request.query_params.get("model", "")
        if not model:
            raise refusal(400, "model: is missing; set the version: /v1/faces?model=0123456789ab")
        budget = budget_of(self.service.settings, request)
        packed = await self.service.compute(no_body, lambda store, _: store.vectors.gallery(model, budget).pack())
        return Response(packed, media_type=wire.PACKED)

    async def nearest(self, request: Request) -> Response:
        return await self._answer(request, lambda: read_message(request, wire.Vectored), Store.nearest)

    async def people(self, request: Request) -> Response:
        return await self._answer(
            request, no_body, lambda store, _, budget: wire.People(people=tuple(store.vectors.people(budget)))
        )

    async def delete(self, request: Request) -> Response:
        person = str(request.path_params["person"])
        return await self._answer(request, no_body, lambda store, _, budget: store.delete(person, budget))

    async def _answer(
        self, request: Request, read: Callable[[], Awaitable[B]], job: Callable[[Store, B, CallBudget], wire.Message]
    ) -> Response:
        budget = budget_of(self.service.settings, request)
        message = await self.service.compute(read, lambda store, given: job(store, given, budget))
        return Response(message.bytes(), media_type=wire.JSON)


def _routes(service: Service[Store]) -> list[Route]:
    endpoints = _Endpoints(service)
    return [
        Route(wire.FACES + "/{face}", endpoints.enrol, methods=["PUT"]),
        Route(wire.FACES, endpoints.gallery, methods=["GET"]),
        Route(wire.NEAREST, endpoints.nearest, methods=["POST"]),
        Route(wire.PEOPLE, endpoints.people, methods=["GET"]),
        Route(wire.PEOPLE + "/{person}", endpoints.delete, methods=["DELETE"]),
    ]


PAYLOAD = Payload(load=_load, routes=_routes, check=Store.check, close=Store.close, workers=_WORKERS)
