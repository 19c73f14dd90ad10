"""Synthetic people: the properties that distinguish faces, drawn from a seed.

No labeled set of photographs is available in the build environment, so people are drawn. `Person` holds what stays the
same between pictures; `serving.payloads.faces.pictures` varies the rest.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Colour = tuple[int, int, int]

# Hair is never as light as the white of an eye, by which eyes are found.
_HAIR: tuple[Colour, ...] = (
    (28, 22, 22),
    (52, 34, 26),
    (88, 56, 36),
    (118, 74, 40),
    (142, 66, 34),
    (168, 124, 70),
    (72, 70, 74),
)
_IRIS: tuple[Colour, ...] = ((66, 40, 24), (104, 70, 34), (52, 92, 132), (68, 106, 74), (96, 104, 112), (38, 28, 22))
# Lightest and darkest skin; every person lies somewhere between.
_LIGHT = np.array([240, 200, 174])
_DARK = np.array([122, 78, 56])
# Shares of people without hair, and with a beard.
_BALD = 0.08
_BEARDED = 0.2


@dataclass(frozen=True, kw_only=True)
class Person:
    """One face. Lengths are in pixels of a canvas in which the face is about 110 wide and 150 high."""

    skin: Colour
    lips: Colour
    iris: Colour
    hair: Colour
    half_width: float
    height_above: float
    """From the eye line to the top of the head."""
    height_below: float
    """From the eye line to the chin."""
    jaw: float
    """Exponent of the outline's lower half: 2 = an ellipse, more = a square jaw, less = a pointed chin."""
    eye_distance: float
    """From the middle of the face to the center of an eye."""
    eye_width: float
    eye_height: float
    eye_tilt: float
    iris_size: float
    brow_height: float
    brow_thickness: float
    brow_slope: float
    brow_length: float
    nose_length: float
    nose_width: float
    mouth_height: float
    """From the eye line down to the mouth, as a share of `height_below`."""
    mouth_width: float
    lip_thickness: float
    hairline: float
    """How far down the forehead the hair comes, as a share of `height_above`."""
    hair_volume: float
    hair_length: float
    """How far down the sides the hair reaches, in pixels below the eyes; -100 = no hair."""
    parting: float
    beard: float
    """Depth of a beard as a share of the distance from chin to mouth; 0 = no beard."""
    ear: float
    mole: tuple[float, float]
    """Position of the mole, relative to the midpoint between the eyes."""


def person(seed: int) -> Person:
    """Draw a person; the same seed always gives the same person."""
    random = np.random.default_rng([seed, 0xFACE])
    tone, undertone = random.uniform(0, 1), random.uniform(-7, 7)
    skin = _LIGHT + (_DARK - _LIGHT) * tone + np.array([undertone, 0, -undertone])
    lips = skin * random.uniform(0.72, 0.9) + np.array([random.uniform(10, 42), -12, -4])
    hair = np.array(_HAIR[random.integers(len(_HAIR))]) + random.integers(-8, 9, 3)
    bald = random.uniform() < _BALD
    return Person(
        skin=_colour(skin),
        lips=_colour(lips),
        iris=_colour(np.array(_IRIS[random.integers(len(_IRIS))]) + random.integers(-10, 11, 3)),
        hair=_colour(hair),
        half_width=random.uniform(48, 60),
        height_above=random.uniform(62, 78),
        height_below=random.uniform(68, 88),
        jaw=random.uniform(1.7, 3.0),
        eye_distance=random.uniform(20.5, 26.5),
        eye_width=random.uniform(9.5, 13),
        eye_height=random.uniform(4.8, 7.4),
        eye_tilt=random.uniform(-2.2, 2.2),
        iris_size=random.uniform(3.6, 4.8),
        brow_height=random.uniform(13, 20),
        brow_thickness=random.uniform(2, 5.5),
        brow_slope=random.uniform(-4, 4),
        brow_length=random.uniform(10, 15),
        nose_length=random.uniform(24, 38),
        nose_width=random.uniform(7, 13.5),
        mouth_height=random.uniform(0.6, 0.72),
        mouth_width=random.uniform(14, 25),
        lip_thickness=random.uniform(2.5, 7),
        hairline=-1.0 if bald else random.uniform(0.3, 0.62),
        hair_volume=0.0 if bald else random.uniform(2, 13),
        hair_length=-100.0 if bald else random.uniform(-30, 90),
        parting=random.uniform(-1, 1),
        beard=random.uniform(0.35, 0.95) if random.uniform() < _BEARDED else 0.0,
        ear=random.uniform(4, 9),
        mole=(random.uniform(-34, 34), random.uniform(12, 48)),
    )


def _colour(values: NDArray[np.float64] | NDArray[np.int64]) -> Colour:
    red, green, blue = (int(value) for value in np.clip(np.round(values), 0, 255))
    return red, green, blue
