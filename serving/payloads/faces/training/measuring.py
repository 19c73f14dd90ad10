"""The quality of a model, measured through the serving code on people it was not trained on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from serving.payloads.faces.alignment import align
from serving.payloads.faces.detection import NoFaceError
from serving.payloads.faces.embedding import FaceModel
from serving.payloads.faces.gallery import Gallery, Vector, recognised
from serving.payloads.faces.people import person
from serving.payloads.faces.pictures import picture

# People enrolled at once when recognition is measured; the same number of others ask as strangers.
GROUP = 10
# Share of pairs of different people that may pass as one person.
_FALSE_ACCEPTANCE = 0.002
Vectors = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One person's pictures as vectors; None where no face was found."""

    vectors: Sequence[Vector | None]


def see(model: FaceModel, people: Sequence[int], pictures: int) -> list[Seen]:
    """Draw pictures of people and run them through preprocess and features."""
    return [
        Seen(vectors=[_vector(model, picture(person(who), _number(who, n))) for n in range(pictures)]) for who in people
    ]


def threshold_for(seen: Sequence[Seen]) -> float:
    """Return the similarity that only the permitted share of pairs of different people reaches."""
    _, impostors = _pairs(seen)
    return float(np.quantile(impostors, 1 - _FALSE_ACCEPTANCE))


def equal_error_rate(seen: Sequence[Seen]) -> float:
    """Return the rate at which pairs of one person are refused as often as pairs of different people pass."""
    genuine, impostors = _pairs(seen)
    candidates = np.unique(np.concatenate([genuine, impostors]))
    refused = np.searchsorted(genuine, candidates) / len(genuine)
    passed = 1 - np.searchsorted(impostors, candidates) / len(impostors)
    at = int(np.abs(refused - passed).argmin())
    return float((refused[at] + passed[at]) / 2)


def figures(seen: Sequence[Seen], threshold: float) -> dict[str, float]:
    """Return all figures that have a floor; higher is better."""
    found = [vector is not None for one in seen for vector in one.vectors]
    known, strangers = _asked(seen, threshold)
    return {
        "found": _share(found),
        "verification": round(1 - equal_error_rate(seen), 4),
        "recognised": _share(known),
        "strangers_rejected": _share(strangers),
    }


def _asked(seen: Sequence[Seen], threshold: float) -> tuple[list[bool], list[bool]]:
    """Enroll ten people with one picture each; query their other pictures and those of the next ten people."""
    groups = [list(range(start, start + GROUP)) for start in range(0, len(seen) - GROUP + 1, GROUP)]
    known: list[bool] = []
    strangers: list[bool] = []
    for group, others in zip(groups, [*groups[1:], groups[0]], strict=True):
        enrolled = [(who, vector) for who in group if (vector := _first(seen[who])) is not None]
        gallery = Gallery.of([(str(who), str(who), vector) for who, vector in enrolled])
        for who in group:
            known += [_identified(gallery, vector, threshold) == str(who) for vector in seen[who].vectors[1:]]
        asked = [vector for who in others for vector in seen[who].vectors if vector is not None]
        strangers += [_identified(gallery, vector, threshold) is None for vector in asked]
    return known, strangers


def _identified(gallery: Gallery, vector: Vector | None, threshold: float) -> str | None:
    match = None if vector is None else gallery.nearest(vector)
    return match.person if match is not None and recognised(match.similarity, threshold) else None


def _first(one: Seen) -> Vector | None:
    """Return the vector to enroll, of the first picture in which a face was found; a refused picture is taken again."""
    return next((vector for vector in one.vectors if vector is not None), None)


def _vector(model: FaceModel, content: bytes) -> Vector | None:
    try:
        return model.embed(align(content).pixels[np.newaxis])[0]
    except NoFaceError:
        return None


def _pairs(seen: Sequence[Seen]) -> tuple[Vectors, Vectors]:
    """Return sorted similarities of all pairs of one person's pictures, and of all pairs of different people's."""
    rows = [(who, vector) for who, one in enumerate(seen) for vector in one.vectors if vector is not None]
    owners = np.array([who for who, _ in rows])
    vectors = np.stack([vector for _, vector in rows])
    upper = np.triu_indices(len(rows), 1)
    similarities = (vectors @ vectors.T)[upper]
    same = (owners[:, np.newaxis] == owners[np.newaxis, :])[upper]
    return np.sort(similarities[same]), np.sort(similarities[~same])


def _share(outcomes: Sequence[bool]) -> float:
    return round(sum(outcomes) / len(outcomes), 4)


def _number(who: int, n: int) -> int:
    return who * 1000 + n
