"""The data: pictures of one to three drawn people, with the part that every pixel belongs to.

Annotated photographs are not available in the build environment. The drawings keep what makes parsing difficult. A
color alone says little (clothes have any, skin and hair have many), so shape and surroundings must identify a part.
People vary in pose and size, hide each other, and stand before cluttered backgrounds in noisy, blurred pictures.
"""

import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from serving.payloads.parsing.labels import ARMS, FACE, HAIR, SHOES, TOP, TROUSERS

# First number of a picture's seed: the same pictures are held out from every model ever trained.
TRAINING, HELD_OUT_SERIES, CALIBRATION = range(3)
HELD_OUT = 120
MOST_PEOPLE = 3
_SIDES = (160, 360)
"""Shortest and longest side of a picture in pixels."""
_SKIN = ((255, 224, 196), (241, 194, 150), (224, 172, 120), (190, 130, 90), (141, 92, 60), (92, 60, 44))
_HAIRS = ((24, 20, 18), (60, 40, 28), (110, 70, 40), (200, 160, 90), (150, 60, 30), (150, 150, 150))
Colour = tuple[int, int, int]
Point = tuple[float, float]


class Picture(NamedTuple):
    """RGB pixels `[height, width, 3]` and the label of each, `[height, width]`."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.uint8]

    def encoded(self, encoding: str = "JPEG") -> bytes:
        """Return the picture as an uploaded file."""
        content = io.BytesIO()
        Image.fromarray(self.pixels).save(content, encoding, **({"quality": 88} if encoding == "JPEG" else {}))
        return content.getvalue()


def pictures(series: Sequence[int], count: int) -> Iterator[Picture]:
    """Draw `count` pictures of a series; earlier pictures do not depend on `count`."""
    for index in range(count):
        yield draw(np.random.default_rng([*series, index]))


def held_out(count: int = HELD_OUT) -> list[Picture]:
    """Return the pictures that no model was trained on."""
    return list(pictures([HELD_OUT_SERIES], count))


def draw(rng: np.random.Generator) -> Picture:
    """Draw one picture: background, people from back to front, then light, blur and noise over everything."""
    width, height = (int(side) for side in rng.integers(*_SIDES, size=2, endpoint=True))
    picture = _background(rng, width, height)
    labels = Image.new("L", picture.size)
    count = int(rng.integers(1, MOST_PEOPLE, endpoint=True))
    places = rng.permutation(count)
    for place in places:
        canvas = _Canvas(rng, picture, labels)
        size = height * rng.uniform(0.5, 0.92) if count == 1 else min(height * 0.92, width * rng.uniform(0.5, 0.95))
        x = width * (place + 0.5 + rng.uniform(-0.2, 0.2)) / count
        _person(canvas, x, height - rng.uniform(0.02, 1) * (height - size) * 0.6, size)
    return Picture(_photographed(rng, picture), np.asarray(labels).copy())


@dataclass
class _Canvas:
    """Draws every shape twice: its color into the picture and its part into the labels."""

    rng: np.random.Generator
    picture: Image.Image
    labels: Image.Image
    _brushes: tuple[ImageDraw.ImageDraw, ImageDraw.ImageDraw] = field(init=False)

    def __post_init__(self) -> None:
        self._brushes = (ImageDraw.Draw(self.picture), ImageDraw.Draw(self.labels))

    def ellipse(self, centre: Point, radii: Point, colour: Colour, part: int) -> None:
        """Draw an upright ellipse."""
        box = (centre[0] - radii[0], centre[1] - radii[1], centre[0] + radii[0], centre[1] + radii[1])
        for brush, fill in zip(self._brushes, (colour, part), strict=True):
            brush.ellipse(box, fill=fill)

    def polygon(self, points: list[Point], colour: Colour, part: int) -> None:
        """Draw a filled polygon."""
        for brush, fill in zip(self._brushes, (colour, part), strict=True):
            brush.polygon(points, fill=fill)

    def limb(self, start: Point, end: Point, thickness: float, colour: Colour, part: int) -> None:
        """Draw a bar with round ends."""
        for brush, fill in zip(self._brushes, (colour, part), strict=True):
            brush.line((start, end), fill=fill, width=max(2, round(thickness)))
        for point in (start, end):
            self.ellipse(point, (thickness / 2, thickness / 2), colour, part)


@dataclass(frozen=True)
class _Figure:
    """One person: height and half the torso's width in pixels, colors, and the share of the arms covered by sleeves."""

    size: float
    girth: float

    skin: Colour
    hair: Colour
    top: Colour
    trousers: Colour
    shoes: Colour
    sleeve: float
    stripes: Colour | None


