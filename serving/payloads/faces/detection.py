"""Find a face: skin by its chroma, then the two eyes in it.

The method follows Hsu, Abdel-Mottaleb and Jain (Face Detection in Color Images, 2002). Brightness varies with the
light, but the chroma of skin hardly does, and the white of an eye is the only bright, colorless area in a face. Two
such areas that are level, alike and at a plausible distance are a pair of eyes.
"""

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from serving.payloads.faces.regions import Mask, regions

# Longest side of the picture that is searched: an eye still has a dozen pixels, and the search takes milliseconds.
SEARCH_SIDE = 176
# Chroma of skin, light and dark, in JPEG's Cb and Cr.
_SKIN_CB = (85.0, 129.0)
_SKIN_CR = (134.0, 178.0)
_DARKEST_SKIN = 30.0
# Smallest share of the picture that the largest patch of skin must have.
_LEAST_SKIN = 0.015
# An eye's area as a share of the area of skin around it.
_LEAST_WHITE = 0.5
_WHITE_SHARE = 0.45
_EYE_SHARE = 0.33
# The white of the eyes is 2 to 3 percent of a face.
_WHITEST_PERCENTILE = 99.3
_EYE_AREA = (0.001, 0.06)
# Half an iris, as a share of the square root of the area of skin.
_IRIS = 0.045
# Distance of the eyes as a share of the square root of the area of skin, and the largest tilt of a head.
_EYE_DISTANCE = (0.2, 0.75)
_STEEPEST = math.radians(40)
_LEAST_LIKENESS = 0.3
Point = tuple[float, float]


class NoFaceError(ValueError):
    """No face was found; the message is one line for the client."""


@dataclass(frozen=True, kw_only=True)
class Eyes:
    """Centers of both eyes in pixels of the picture, the left one of the picture first."""

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
        """Return the same eyes in a picture of another size."""
        return Eyes(left=(self.left[0] * by, self.left[1] * by), right=(self.right[0] * by, self.right[1] * by))

    @property
    def tilt(self) -> float:
        """Clockwise rotation of the head in degrees."""
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
    """Return the largest region of skin."""
    found = regions(mask)
    if not len(found.areas) or found.areas.max() < _LEAST_SKIN * mask.size:
        raise NoFaceError(
            "no skin was found; send a color picture with a face that fills an eighth of its width or more"
        )
    return found.labels == int(found.areas.argmax())


@dataclass(frozen=True, kw_only=True)
class _Candidate:
    """A patch that may be an eye."""

    centre: Point
    whiteness: float
    """Sum over the pixels of the patch."""
    enclosed: float
    """Share of skin in the surroundings of the patch."""


def _candidates(
    light: NDArray[np.float32], blue: NDArray[np.float32], red: NDArray[np.float32], skin: Mask
) -> list[_Candidate]:
    """Return patches inside the skin that are less colored than the skin and contain something bright."""
    area = float(skin.sum())
    usual = np.array([np.median(blue[skin]), np.median(red[skin])])
    towards_grey = np.array([128.0, 128.0]) - usual
    skin_or_hole = _between(skin)
    # 0 = as colored as this skin, 1 = colorless.
    paleness = ((blue - usual[0]) * towards_grey[0] + (red - usual[1]) * towards_grey[1]) / (towards_grey**2).sum()
    whiteness = np.where(skin_or_hole, paleness * (light / np.median(light[skin])) ** 2, 0).astype(np.float32)
    # Gray brows are pale too, and on dark skin even brighter than the skin; compared with the white of the eyes they
    # are dark.
    white = whiteness > max(
        _LEAST_WHITE, float(np.percentile(whiteness[skin_or_hole], _WHITEST_PERCENTILE)) * _WHITE_SHARE
    )
    # The iris splits the white of an eye in two: parts closer than half an iris belong together.
    reach = math.ceil(_IRIS * math.sqrt(area))
    found = regions(_grown(white, reach))
    counts = np.bincount(found.labels[white], minlength=len(found.areas))
    numbers = np.nonzero((counts > _EYE_AREA[0] * area) & (counts < _EYE_AREA[1] * area))[0]
    return [_candidate(found.labels == number, white, whiteness, skin, reach) for number in numbers]


