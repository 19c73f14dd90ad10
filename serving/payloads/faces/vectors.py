"""Enrolled faces in the persistent vector store, a Chroma server used over its HTTP API.

One collection holds the faces of all models; person, model and time are metadata. A face is acknowledged only after the
server has written it to its volume.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import httpx

from serving.payloads.faces.gallery import Gallery, Match, Vector
from serving.payloads.faces.peers import Call, CallBudget, Peer
from serving.payloads.faces.wire import Person

_DATABASE = "/api/v2/tenants/default_tenant/databases/default_database"
_HEALTH = "/api/v2/healthcheck"
_COLLECTION = {"name": "faces", "get_or_create": True, "configuration": {"hnsw": {"space": "cosine"}}}
_PAGE = 1000
_CHECK_SECONDS = 1.5
_NOT_FOUND = 404
Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class EnrolledFace:
    """A face as the vector store holds it."""

    face: str
    person: str
    vector: Vector
    model: str
    enrolled: str
    """Time of enrollment, ISO 8601."""


class VectorStore:
    """Faces in Chroma; thread-safe."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._collection: str | None = None

    def put(self, face: EnrolledFace, budget: CallBudget) -> None:
        """Write a face, or overwrite it.

        Raises:
            UnreachableError: the server does not answer; the face may or may not have been written.
        """
        metadata = {"person": face.person, "model": face.model, "enrolled": face.enrolled}
        question = {"ids": [face.face], "embeddings": [face.vector.tolist()], "metadatas": [metadata]}
        self._ask("upsert", question, budget)

    def gallery(self, model: str, budget: CallBudget) -> Gallery:
        """Return all faces of a model.

        Raises:
            UnreachableError: the server does not answer.
        """
        rows = self._pages({"where": {"model": model}, "include": ["embeddings", "metadatas"]}, budget)
        return Gallery.of([(face, about["person"], vector) for face, about, vector in rows])

    def nearest(self, vector: Vector, model: str, budget: CallBudget) -> Match | None:
        """Return the most similar face of a model by the server's own index, or None if there is none.

        Raises:
            UnreachableError: the server does not answer.
        """
        question = {
            "query_embeddings": [vector.tolist()],
            "n_results": 1,
            "where": {"model": model},
            "include": ["distances", "metadatas"],
        }
        answer = self._ask("query", question, budget)
        if not answer["ids"][0]:
            return None
        distance = float(answer["distances"][0][0])  # 1 - cosine
        return Match(face=answer["ids"][0][0], person=answer["metadatas"][0][0]["person"], similarity=1 - distance)

    def people(self, budget: CallBudget) -> list[Person]:
        """Return all enrolled people, sorted by name.

        Raises:
            UnreachableError: the server does not answer.
        """
        enrolled: dict[str, list[str]] = {}
        for _, about, _ in self._pages({"include": ["metadatas"]}, budget):
            enrolled.setdefault(about["person"], []).append(about["enrolled"])
        return [Person(person=who, faces=len(when), enrolled=max(when)) for who, when in sorted(enrolled.items())]

    def delete(self, person: str, budget: CallBudget) -> int:
        """Delete a person's faces of all models and return their number.

        Raises:
            UnreachableError: the server does not answer.
        """
        return int(self._ask("delete", {"where": {"person": person}}, budget).get("deleted", 0))

    def check(self) -> None:
        """Raise UnreachableError unless the server can serve."""
        self._peer.accepted(
            self._peer.send(Call(method="GET", path=_HEALTH, idempotent=True), CallBudget(_CHECK_SECONDS))
        )

    def close(self) -> None:
        """Close the connections."""
        self._peer.close()

    def _pages(self, question: Json, budget: CallBudget) -> Iterator[tuple[str, dict[str, str], Sequence[float]]]:
        """Yield each matching face once: (face, metadata, vector if requested)."""
        seen: set[str] = set()
        for offset in range(0, 2**31, _PAGE):
            answer = self._ask("get", {**question, "limit": _PAGE, "offset": offset}, budget)
            faces = cast("list[str]", answer["ids"])
            vectors = answer.get("embeddings") or [()] * len(faces)
            for face, about, vector in zip(faces, answer["metadatas"], vectors, strict=True):
                if face not in seen:
                    seen.add(face)
                    yield face, about, vector
            if len(faces) < _PAGE:
                return

    def _ask(self, verb: str, question: Json, budget: CallBudget) -> Json:
        """Post a request to the collection; all such requests are safe to repeat."""
        answer = self._post(f"{_DATABASE}/collections/{self._known(budget)}/{verb}", question, budget)
        if answer.status_code == _NOT_FOUND:  # new volume: the collection has another id or does not exist
            self._collection = None
            answer = self._post(f"{_DATABASE}/collections/{self._known(budget)}/{verb}", question, budget)
        return cast("Json", self._peer.accepted(answer).json())

    def _known(self, budget: CallBudget) -> str:
        """Return the collection's id; create the collection if it does not exist."""
        if self._collection is None:
            made = self._peer.accepted(self._post(f"{_DATABASE}/collections", _COLLECTION, budget))
            self._collection = str(made.json()["id"])
        return self._collection

    def _post(self, path: str, question: Json, budget: CallBudget) -> httpx.Response:
        call = Call(method="POST", path=path, content=json.dumps(question).encode(), idempotent=True)
        return self._peer.send(call, budget)
