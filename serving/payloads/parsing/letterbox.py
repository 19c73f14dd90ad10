"""Map pictures of any size to the network's square input and back: shrink and center, and the reverse."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 128
CHANNELS = 4
"""Red, green, blue from -1 to 1, and 1 inside the picture, so that the margin does not look like a dark wall."""
_HALF = 127.5
_OPAQUE = 255


@dataclass(frozen=True)
class Placement:
    """Position of a picture of `width` x `height` pixels in the square: `left`, `top`, `across`, `down`."""

    width: int
    height: int
    left: int
    top: int
    across: int
    down: int

    @classmethod
    def of(cls, width: int, height: int) -> "Placement":
        """Return a centered placement that keeps the proportions; a picture of 1 x 4000 pixels keeps one column."""
        scale = SIDE / max(width, height)
        across, down = max(1, round(width * scale)), max(1, round(height * scale))
        return cls(width, height, (SIDE - across) // 2, (SIDE - down) // 2, across, down)

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the square that the picture covers."""
        return slice(self.top, self.top + self.down), slice(self.left, self.left + self.across)


def place(picture: Image.Image) -> tuple[NDArray[np.float32], Placement]:
    """Return the network's input `[CHANNELS, SIDE, SIDE]` for an RGB picture, and the picture's placement in it."""
    placement = Placement.of(*picture.size)
    rows, columns = placement.window
    shrunk = picture.resize((placement.across, placement.down), Image.Resampling.BOX, reducing_gap=2.0)
    square = np.zeros((CHANNELS, SIDE, SIDE), np.float32)
    square[:3, rows, columns] = np.asarray(shrunk, np.float32).transpose(2, 0, 1) / _HALF - 1
    square[3, rows, columns] = 1
    return square, placement


def labels_in_original(parts: NDArray[np.float32], placement: Placement) -> NDArray[np.uint8]:
    """Return the most probable part `[height, width]` of every pixel of the original.

    Probabilities are enlarged instead of labels, for smooth contours. Parts are processed one by one in 8 bits: a
    picture of 16 million pixels needs 80 MB this way, and half a gigabyte as floats.
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
