"""Role `faces.compare`: POST /v1/compare takes a vector and a threshold and returns the recognized person, if any.

Galleries come from memory or Redis while they are current, otherwise from the store. Neither dependency makes the pod
unready: with one of them requests are answered, and without both an unready pod would hide which one is missing.
"""

from dataclasses import dataclass

from prometheus_client import Counter
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from serving.errors import UnreachableError
from serving.payloads.faces import wire
from serving.payloads.faces.endpoint import budget_of, read_message
from serving.payloads.faces.gallery import Gallery, GalleryError, recognised
from serving.payloads.faces.gallery_cache import CacheAwayError, CachedGalleries, connect
from serving.payloads.faces.peers import Call, CallBudget, Peer
from serving.role.payload import Context, Payload
from serving.role.service import Service

# Jobs mostly wait for Redis or the store; the comparison itself takes a fraction of a millisecond.
_WORKERS = 16


@dataclass(frozen=True)
class Compare:
    """The sources of enrolled faces."""

    galleries: CachedGalleries
    store: Peer

    def judge(self, asked: wire.Embedding, budget: CallBudget) -> tuple[wire.Verdict, str]:
        """Return the nearest enrolled face of the same model, and where it was found.

        Raises:
            UnreachableError: neither Redis nor the store can say who is enrolled.
        """
        try:
            gallery, source = self.galleries.current(asked.model, lambda: self._gallery(asked.model, budget))
        except CacheAwayError:
            nearest, source = self._nearest(asked, budget), "store-index"
        else:
            nearest = wire.Nearest.of(gallery.nearest(asked.array()))
        near = recognised(nearest.similarity, asked.threshold)
        return wire.Verdict(**nearest.model_dump(), threshold=asked.threshold, recognised=near), source

    def close(self) -> None:
        """Close the connections."""
        self.galleries.close()
        self.store.close()

    def _gallery(self, model: str, budget: CallBudget) -> Gallery:
        call = Call(method="GET", path=f"{wire.FACES}?model={model}", idempotent=True)
        answer = self.store.accepted(self.store.send(call, budget))
        try:
            return Gallery.unpack(answer.content)
        except GalleryError as error:
            raise UnreachableError(f"{self.store.where}: {error}") from error

    def _nearest(self, asked: wire.Embedding, budget: CallBudget) -> wire.Nearest:
        """Query the store's own index: without a cache, fetching a whole gallery per request would be too expensive."""
        body = wire.Vectored(vector=asked.vector, model=asked.model).bytes()
        call = Call(method="POST", path=wire.NEAREST, content=body, idempotent=True)
        return self.store.fetch(wire.Nearest, call, budget)


def _load(context: Context) -> Compare:
    return Compare(CachedGalleries(connect(context.address("cache"))), Peer.of(context, "store"))


def _routes(service: Service[Compare]) -> list[Route]:
    sources = Counter(
        "faces_gallery_reads",
        "Comparisons by where the enrolled faces came from.",
        ["source"],
        registry=service.telemetry.registry,
    )

    async def answer(request: Request) -> Response:
        budget = budget_of(service.settings, request)
        verdict, source = await service.compute(
            lambda: read_message(request, wire.Embedding), lambda compare, asked: compare.judge(asked, budget)
        )
        sources.labels(source).inc()
        return Response(verdict.bytes(), media_type=wire.JSON)

    return [Route(wire.COMPARE, answer, methods=["POST"])]


PAYLOAD = Payload(load=_load, routes=_routes, close=Compare.close, workers=_WORKERS)
