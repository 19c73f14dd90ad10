"""The messages between the five services. Version 1 of each is under /v1.

Messages are JSON objects that reject unknown keys, except a whole gallery, which `Gallery.pack` writes.
"""

import base64
import binascii
import math
from typing import Annotated, Self, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from serving.errors import fault_of
from serving.payloads.faces.alignment import CHANNELS, SIDE, Pixels
from serving.payloads.faces.gallery import DIMENSIONS, Match, Vector

ALIGN = "/v1/align"
EMBED = "/v1/embed"
COMPARE = "/v1/compare"
FACES = "/v1/faces"
NEAREST = "/v1/nearest"
PEOPLE = "/v1/people"
JSON = "application/json"
PACKED = "application/octet-stream"
# Largest message between the services except pictures and galleries: an aligned face in base64 has 9 KiB.
MOST_BYTES = 64 * 1024
_BYTES = SIDE * SIDE * CHANNELS
_UNIT_TOLERANCE = 1e-3

PersonId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$")]
FaceId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
ModelVersion = Annotated[str, Field(pattern=r"^[0-9a-f]{1,64}$")]
Cosine = Annotated[float, Field(ge=-1.001, le=1.001)]
M = TypeVar("M", bound="Message")


class WireError(ValueError):
    """The bytes are not a valid message; the error is one line that names the key and the reason."""


class Message(BaseModel):
    """The body of a request or an answer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @classmethod
    def read(cls, body: bytes) -> Self:
        """Parse and validate a message.

        Raises:
            WireError: the bytes are not a valid message.
        """
        try:
            return cls.model_validate_json(body)
        except ValidationError as error:
            raise WireError(fault_of(error)) from error

    def bytes(self) -> bytes:
        """Return the message as JSON."""
        return self.model_dump_json().encode()


class Face(Message):
    """An aligned face: answer of preprocess, request to features."""

    pixels: str = Field(description=f"Base64 of {SIDE} x {SIDE} RGB pixels, 8 bits each, row by row.")
    eyes: tuple[tuple[float, float], tuple[float, float]] = Field(
        description="Centers of the eyes in the picture, in pixels."
    )
    tilt: float = Field(description="Degrees that the head was turned clockwise.")

    @field_validator("pixels")
    @classmethod
    def _whole(cls, value: str) -> str:
        try:
            length = len(base64.b64decode(value, validate=True))
        except binascii.Error as error:
            raise ValueError(f"is not base64 ({error})") from error
        if length != _BYTES:
            raise ValueError(f"has {length} bytes, but an aligned face has {_BYTES}")
        return value

    @classmethod
    def of(cls, pixels: Pixels, eyes: tuple[tuple[float, float], tuple[float, float]], tilt: float) -> "Face":
        """Create a message from an array `[SIDE, SIDE, 3]`."""
        return cls(pixels=base64.b64encode(pixels.tobytes()).decode(), eyes=eyes, tilt=tilt)

    def array(self) -> Pixels:
        """Return the pixels as an array `[SIDE, SIDE, 3]`."""
        return np.frombuffer(base64.b64decode(self.pixels), np.uint8).reshape(SIDE, SIDE, CHANNELS)


class Vectored(Message):
    """A face's vector and the model that made it; vectors of different models cannot be compared."""

    vector: tuple[float, ...] = Field(min_length=DIMENSIONS, max_length=DIMENSIONS, description="Of length 1.")
    model: ModelVersion

    @field_validator("vector")
    @classmethod
    def _unit(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        length = math.hypot(*value)
        if not abs(length - 1) <= _UNIT_TOLERANCE:
            raise ValueError(f"has length {length:.4g}, but a face's vector has length 1")
        return value

    def array(self) -> Vector:
        """Return the vector as an array."""
        return np.array(self.vector, dtype=np.float32)


class Embedding(Vectored):
    """Answer of features, request to compare. The threshold belongs to the model, so it is sent with the vector."""

    threshold: Cosine


class Enrolment(Vectored):
    """Body of PUT /v1/faces/{face}."""

    person: PersonId


class Nearest(Message):
    """Answer of the store to POST /v1/nearest; all fields are null if nobody is enrolled."""

    face: FaceId | None
    person: PersonId | None
    similarity: Cosine | None

    @classmethod
    def of(cls, match: Match | None) -> "Nearest":
        """Return the message for a match, or for none."""
        if match is None:
            return cls(face=None, person=None, similarity=None)
        return cls(face=match.face, person=match.person, similarity=match.similarity)


class Verdict(Nearest):
    """Answer of compare: the nearest face, and whether it is similar enough to be the same person."""

    threshold: Cosine
    recognised: bool


class Person(Message):
    """One enrolled person."""

    person: PersonId
    faces: int = Field(ge=1, description="Pictures enrolled.")
    enrolled: str = Field(description="Time of the latest enrollment, ISO 8601.")


class People(Message):
    """All enrolled people."""

    people: tuple[Person, ...]


class Deleted(Message):
    """The number of deleted faces of a person."""

    person: PersonId
    faces: int = Field(ge=0)


class Acknowledged(Message):
    """Confirms that a face is in the persistent store."""

    person: PersonId
    face: FaceId
    model: ModelVersion


class Refused(BaseModel):
    """The body of an error response of any service."""

    error: str
