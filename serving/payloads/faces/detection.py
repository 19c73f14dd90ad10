"""Find a face: skin by its chroma, then the two eyes in it.

The way of Hsu, Abdel-Mottaleb and Jain (Face Detection in Color Images, 2002): brightness varies with the light, the
chroma of skin hardly does; the white of an eye is the one thing in a face that is bright and without colour. Two of
them, level, alike and at a likely distance, are a pair of eyes.
"""

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from serving.payloads.faces.regions import Mask, regions

# Longest side of the picture in which is searched: an eye still has a dozen pixels, and the search takes milliseconds.
SEARCH_SIDE = 176
# Chroma of skin, light and dark, in JPEG's Cb and Cr.
_SKIN_CB = (85.0, 129.0)
_SKIN_CR = (134.0, 178.0)
_DARKEST_SKIN = 30.0
# Share of the picture that the largest patch of skin has at least.
_LEAST_SKIN = 0.015
# An eye's area as a share of the area of skin around it.
_LEAST_WHITE = 0.5
_WHITE_SHARE = 0.45
_EYE_SHARE = 0.33
# Of a face, 2 to 3 per cent are the white of its eyes.
_WHITEST_PERCENTILE = 99.3
_EYE_AREA = (0.001, 0.06)
# Half an iris, as a share of the square root of the area of skin.
_IRIS = 0.045
# Distance of the eyes as a share of the square root of the area of skin, and the furthest that a head is tilted.
_EYE_DISTANCE = (0.2, 0.75)
_STEEPEST = math.radians(40)
_LEAST_LIKENESS = 0.3
Point = tuple[float, float]


class NoFaceError(ValueError):
    """There is no face to be found; the message is one line for the client."""


@dataclass(frozen=True, kw_only=True)
class Eyes:
    """Centres of both eyes in pixels of the picture, the left one of the picture first."""

    left: Point
    right: Point

    @property
    def distance(self) -> float:
        """Pixels from eye to eye."""
        return math.dist(self.left, self.right)

    @property
    def middle(self) -> Point:
        """The point between the eyes."""
        return (self.left[0] + self.right[0]) / 2, (self.left[1] + self.right[1]) / 2

    def scaled(self, by: float) -> "Eyes":
        """The same eyes in a picture of another size."""
        return Eyes(left=(self.left[0] * by, self.left[1] * by), right=(self.right[0] * by, self.right[1] * by))

    @property
    def tilt(self) -> float:
        """Degrees that the head is turned clockwise."""
        return math.degrees(math.atan2(self.right[1] - self.left[1], self.right[0] - self.left[0]))


def find_eyes(picture: Image.Image) -> Eyes:
    """Find the eyes of the largest face in an RGB picture.

    Raises:
        NoFaceError: no skin, or no pair of eyes in it.
    """
    shrink = max(1.0, max(picture.size) / SEARCH_SIDE)
    size = (max(1, round(picture.width / shrink)), max(1, round(picture.height / shrink)))
    small = picture.resize(size, Image.Resampling.BOX) if shrink > 1 else picture
    light, blue, red = np.moveaxis(np.asarray(small.convert("YCbCr"), dtype=np.float32), 2, 0)
    skin = _largest(
        (blue > _SKIN_CB[0])
        & (blue < _SKIN_CB[1])
        & (red > _SKIN_CR[0])
        & (red < _SKIN_CR[1])
        & (light > _DARKEST_SKIN)
    )
    pair = _best_pair(_candidates(light, blue, red, skin), skin)
    if pair is None:
        raise NoFaceError("no pair of eyes was found; send a picture of one face, seen from the front")
    left, right = sorted(((x + 0.5) * shrink, (y + 0.5) * shrink) for x, y in pair)
    return Eyes(left=left, right=right)


def _largest(mask: Mask) -> Mask:
    """The largest region of skin."""
    found = regions(mask)
    if not len(found.areas) or found.areas.max() < _LEAST_SKIN * mask.size:
        raise NoFaceError(
            "no skin was found; send a colour picture with a face that fills an eighth of its width or more"
        )
    return found.labels == int(found.areas.argmax())


@dataclass(frozen=True, kw_only=True)
class _Candidate:
    """A patch that may be an eye."""

    centre: Point
    whiteness: float
    """Sum over its pixels."""
    enclosed: float
    """Share of skin in what surrounds it."""


