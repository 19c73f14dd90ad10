"""Cut a face out of a picture: upright, always as large, always in the same light."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from serving.payloads.faces.detection import Eyes, find_eyes
from serving.pictures import decode

# Pixels of an aligned face. Its eyes are always at the same places.
SIDE = 48
CHANNELS = 3
_EYE_DISTANCE = 15.5
_EYES = (SIDE / 2, 18.0)
# A face in a photo of a phone has far more pixels than its 48: this many per side are enough to find and cut it.
ENOUGH = 640
# Mean and spread of brightness after the light has been taken out, in grey values.
_MEAN, _SPREAD = 128.0, 48.0
_LEAST_SPREAD = 1e-3
# Offsets of each pixel from the middle of the face, and which of them are on every face, not on hair or wall behind.
_ACROSS = np.broadcast_to(np.arange(SIDE, dtype=np.float32) - np.float32((SIDE - 1) / 2), (SIDE, SIDE))
_DOWN = np.ascontiguousarray(_ACROSS.T) - np.float32(1)
_FACE = ((_ACROSS / 14) ** 2 + (_DOWN / 16) ** 2 < 1).astype(np.float32)
Pixels = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class AlignedFace:
    """A face as the model takes it, and where it was."""

    pixels: Pixels
    """[SIDE, SIDE, 3], RGB."""
    eyes: Eyes


def align(content: bytes) -> AlignedFace:
    """Find, cut, turn upright and normalise the face of a picture file.

    Raises:
        PictureError: no picture that can be read.
        NoFaceError: no face in it.
    """
    picture = decode(content, enough=ENOUGH)
    picture.thumbnail((ENOUGH, ENOUGH), Image.Resampling.BOX)
    eyes = find_eyes(picture)
    return AlignedFace(pixels=normalised(_cut(picture, eyes)), eyes=eyes)


def _cut(picture: Image.Image, eyes: Eyes) -> NDArray[np.float32]:
    """The square around the eyes, by one similarity: rotation, scale and place at once lose the least."""
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
    """Take the light out: its direction (a plane through the brightness) and its strength, both as seen on the face."""
    light = values.mean(axis=2)
    weighted = light * _FACE
    total = float(_FACE.sum())
    mean = float(weighted.sum()) / total
    # Least squares; the weights are even in both directions, so each slope is a projection of its own.
    across = float((weighted * _ACROSS).sum() / (_FACE * _ACROSS**2).sum())
    down = float((weighted * _DOWN).sum() / (_FACE * _DOWN**2).sum())
    plane = np.maximum(mean + across * _ACROSS + down * _DOWN, mean / 3 + _LEAST_SPREAD)
    even = values * (mean / plane)[..., np.newaxis]
    squares = (((even - mean) ** 2).mean(axis=2) * _FACE).sum() / total
    spread = max(float(np.sqrt(squares)), _LEAST_SPREAD)
    return np.clip(np.round((even - mean) / spread * _SPREAD + _MEAN), 0, 255).astype(np.uint8)
