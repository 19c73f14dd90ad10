"""The enrolled faces of one model, and the search for the face nearest to a vector."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

# Dimensions of a face's vector.
DIMENSIONS = 64
Vector = NDArray[np.float32]


class GalleryError(ValueError):
    """The bytes are not a packed gallery; the message is one line."""


@dataclass(frozen=True, kw_only=True)
class Match:
    """The nearest enrolled face."""

    face: str
    person: str
    similarity: float
    """Cosine of the angle between both vectors: 1 = identical."""


@dataclass(frozen=True, kw_only=True)
class Gallery:
    """Faces by name, the person of each, and their unit vectors as rows."""

    faces: Sequence[str]
    people: Sequence[str]
    vectors: NDArray[np.float32]

    @classmethod
    def of(cls, rows: Sequence[tuple[str, str, Sequence[float] | Vector]]) -> "Gallery":
        """Build a gallery from (face, person, vector) rows."""
        vectors = np.array([row[2] for row in rows], dtype=np.float32).reshape(len(rows), DIMENSIONS)
        return cls(faces=[row[0] for row in rows], people=[row[1] for row in rows], vectors=vectors)

    def nearest(self, vector: Vector) -> Match | None:
        """Return the most similar face, or None if nobody is enrolled; among equals the first wins."""
        if not len(self.faces):
            return None
        similarities = self.vectors @ vector
        best = int(similarities.argmax())
        return Match(face=self.faces[best], person=self.people[best], similarity=float(similarities[best]))

    def pack(self) -> bytes:
        """Return one line of JSON with the names, followed by the vectors as little-endian 32-bit floats."""
        head = json.dumps({"faces": list(self.faces), "people": list(self.people)}, separators=(",", ":"))
        return head.encode() + b"\n" + self.vectors.astype("<f4").tobytes()

    @classmethod
    def unpack(cls, content: bytes) -> "Gallery":
        """Read what `pack` wrote.

        Raises:
            GalleryError: the bytes are not a packed gallery, or are damaged.
        """
        head, _, body = content.partition(b"\n")
        try:
            names = cast("dict[str, list[str]]", json.loads(head))
            faces, people = names["faces"], names["people"]
            vectors = np.frombuffer(body, dtype="<f4").reshape(len(faces), DIMENSIONS).astype(np.float32)
        except (ValueError, KeyError, TypeError) as error:
            raise GalleryError(f"a packed gallery of {len(content)} bytes cannot be read ({error})") from error
        if len(people) != len(faces):
            raise GalleryError(f"a packed gallery has {len(faces)} faces and {len(people)} people")
        return cls(faces=faces, people=people, vectors=vectors)


def recognised(similarity: float | None, threshold: float) -> bool:
    """Return whether the nearest face is similar enough to be the same person; None means that there is none."""
    return similarity is not None and similarity >= threshold