def _candidates(
    light: NDArray[np.float32], blue: NDArray[np.float32], red: NDArray[np.float32], skin: Mask
) -> list[_Candidate]:
    """Patches inside the skin that are less coloured than it, with something bright in them."""
    area = float(skin.sum())
    usual = np.array([np.median(blue[skin]), np.median(red[skin])])
    towards_grey = np.array([128.0, 128.0]) - usual
    skin_or_hole = _between(skin)
    # 0 = as coloured as this skin, 1 = without colour.
    paleness = ((blue - usual[0]) * towards_grey[0] + (red - usual[1]) * towards_grey[1]) / (towards_grey**2).sum()
    whiteness = np.where(skin_or_hole, paleness * (light / np.median(light[skin])) ** 2, 0).astype(np.float32)
    # Grey brows are pale too, on dark skin even brighter than it; next to the white of the eyes they are dark.
    white = whiteness > max(
        _LEAST_WHITE, float(np.percentile(whiteness[skin_or_hole], _WHITEST_PERCENTILE)) * _WHITE_SHARE
    )
    # The iris parts the white of an eye in two: what is closer than half an iris belongs together.
    reach = math.ceil(_IRIS * math.sqrt(area))
    found = regions(_grown(white, reach))
    counts = np.bincount(found.labels[white], minlength=len(found.areas))
    numbers = np.nonzero((counts > _EYE_AREA[0] * area) & (counts < _EYE_AREA[1] * area))[0]
    return [_candidate(found.labels == number, white, whiteness, skin, reach) for number in numbers]


def _candidate(patch: Mask, white: Mask, whiteness: NDArray[np.float32], skin: Mask, reach: int) -> _Candidate:
    where = _around(patch, reach)
    patch, white, whiteness, skin = patch[where], white[where], whiteness[where], skin[where]
    # Of a patch that grew together with a pale brow, only the white of the eye says where the eye is.
    white = patch & white & (whiteness > _EYE_SHARE * float(whiteness[patch].max()))
    rows, columns = np.nonzero(white)
    ring = _grown(patch, reach) & ~patch
    # The middle of the box around it, not the centre of mass: a glance to the side would shift that.
    return _Candidate(
        centre=(
            where[1].start + (float(columns.min()) + float(columns.max())) / 2,
            where[0].start + (float(rows.min()) + float(rows.max())) / 2,
        ),
        whiteness=float(whiteness[rows, columns].sum()),
        enclosed=float(skin[ring].mean()),
    )


def _around(patch: Mask, reach: int) -> tuple[slice, slice]:
    """The box around a patch, with room to grow."""
    rows, columns = np.nonzero(patch.any(axis=1))[0], np.nonzero(patch.any(axis=0))[0]
    return (
        slice(max(0, int(rows[0]) - reach), int(rows[-1]) + reach + 1),
        slice(max(0, int(columns[0]) - reach), int(columns[-1]) + reach + 1),
    )


def _grown(mask: Mask, reach: int) -> Mask:
    """The mask and everything at most `reach` pixels away from it, in both directions."""
    grown = np.pad(mask, reach)
    for axis in (0, 1):
        covered = 1  # pixels that each one's mark reaches by now
        while covered < 2 * reach + 1:
            step = min(covered, 2 * reach + 1 - covered)
            grown = grown | np.roll(grown, step, axis)
            covered += step
    # Everything moved down and right by `reach` twice, of which the padding took one half.
    return grown[2 * reach :, 2 * reach :]


def _between(skin: Mask) -> Mask:
    """Pixels with skin somewhere on either side and above and below: the inside of a face, whatever its holes."""
    across = np.logical_or.accumulate(skin, axis=1) & np.logical_or.accumulate(skin[:, ::-1], axis=1)[:, ::-1]
    down = np.logical_or.accumulate(skin, axis=0) & np.logical_or.accumulate(skin[::-1], axis=0)[::-1]
    return across & down


def _best_pair(candidates: list[_Candidate], skin: Mask) -> tuple[Point, Point] | None:
    """The two patches that are most like eyes."""
    scale = math.sqrt(float(skin.sum()))
    scored = [(_likeness(one, other, scale), one.centre, other.centre) for one, other in combinations(candidates, 2)]
    best = max(scored, default=None, key=lambda pair: pair[0])
    return None if best is None or best[0] <= _LEAST_LIKENESS else (best[1], best[2])


def _likeness(one: _Candidate, other: _Candidate, scale: float) -> float:
    """0 = no pair of eyes; the more alike, the more level and the whiter, the higher."""
    across, down = abs(one.centre[0] - other.centre[0]), abs(one.centre[1] - other.centre[1])
    apart = math.hypot(across, down) / scale
    tilt = math.atan2(down, across)
    if not (_EYE_DISTANCE[0] < apart < _EYE_DISTANCE[1]) or tilt > _STEEPEST:
        return 0.0
    alike = min(one.whiteness, other.whiteness) / max(one.whiteness, other.whiteness)
    enclosed = one.enclosed * other.enclosed
    return alike * enclosed * math.sqrt(one.whiteness + other.whiteness) * math.cos(tilt)
