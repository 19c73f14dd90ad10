"""The data: scikit-learn's bundled handwritten digits, rendered as pictures."""

import io
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn import datasets

from serving.training import split as rows

HELD_OUT = 400
# Pixels per side of a rendered picture. The data is 8 x 8; real pictures are larger.
RENDERED_SIDE = 64
_BRIGHTEST = 16  # highest gray value in the data
LABELS = tuple("0123456789")


class Picture(NamedTuple):
    """A PNG and the digit that it shows."""

    png: bytes
    label: str


class Split(NamedTuple):
    """Pictures for training and pictures for evaluation."""

    training: list[Picture]
    held_out: list[Picture]


def split() -> Split:
    """Return all 1,797 digits, always split the same way; every digit has the same share in both parts."""
    data = rows.split(datasets.load_digits, HELD_OUT)
    return Split(_pictures(data.training, data.training_classes), _pictures(data.held_out, data.held_out_classes))


def held_out() -> list[tuple[bytes, str]]:
    """Return the pictures that no model was trained on, as (PNG, label)."""
    return [(picture.png, picture.label) for picture in split().held_out]


def render(values: NDArray[np.float32]) -> bytes:
    """Render 64 gray values (0 to 16) as a smooth PNG of RENDERED_SIDE pixels, light ink on black."""
    grey = np.round(values.reshape(8, 8) * 255 / _BRIGHTEST).astype(np.uint8)
    picture = Image.fromarray(grey).resize((RENDERED_SIDE, RENDERED_SIDE), Image.Resampling.BICUBIC)
    content = io.BytesIO()
    picture.save(content, "PNG")
    return content.getvalue()


def _pictures(values: NDArray[np.float32], targets: NDArray[np.int64]) -> list[Picture]:
    return [Picture(render(row), LABELS[int(target)]) for row, target in zip(values, targets, strict=True)]