def _figure(rng: np.random.Generator, size: float) -> _Figure:
    any_colours = [_any_colour(rng) for _ in range(4)]
    return _Figure(
        size=size,
        girth=size * rng.uniform(0.08, 0.115),
        skin=_near(rng, _SKIN[int(rng.integers(len(_SKIN)))]),
        hair=_near(rng, _HAIRS[int(rng.integers(len(_HAIRS)))]),
        top=any_colours[0],
        trousers=any_colours[1],
        shoes=any_colours[2],
        sleeve=float(rng.choice([0.25, 0.5, 0.9])),
        stripes=any_colours[3] if rng.random() < 0.3 else None,  # noqa: PLR2004 - about a third wear stripes
    )


def _person(canvas: _Canvas, x: float, ground: float, size: float) -> None:
    """Draw a person of `size` pixels whose feet stand at `ground`, from the far limbs to the near ones."""
    rng = canvas.rng
    figure = _figure(rng, size)
    girth = figure.girth
    lean = rng.uniform(-0.1, 0.1)
    hip = (x, ground - 0.46 * size)
    neck = (x + lean * size * 0.3, ground - 0.82 * size)
    for side in (-1, 1):
        _leg(canvas, figure, (hip[0] + side * girth * 0.5, hip[1]), ground)
    far, near = rng.permutation([-1, 1])
    _arm(canvas, figure, (neck[0] + far * girth, neck[1] + 0.04 * size), far)
    _torso(canvas, figure, neck, hip)
    _head(canvas, figure, neck)
    _arm(canvas, figure, (neck[0] + near * girth, neck[1] + 0.04 * size), near)


def _leg(canvas: _Canvas, figure: _Figure, hip: Point, ground: float) -> None:
    rng, size = canvas.rng, figure.size
    thickness = size * rng.uniform(0.07, 0.1)
    length = ground - hip[1] - 0.02 * size
    swing = rng.uniform(-0.3, 0.3)
    knee = (hip[0] + math.sin(swing) * length / 2, hip[1] + math.cos(swing) * length / 2)
    bend = swing + rng.uniform(-0.35, 0.35)
    foot = (knee[0] + math.sin(bend) * length / 2, knee[1] + math.cos(bend) * length / 2)
    canvas.limb(hip, knee, thickness, figure.trousers, TROUSERS)
    canvas.limb(knee, foot, thickness * 0.85, figure.trousers, TROUSERS)
    toe = size * 0.035 * rng.choice([-1, 1])
    canvas.ellipse((foot[0] + toe, foot[1] + 0.012 * size), (0.062 * size, 0.03 * size), figure.shoes, SHOES)


def _torso(canvas: _Canvas, figure: _Figure, neck: Point, hip: Point) -> None:
    girth, size = figure.girth, figure.size
    top, bottom = neck[1] + 0.01 * size, hip[1] + 0.05 * size
    canvas.limb((neck[0], neck[1] - 0.03 * size), (neck[0], neck[1] + 0.02 * size), 0.055 * size, figure.skin, FACE)
    outline = [(neck[0] - girth, top + 0.02 * size), (neck[0] - girth / 2, top), (neck[0] + girth / 2, top)]
    outline += [(neck[0] + girth, top + 0.02 * size), (hip[0] + girth * 0.95, bottom), (hip[0] - girth * 0.95, bottom)]
    canvas.polygon(outline, figure.top, TOP)
    if figure.stripes is not None:
        for share in np.arange(0.15, 0.95, 0.22):
            middle = neck[0] + share * (hip[0] - neck[0])
            y = top + share * (bottom - top)
            half = girth * 0.85
            band = [(middle - half, y), (middle + half, y), (middle + half, y + 0.03 * size)]
            canvas.polygon([*band, (middle - half, y + 0.03 * size)], figure.stripes, TOP)


