"""The sequence of steps from a picture to an answer."""

from dataclasses import dataclass

from prometheus_client import Histogram

from serving.errors import refusal
from serving.payloads.faces import wire
from serving.payloads.faces.peers import Call, CallBudget, Peer, said
from serving.role.payload import Context

_PICTURE = "application/octet-stream"
# Statuses with which preprocess refuses the client's picture.
_ABOUT_THE_PICTURE = frozenset({400, 413, 415, 422})


@dataclass(frozen=True, kw_only=True)
class Peers:
    """The four services behind the gateway."""

    preprocess: Peer
    features: Peer
    compare: Peer
    store: Peer

    @classmethod
    def of(cls, context: Context) -> "Peers":
        """Return the peers at the addresses that the deployment declares, without connecting yet.

        Raises:
            ModelUnusableError: an address is missing.
        """
        return cls(
            preprocess=Peer.of(context, "preprocess"),
            features=Peer.of(context, "features"),
            compare=Peer.of(context, "compare"),
            store=Peer.of(context, "store"),
        )

    def close(self) -> None:
        """Close the connections."""
        for peer in (self.preprocess, self.features, self.compare, self.store):
            peer.close()


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """The steps of one request. Each raises UnreachableError that names the service that does not answer."""

    peers: Peers
    budget: CallBudget
    seconds: Histogram
    """Duration of each step."""

    def enrol(self, person: str, face: str, picture: bytes) -> wire.Acknowledged:
        """Align, embed and store a face.

        Raises:
            HTTPException: the picture is refused.
        """
        embedding = self._embedding(picture)
        body = wire.Enrolment(person=person, vector=embedding.vector, model=embedding.model).bytes()
        call = Call(method="PUT", path=f"{wire.FACES}/{face}", content=body, idempotent=True)
        with self.seconds.labels("store").time():
            return self.peers.store.fetch(wire.Acknowledged, call, self.budget)

    def recognise(self, picture: bytes) -> wire.Verdict:
        """Align, embed and compare a face.

        Raises:
            HTTPException: the picture is refused.
        """
        body = self._embedding(picture).bytes()
        call = Call(method="POST", path=wire.COMPARE, content=body, idempotent=True)
        with self.seconds.labels("compare").time():
            return self.peers.compare.fetch(wire.Verdict, call, self.budget)

    def people(self) -> wire.People:
        """Return all enrolled people."""
        return self.peers.store.fetch(wire.People, Call(method="GET", path=wire.PEOPLE, idempotent=True), self.budget)

    def delete(self, person: str) -> wire.Deleted:
        """Delete a person. Sent only once: a retry would find nobody and report zero deleted faces."""
        call = Call(method="DELETE", path=f"{wire.PEOPLE}/{person}", idempotent=False)
        return self.peers.store.fetch(wire.Deleted, call, self.budget)

    def _embedding(self, picture: bytes) -> wire.Embedding:
        call = Call(method="POST", path=wire.ALIGN, content=picture, content_type=_PICTURE, idempotent=True)
        with self.seconds.labels("preprocess").time():
            answer = self.peers.preprocess.send(call, self.budget)
        if answer.status_code in _ABOUT_THE_PICTURE:
            raise refusal(answer.status_code, said(answer))
        # The answer of preprocess goes to features unparsed: parsing it here would validate the same bytes twice.
        body = self.peers.preprocess.accepted(answer).content
        call = Call(method="POST", path=wire.EMBED, content=body, idempotent=True)
        with self.seconds.labels("features").time():
            return self.peers.features.fetch(wire.Embedding, call, self.budget)
