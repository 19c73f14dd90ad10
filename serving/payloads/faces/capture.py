"""Role `faces.capture`, the gateway: enroll and recognize people by calling the other four services in order.

    POST   /enrol       a picture (the body, or the form's field `file`) and `person` (in the query or the form)
    POST   /recognise   a picture
    GET    /people
    DELETE /people/{person}

Enrolling and deleting require the header `Authorization: Bearer <token>` with the token in FACES_TOKEN.

The pod stays ready while another service is unreachable: it answers 503 and names the service. An unready gateway could
not give that answer, nor serve the requests that do not need the missing service.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from prometheus_client import Histogram
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from serving.errors import refusal
from serving.http.bearer import BearerToken
from serving.http.uploads import no_body, read_picture, read_upload
from serving.payloads.faces import wire
from serving.payloads.faces.endpoint import budget_of
from serving.payloads.faces.pipeline import Peers, Pipeline
from serving.role.payload import Context, Payload
from serving.role.service import Service
from serving.telemetry.metrics import LATENCY_BUCKETS

# Jobs mostly wait for other services; each holds one picture in memory.
_WORKERS = 32
TOKEN_VARIABLE = "FACES_TOKEN"  # noqa: S105 - a variable's name
_FACE_DIGITS = 32
# Decimal digits of a similarity: more digits would be floating-point noise.
_DIGITS = 4
_PERSON: TypeAdapter[str] = TypeAdapter(wire.PersonId)


@dataclass(frozen=True)
class Portrait:
    """An uploaded picture and the person it is said to show."""

    person: str
    picture: bytes


def person_id(given: str) -> str:
    """Return the name of a person if it is valid.

    Raises:
        HTTPException: 400 the name is invalid.
    """
    try:
        return _PERSON.validate_python(given)
    except ValidationError:
        rule = "use 1 to 64 letters, digits, '.', '_', '@' or '-', starting with a letter or digit"
        raise refusal(400, f"person: {given[:80]!r}: {rule}") from None


def face_id(portrait: Portrait) -> str:
    """Return the face's id: the same picture of the same person always has the same id."""
    digest = hashlib.sha256(f"{len(portrait.person)}:{portrait.person}".encode() + portrait.picture)
    return digest.hexdigest()[:_FACE_DIGITS]


async def read_portrait(request: Request) -> Portrait:
    """Read the upload of POST /enrol.

    Raises:
        HTTPException: 400 no person or no picture; 413, 415 as for any picture.
    """
    upload = await read_upload(request, most_files=1)
    named = upload.texts.get("person") or request.query_params.get("person", "")
    return Portrait(person_id(named), upload.files[0].content)


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """The services that the gateway calls, and the token that enrolling and deleting require."""

    peers: Peers
    token: BearerToken

    @classmethod
    def of(cls, context: Context) -> "Gateway":
        """Return the gateway to the peers at the declared addresses, without connecting yet.

        Raises:
            ModelUnusableError: an address is missing.
        """
        token = BearerToken(variable=TOKEN_VARIABLE, value=context.environment.get(TOKEN_VARIABLE, ""))
        return cls(peers=Peers.of(context), token=token)

    def close(self) -> None:
        """Close the connections."""
        self.peers.close()


@dataclass(frozen=True)
class _Endpoints:
    service: Service[Gateway]
    seconds: Histogram

    async def enrol(self, request: Request) -> Response:
        pipeline = self._pipeline(request)

        async def read() -> Portrait:
            self._authorize(request)
            return await read_portrait(request)

        enrolled = await self.service.compute(
            read,
            lambda gateway, portrait: pipeline(gateway).enrol(portrait.person, face_id(portrait), portrait.picture),
        )
        return Response(enrolled.bytes(), 201, media_type=wire.JSON)

    async def recognise(self, request: Request) -> Response:
        pipeline = self._pipeline(request)
        verdict = await self.service.compute(
            lambda: read_picture(request), lambda gateway, picture: pipeline(gateway).recognise(picture)
        )
        return JSONResponse(
            {
                "person": verdict.person if verdict.recognised else None,
                "stranger": not verdict.recognised,
                "similarity": None if verdict.similarity is None else round(verdict.similarity, _DIGITS),
                "threshold": verdict.threshold,
                "served_by": self.service.identity.served_by(),
            }
        )

    async def people(self, request: Request) -> Response:
        pipeline = self._pipeline(request)
        people = await self.service.compute(no_body, lambda gateway, _: pipeline(gateway).people())
        return Response(people.bytes(), media_type=wire.JSON)

    async def delete(self, request: Request) -> Response:
        pipeline = self._pipeline(request)

        async def read() -> str:
            self._authorize(request)
            return person_id(str(request.path_params["person"]))

        deleted = await self.service.compute(read, lambda gateway, person: pipeline(gateway).delete(person))
        if not deleted.faces:
            raise refusal(404, f"person '{deleted.person}' is not enrolled; GET /people lists all enrolled people")
        return Response(deleted.bytes(), media_type=wire.JSON)

    def _authorize(self, request: Request) -> None:
        """Refuse a request without the token, before its body is read."""
        self.service.lifecycle.serving_model().token.require(request)

    def _pipeline(self, request: Request) -> Callable[[Gateway], Pipeline]:
        """Start the time limit at the head of the request: time spent on the upload is not available for the calls."""
        budget = budget_of(self.service.settings, request)
        return lambda gateway: Pipeline(peers=gateway.peers, budget=budget, seconds=self.seconds)


def _routes(service: Service[Gateway]) -> list[Route]:
    seconds = Histogram(
        "faces_step_duration_seconds",
        "Seconds that a step of a request took, its repetitions included.",
        ["step"],
        buckets=LATENCY_BUCKETS,
        registry=service.telemetry.registry,
    )
    endpoints = _Endpoints(service, seconds)
    return [
        Route("/enrol", endpoints.enrol, methods=["POST"]),
        Route("/recognise", endpoints.recognise, methods=["POST"]),
        Route("/people", endpoints.people, methods=["GET"]),
        Route("/people/{person}", endpoints.delete, methods=["DELETE"]),
    ]


PAYLOAD = Payload(load=Gateway.of, routes=_routes, close=Gateway.close, workers=_WORKERS)
