"""Every message is the same after sending and reading; an invalid one is refused with the reason."""

import json

import numpy as np
import pytest

from serving.payloads.faces import wire
from serving.payloads.faces.gallery import DIMENSIONS, Gallery, GalleryError, Match, recognised

UNIT = tuple([1.0] + [0.0] * (DIMENSIONS - 1))
MODEL = "0123456789ab"
FACE = "0" * 32
PIXELS = np.random.default_rng(0).integers(0, 256, (48, 48, 3)).astype(np.uint8)
MESSAGES: list[wire.Message] = [
    wire.Face.of(PIXELS, ((1.5, 2.5), (3.5, 4.5)), -12.25),
    wire.Embedding(vector=UNIT, model=MODEL, threshold=0.6),
    wire.Enrolment(vector=UNIT, model=MODEL, person="ada.lovelace@example.com"),
    wire.Nearest.of(None),
    wire.Nearest.of(Match(face=FACE, person="ada", similarity=0.93)),
    wire.Verdict(face=FACE, person="ada", similarity=0.93, threshold=0.6, recognised=True),
    wire.People(people=(wire.Person(person="ada", faces=2, enrolled="2030-01-01T00:00:00.000+00:00"),)),
    wire.Deleted(person="ada", faces=0),
    wire.Acknowledged(person="ada", face=FACE, model=MODEL),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_message_read_back_is_the_same(message: wire.Message) -> None:
    assert type(message).read(message.bytes()) == message
    assert len(message.bytes()) < wire.MOST_BYTES


def test_pixels_and_vectors_arrive_exactly() -> None:
    assert (wire.Face.read(wire.Face.of(PIXELS, ((0, 0), (1, 1)), 0).bytes()).array() == PIXELS).all()
    vector = np.random.default_rng(1).standard_normal(DIMENSIONS).astype(np.float32)
    vector /= np.linalg.norm(vector)
    sent = wire.Vectored(vector=tuple(vector.tolist()), model=MODEL)
    assert (wire.Vectored.read(sent.bytes()).array() == vector).all()


@pytest.mark.parametrize(
    ("kind", "body", "reason"),
    [
        (wire.Face, {"pixels": "AAAA", "eyes": [[0, 0], [1, 1]], "tilt": 0}, "pixels: .*has 3 bytes, .* has 6912"),
        (wire.Face, {"pixels": "%", "eyes": [[0, 0], [1, 1]], "tilt": 0}, "pixels: .*is not base64"),
        (wire.Vectored, {"vector": [1.0], "model": MODEL}, "vector: .*at least 64 items"),
        (wire.Vectored, {"vector": [1.0] * 64, "model": MODEL}, "vector: .*has length 8"),
        (wire.Vectored, {"vector": UNIT, "model": "../x"}, "model: "),
        (wire.Enrolment, {"vector": UNIT, "model": MODEL, "person": "a/b"}, "person: "),
        (wire.Embedding, {"vector": UNIT, "model": MODEL}, "threshold: Field required"),
        (wire.Deleted, {"person": "ada", "faces": 1, "more": 1}, "more: Extra inputs"),
        (wire.Deleted, [], "body: "),
    ],
)
def test_an_invalid_message_is_refused_with_place_and_reason(
    kind: type[wire.Message], body: object, reason: str
) -> None:
    with pytest.raises(wire.WireError, match=reason):
        kind.read(json.dumps(body).encode())


def test_a_vector_that_is_not_finite_is_refused() -> None:
    for number in ("NaN", "Infinity"):
        body = json.dumps({"vector": [*UNIT[1:], 0.0], "model": MODEL}).replace("0.0]", f"{number}]").encode()
        with pytest.raises(wire.WireError, match="vector"):
            wire.Vectored.read(body)


def gallery(*people: str) -> Gallery:
    vectors = np.eye(len(people), DIMENSIONS, dtype=np.float32)
    return Gallery.of([(f"{n:032x}", who, vectors[n]) for n, who in enumerate(people)])


@pytest.mark.parametrize("people", [(), ("ada",), ("ada", "bob", "ada")])
def test_a_gallery_read_back_is_the_same(people: tuple[str, ...]) -> None:
    sent = gallery(*people)
    read = Gallery.unpack(sent.pack())
    assert (read.faces, read.people) == (sent.faces, sent.people)
    assert (read.vectors == sent.vectors).all()


@pytest.mark.parametrize("damage", [b"", b"{}\n", b"[]\n", gallery("ada").pack()[:-1], b"x" + gallery("ada").pack()])
def test_a_damaged_gallery_is_refused(damage: bytes) -> None:
    with pytest.raises(GalleryError, match="cannot be read"):
        Gallery.unpack(damage)


def test_the_nearest_is_the_most_similar_and_of_an_empty_gallery_nobody() -> None:
    asked = np.zeros(DIMENSIONS, dtype=np.float32)
    asked[:3] = (0.6, 0.8, 0.0)
    match = gallery("ada", "bob", "eve").nearest(asked)
    assert match is not None
    assert (match.person, round(match.similarity, 6)) == ("bob", 0.8)
    assert gallery().nearest(asked) is None


def test_exactly_the_threshold_is_enough_and_nobody_is_never_recognised() -> None:
    assert recognised(0.6, 0.6)
    assert not recognised(0.5999, 0.6)
    assert not recognised(None, -1)
