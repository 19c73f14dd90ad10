"""Cut a face out of a picture, upright, at a fixed size and with normalized light."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from serving.payloads.faces.detection import Eyes, find_eyes
from serving.pictures import decode

# Pixels per side of an aligned face. Its eyes are always at the same positions.
SIDE = 48
CHANNELS = 3
_EYE_DISTANCE = 15.5
_EYES = (SIDE / 2, 18.0)
# A face in a phone photo has far more pixels than 48 per side: a picture of this size is enough to find and cut it.
ENOUGH = 640
# Mean and spread of brightness after normalization, in gray values.
_MEAN, _SPREAD = 128.0, 48.0
_LEAST_SPREAD = 1e-3
# Offsets of each pixel from the middle of the face, and a mask of the pixels that show face, not hair or wall, in every
# picture.
_ACROSS = np.broadcast_to(np.arange(SIDE, dtype=np.float32) - np.float32((SIDE - 1) / 2), (SIDE, SIDE))
_DOWN = np.ascontiguousarray(_ACROSS.T) - np.float32(1)
_FACE = ((_ACROSS / 14) ** 2 + (_DOWN / 16) ** 2 < 1).astype(np.float32)
Pixels = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class AlignedFace:
    """An aligned face as the model takes it, and its eyes in the picture."""

    pixels: Pixels
    """[SIDE, SIDE, 3], RGB."""
    eyes: Eyes


def align(content: bytes) -> AlignedFace:
    """Find the face in a picture file, cut it out, turn it upright and normalize it.

    Raises:
        PictureError: the bytes are not a readable picture.
        NoFaceError: the picture shows no face.
    """
    picture = decode(content, enough=ENOUGH)
    picture.thumbnail((ENOUGH, ENOUGH), Image.Resampling.BOX)
    eyes = find_eyes(picture)
    return AlignedFace(pixels=normalised(_cut(picture, eyes)), eyes=eyes)


def _cut(picture: Image.Image, eyes: Eyes) -> NDArray[np.float32]:
    """Return the square around the eyes, cut with one similarity transform to lose as little detail as possible."""
    scale = eyes.distance / _EYE_DISTANCE
    if scale > 2:  # noqa: PLR2004 - bilinear sampling skips pixels beyond this
        shrink = scale / 2
        picture = picture.reduce(max(1, math.floor(shrink)))
        eyes = eyes.scaled(1 / max(1, math.floor(shrink)))
        scale = eyes.distance / _EYE_DISTANCE
    turn = math.radians(eyes.tilt)
    cosine, sine = scale * math.cos(turn), scale * math.sin(turn)
    x, y = eyes.middle
    across, down = _EYES
    inverse = (cosine, -sine, x - cosine * across + sine * down, sine, cosine, y - sine * across - cosine * down)
    cut = picture.transform((SIDE, SIDE), Image.Transform.AFFINE, inverse, resample=Image.Resampling.BILINEAR)
    return np.asarray(cut, dtype=np.float32)


def normalised(values: NDArray[np.float32]) -> Pixels:
    """Remove the light's direction (a plane fitted to the brightness) and strength, both measured on the face."""
    light = values.mean(axis=2)
    weighted = light * _FACE
    total = float(_FACE.sum())
    mean = float(weighted.sum()) / total
    # Least squares; the weights are symmetric in both directions, so the slopes can be computed separately.
    across = float((weighted * _ACROSS).sum() / (_FACE * _ACROSS**2).sum())
    down = float((weighted * _DOWN).sum() / (_FACE * _DOWN**2).sum())
    plane = np.maximum(mean + across * _ACROSS + down * _DOWN, mean / 3 + _LEAST_SPREAD)
    even = values * (mean / plane)[..., np.newaxis]
    squares = (((even - mean) ** 2).mean(axis=2) * _FACE).sum() / total
    spread = max(float(np.sqrt(squares)), _LEAST_SPREAD)
    return np.clip(np.round((even - mean) / spread * _SPREAD + _MEAN), 0, 255).astype(np.uint8)
