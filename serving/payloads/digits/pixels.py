"""From a picture to the 64 grey values that the classifier knows."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from serving.pictures import decode

SIDE = 8
PIXELS = SIDE * SIDE
# A scaled JPEG keeps this many pixels per side: enough that averaging them to SIDE loses nothing.
_ENOUGH = SIDE * 8
_WHITE = 255
_HALF = 127.5


def pixels_of(content: bytes) -> NDArray[np.float32]:
    """Decode a picture to 64 grey values, row by row, 0 = background to 1 = ink.

    Raises:
        PictureError: the bytes are no picture that can be read, or one of too many pixels.
    """
    return _shrink(_ink_on_black(decode(content, "L", enough=_ENOUGH)))


def _ink_on_black(grey: Image.Image) -> Image.Image:
    """Invert a dark digit on light paper: the model knows light ink on black, people send both."""
    values = np.asarray(grey)
    border = np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])
    return ImageOps.invert(grey) if float(np.median(border)) > _HALF else grey


def _shrink(grey: Image.Image) -> NDArray[np.float32]:
    """Scale to SIDE x SIDE; a picture that is not square gets background at its sides instead of being stretched."""
    small = ImageOps.pad(grey, (SIDE, SIDE), method=Image.Resampling.BOX, color=0)
    return np.asarray(small, dtype=np.float32).ravel() / np.float32(_WHITE)