def _candidate(patch: Mask, white: Mask, whiteness: NDArray[np.float32], skin: Mask, reach: int) -> _Candidate:
    where = _around(patch, reach)
    patch, white, whiteness, skin = patch[where], white[where], whiteness[where], skin[where]
    # If a patch merged with a pale brow, only the white of the eye tells where the eye is.
    white = patch & white & (whiteness > _EYE_SHARE * float(whiteness[patch].max()))
    rows, columns = np.nonzero(white)
    ring = _grown(patch, reach) & ~patch
    # Use the middle of the bounding box, not the center of mass, which a sideways glance would shift.
    return _Candidate(
        centre=(
            where[1].start + (float(columns.min()) + float(columns.max())) / 2,
            where[0].start + (float(rows.min()) + float(rows.max())) / 2,
        ),
        whiteness=float(whiteness[rows, columns].sum()),
        enclosed=float(skin[ring].mean()),
    )


def _around(patch: Mask, reach: int) -> tuple[slice, slice]:
    """Return the bounding box of a patch, enlarged by `reach`."""
    rows, columns = np.nonzero(patch.any(axis=1))[0], np.nonzero(patch.any(axis=0))[0]
    return (
        slice(max(0, int(rows[0]) - reach), int(rows[-1]) + reach + 1),
        slice(max(0, int(columns[0]) - reach), int(columns[-1]) + reach + 1),
    )


def _grown(mask: Mask, reach: int) -> Mask:
    """Return the mask with all pixels at most `reach` away from it in both directions."""
    grown = np.pad(mask, reach)
    for axis in (0, 1):
        covered = 1  # pixels that each mark covers so far
        while covered < 2 * reach + 1:
            step = min(covered, 2 * reach + 1 - covered)
            grown = grown | np.roll(grown, step, axis)
            covered += step
    # The mask moved down and right by twice `reach`; the padding accounts for half of that.
    return grown[2 * reach :, 2 * reach :]


def _between(skin: Mask) -> Mask:
    """Return the pixels with skin on both sides and above and below: the inside of a face, including its holes."""
    across = np.logical_or.accumulate(skin, axis=1) & np.logical_or.accumulate(skin[:, ::-1], axis=1)[:, ::-1]
    down = np.logical_or.accumulate(skin, axis=0) & np.logical_or.accumulate(skin[::-1], axis=0)[::-1]
    return across & down


def _best_pair(candidates: list[_Candidate], skin: Mask) -> tuple[Point, Point] | None:
    """Return the centers of the two patches that are most like a pair of eyes, or None."""
    scale = math.sqrt(float(skin.sum()))
    scored = [(_likeness(one, other, scale), one.centre, other.centre) for one, other in combinations(candidates, 2)]
    best = max(scored, default=None, key=lambda pair: pair[0])
    return None if best is None or best[0] <= _LEAST_LIKENESS else (best[1], best[2])


def _likeness(one: _Candidate, other: _Candidate, scale: float) -> float:
    """Return a score: 0 = not a pair of eyes; higher the more alike, level and white the patches are."""
    across, down = abs(one.centre[0] - other.centre[0]), abs(one.centre[1] - other.centre[1])
    apart = math.hypot(across, down) / scale
    tilt = math.atan2(down, across)
    if not (_EYE_DISTANCE[0] < apart < _EYE_DISTANCE[1]) or tilt > _STEEPEST:
        return 0.0
    alike = min(one.whiteness, other.whiteness) / max(one.whiteness, other.whiteness)
    enclosed = one.enclosed * other.enclosed
    return alike * enclosed * math.sqrt(one.whiteness + other.whiteness) * math.cos(tilt)