def _arm(canvas: _Canvas, figure: _Figure, shoulder: Point, side: int) -> None:
    """Draw two bars from the shoulder; the sleeve covers the first share of their length."""
    rng, size = canvas.rng, figure.size
    thickness, length = size * rng.uniform(0.045, 0.06), 0.19 * size
    lift = rng.uniform(0.05, 0.7) if rng.random() < 0.75 else rng.uniform(1.2, 2.6)  # noqa: PLR2004 - a quarter wave
    elbow = (shoulder[0] + side * math.sin(lift) * length, shoulder[1] + math.cos(lift) * length)
    bend = lift + rng.uniform(-0.9, 0.5)
    hand = (elbow[0] + side * math.sin(bend) * length, elbow[1] + math.cos(bend) * length)
    canvas.limb(shoulder, elbow, thickness, figure.skin, ARMS)
    canvas.limb(elbow, hand, thickness * 0.9, figure.skin, ARMS)
    canvas.ellipse(hand, (0.03 * size, 0.03 * size), figure.skin, ARMS)
    upper = min(1.0, figure.sleeve * 2)
    canvas.limb(shoulder, _between(shoulder, elbow, upper), thickness * 1.25, figure.top, TOP)
    if figure.sleeve > 0.5:  # noqa: PLR2004 - beyond the elbow
        canvas.limb(elbow, _between(elbow, hand, figure.sleeve * 2 - 1), thickness * 1.2, figure.top, TOP)


def _head(canvas: _Canvas, figure: _Figure, neck: Point) -> None:
    """Draw the hair, the face over it, long hair if any, and the eyes, which are part of the face."""
    rng, size = canvas.rng, figure.size
    centre = (neck[0] + rng.uniform(-0.015, 0.015) * size, neck[1] - 0.085 * size)
    radii = (0.052 * size, 0.068 * size)
    canvas.ellipse((centre[0], centre[1] - 0.018 * size), (radii[0] * 1.22, radii[1] * 1.1), figure.hair, HAIR)
    if rng.random() < 0.4:  # noqa: PLR2004 - long hair
        fall = centre[1] + rng.uniform(0.06, 0.14) * size
        left, right = centre[0] - radii[0] * 1.2, centre[0] + radii[0] * 1.2
        canvas.polygon([(left, centre[1]), (right, centre[1]), (right, fall), (left, fall)], figure.hair, HAIR)
    canvas.ellipse((centre[0], centre[1] + 0.014 * size), (radii[0], radii[1] * 0.9), figure.skin, FACE)
    for side in (-1, 1):
        canvas.ellipse((centre[0] + side * radii[0] * 0.4, centre[1]), (0.007 * size, 0.007 * size), (30, 30, 40), FACE)


def _background(rng: np.random.Generator, width: int, height: int) -> Image.Image:
    """Draw a wall and a floor with objects in front of them, none of which is a person."""
    upper, lower = np.array(_any_colour(rng)), np.array(_any_colour(rng))
    rows = np.linspace(0, 1, height)[:, None, None]
    horizon = rng.uniform(0.4, 0.95)
    blend = np.clip((rows - horizon) * rng.choice([1.0, 40.0]) + 0.5, 0, 1)
    base = np.broadcast_to(upper * (1 - blend) + lower * blend, (height, width, 3))
    picture = Image.fromarray(base.astype(np.uint8))
    brush = ImageDraw.Draw(picture)
    for _ in range(int(rng.integers(0, 9))):
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        w, h = rng.uniform(0.03, 0.35) * width, rng.uniform(0.03, 0.5) * height
        shape = brush.ellipse if rng.random() < 0.4 else brush.rectangle  # noqa: PLR2004 - some are round
        shape((x - w / 2, y - h / 2, x + w / 2, y + h / 2), fill=_any_colour(rng))
    return picture


def _photographed(rng: np.random.Generator, picture: Image.Image) -> NDArray[np.uint8]:
    """Apply uneven light, a little blur, and noise."""
    blurred = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.2, 1.1)))
    values = np.asarray(blurred, dtype=np.float32)
    height, width = values.shape[:2]
    light = rng.uniform(0.8, 1.15, size=(2, 2)).astype(np.float32)
    falls = np.asarray(Image.fromarray(light).resize((width, height), Image.Resampling.BILINEAR))
    noise = rng.normal(0, rng.uniform(2, 10), size=values.shape).astype(np.float32)
    return np.clip(values * falls[:, :, None] + noise, 0, 255).astype(np.uint8)


def _any_colour(rng: np.random.Generator) -> Colour:
    red, green, blue = (int(value) for value in rng.integers(10, 246, size=3))
    return red, green, blue


def _near(rng: np.random.Generator, colour: Colour) -> Colour:
    red, green, blue = (int(value) for value in np.clip(np.array(colour) + rng.integers(-12, 13, size=3), 0, 255))
    return red, green, blue


def _between(start: Point, end: Point, share: float) -> Point:
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share
