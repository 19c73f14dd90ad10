"""Convert a picture to the 64 gray values that the classifier takes."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from serving.pictures import decode

SIDE = 8
PIXELS = SIDE * SIDE
# A downscaled JPEG keeps this many pixels per side: enough that averaging them to SIDE loses nothing.
_ENOUGH = SIDE * 8
_WHITE = 255
_HALF = 127.5


def pixels_of(content: bytes) -> NDArray[np.float32]:
    """Decode a picture to 64 gray values, row by row, 0 = background to 1 = ink.

    Raises:
        PictureError: the bytes are not a readable picture, or the picture has too many pixels.
    """
    return _shrink(_ink_on_black(decode(content, "L", enough=_ENOUGH)))


def _ink_on_black(grey: Image.Image) -> Image.Image:
    """Invert a dark digit on light paper: the model is trained on light ink on black, and clients send both."""
    values = np.asarray(grey)
    border = np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])
    return ImageOps.invert(grey) if float(np.median(border)) > _HALF else grey


def _shrink(grey: Image.Image) -> NDArray[np.float32]:
    """Scale to SIDE x SIDE; a picture that is not square is padded with background instead of stretched."""
    small = ImageOps.pad(grey, (SIDE, SIDE), method=Image.Resampling.BOX, color=0)
    return np.asarray(small, dtype=np.float32).ravel() / np.float32(_WHITE)
