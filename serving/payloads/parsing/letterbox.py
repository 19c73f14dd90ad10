"""Between pictures of any size and the square that the network sees: shrink and centre, and back again."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 128
CHANNELS = 4
"""Red, green, blue from -1 to 1, and 1 where there is picture: the margin is not a dark wall."""
_HALF = 127.5
_OPAQUE = 255


@dataclass(frozen=True)
class Placement:
    """Where a picture of `width` x `height` pixels lies in the square: `left`, `top`, `across`, `down`."""

    width: int
    height: int
    left: int
    top: int
    across: int
    down: int

    @classmethod
    def of(cls, width: int, height: int) -> "Placement":
        """Centre a picture and keep its proportions; even one of 1 x 4000 pixels keeps a column."""
        scale = SIDE / max(width, height)
        across, down = max(1, round(width * scale)), max(1, round(height * scale))
        return cls(width, height, (SIDE - across) // 2, (SIDE - down) // 2, across, down)

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the square that the picture takes."""
        return slice(self.top, self.top + self.down), slice(self.left, self.left + self.across)


def place(picture: Image.Image) -> tuple[NDArray[np.float32], Placement]:
    """The network's input `[CHANNELS, SIDE, SIDE]` for an RGB picture, and where the picture is in it."""
    placement = Placement.of(*picture.size)
    rows, columns = placement.window
    shrunk = picture.resize((placement.across, placement.down), Image.Resampling.BOX, reducing_gap=2.0)
    square = np.zeros((CHANNELS, SIDE, SIDE), np.float32)
    square[:3, rows, columns] = np.asarray(shrunk, np.float32).transpose(2, 0, 1) / _HALF - 1
    square[3, rows, columns] = 1
    return square, placement


def labels_in_original(parts: NDArray[np.float32], placement: Placement) -> NDArray[np.uint8]:
    """The most probable part `[height, width]` of every pixel of the original.

    Probabilities are enlarged, not labels: contours become smooth. One part after another, in 8 bits: a picture of 16
    million pixels needs 80 MB this way, and half a gigabyte as numbers.
    """
    size = (placement.width, placement.height)
    best = np.zeros((placement.height, placement.width), np.uint8)
    labels = np.zeros_like(best)
    for label, plane in enumerate(parts[(slice(None), *placement.window)]):
        scaled = Image.fromarray((plane * _OPAQUE + 0.5).astype(np.uint8))
        probable = np.asarray(scaled.resize(size, Image.Resampling.BILINEAR))
        better = probable > best
        np.copyto(best, probable, where=better)
        labels[better] = label
    return labels
