"""Pictures of synthetic people: the same face under varying circumstances."""

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from serving.payloads.faces.drawing import CENTRE, Expression, draw
from serving.payloads.faces.people import Person

# Largest head rotation in degrees, to either side.
MOST_ROTATION = 25.0
_SIDE = 192
Rgb = NDArray[np.floating[Any]]


@dataclass(frozen=True, kw_only=True)
class Circumstances:
    """Everything that differs between two pictures of one person."""

    expression: Expression
    rotation: float
    """Degrees, clockwise."""
    scale: float
    shift: tuple[float, float]
    gain: float
    """Brightness of the light; 1 = as painted."""
    slope: tuple[float, float]
    """How much brighter the right and the lower edge are, as a share."""
    warmth: float
    noise: float
    blur: float
    quality: int
    """Of the JPEG file."""


def circumstances(random: np.random.Generator) -> Circumstances:
    """Draw the circumstances of one picture."""
    return Circumstances(
        expression=Expression(
            smile=random.uniform(-1, 1),
            open=max(0.0, random.uniform(-0.6, 1)),
            lids=random.uniform(0.75, 1.08),
            brows=random.uniform(-2, 3),
            gaze=random.uniform(-1, 1),
            clothes=_colour(random),
        ),
        rotation=random.uniform(-MOST_ROTATION, MOST_ROTATION),
        scale=random.uniform(0.6, 0.92),
        shift=(random.uniform(-16, 16), random.uniform(-12, 12)),
        gain=random.uniform(0.68, 1.12),
        slope=(random.uniform(-0.3, 0.3), random.uniform(-0.2, 0.2)),
        warmth=random.uniform(-0.03, 0.03),
        noise=random.uniform(1, 6),
        blur=random.uniform(0, 0.8),
        quality=int(random.integers(75, 96)),
    )


def picture(person: Person, seed: int) -> bytes:
    """Return a picture of a person as a JPEG file; the same seed gives the same circumstances for any person."""
    random = np.random.default_rng([seed, 0xCA3E])
    return photograph(person, circumstances(random), random)


def photograph(person: Person, given: Circumstances, random: np.random.Generator) -> bytes:
    """Render a person under the given circumstances; `random` draws background and noise."""
    painted = draw(person, given.expression)
    placed = painted.transform(
        (_SIDE, _SIDE), Image.Transform.AFFINE, _placement(given), resample=Image.Resampling.BILINEAR
    )
    if given.blur:
        placed = placed.filter(ImageFilter.BoxBlur(given.blur))
    values = np.asarray(placed, dtype=np.float32)
    alpha: Rgb = values[..., 3:] / np.float32(255)
    scene: Rgb = values[..., :3] * alpha + background(random) * (1 - alpha)
    return _exposed(scene, given, random)


def background(random: np.random.Generator) -> Rgb:
    """Draw a wall: two colors that fade into each other, with broad stripes."""
    one, other = (np.array(_colour(random), dtype=np.float32) for _ in range(2))
    angle, waves = random.uniform(0, np.pi), random.uniform(0, 6)
    way = np.linspace(0, 2 * np.pi * waves, _SIDE, dtype=np.float32)
    along: Rgb = way[np.newaxis, :] * np.float32(np.cos(angle)) + way[:, np.newaxis] * np.float32(np.sin(angle))
    share: Rgb = (np.sin(along) / 2 + np.float32(0.5))[..., np.newaxis]
    return one * share + other * (1 - share)


def empty_room(seed: int) -> bytes:
    """Return a picture without a person."""
    random = np.random.default_rng([seed, 0x0E])
    return _exposed(background(random), circumstances(random), random)


def _placement(given: Circumstances) -> tuple[float, float, float, float, float, float]:
    """Return Pillow's inverse map, from a position in the picture to the position on the canvas."""
    turn = np.deg2rad(given.rotation)
    cosine, sine = np.cos(turn) / given.scale, np.sin(turn) / given.scale
    x, y = _SIDE / 2 + given.shift[0], _SIDE / 2 + given.shift[1]
    return (
        float(cosine),
        float(sine),
        float(CENTRE[0] - cosine * x - sine * y),
        float(-sine),
        float(cosine),
        float(CENTRE[1] + sine * x - cosine * y),
    )


def _exposed(scene: Rgb, given: Circumstances, random: np.random.Generator) -> bytes:
    ramp = np.linspace(-0.5, 0.5, _SIDE, dtype=np.float32)
    light = given.gain * (1 + given.slope[0] * ramp[np.newaxis, :] + given.slope[1] * ramp[:, np.newaxis])
    tint = np.array([1 + given.warmth, 1, 1 - given.warmth], dtype=np.float32)
    lit = scene * light[..., np.newaxis].astype(np.float32) * tint
    noisy = lit + random.standard_normal((_SIDE, _SIDE, 1), dtype=np.float32) * np.float32(given.noise)
    content = io.BytesIO()
    Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(content, "JPEG", quality=given.quality)
    return content.getvalue()


def _colour(random: np.random.Generator) -> tuple[int, int, int]:
    """Draw a color for walls and clothes; never a skin color, by which faces are found."""
    value, depth = random.uniform(60, 220), random.uniform(0, 0.5)
    red, green, blue = value * (1 - depth), value * (1 - depth * random.uniform(0, 0.6)), value
    if random.uniform() < 0.4:  # noqa: PLR2004 - greens instead of blues
        green, blue = blue, green
    return int(red), int(green), int(blue)
