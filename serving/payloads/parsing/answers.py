"""Turn the bytes of pictures into answers: mask and areas, or the error of an unreadable picture."""

import base64
import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from serving.clients.result_cache import ResultCache, key_of
from serving.payloads.parsing.labels import LABELS, PARTS
from serving.payloads.parsing.letterbox import Placement, labels_in_original, place
from serving.payloads.parsing.model import Parser
from serving.pictures import PictureError, PictureTooLargeError, decode, require_lane_for, size_of
from serving.telemetry.metrics import Telemetry
from serving.work.offload import offload

Answer = dict[str, Any]
# Decimal digits of a share: enough for one pixel of a large picture.
_SHARE_DIGITS = 7
_PALETTE = [value for part in PARTS for value in part.colour]


@dataclass(frozen=True)
class Answers:
    """Answers pictures, from the cache if possible."""

    parser: Parser
    cache: ResultCache
    telemetry: Telemetry

    def of(self, pictures: Sequence[bytes], most_pixels: int) -> list[Answer | PictureError]:
        """Return one answer or error for each picture, in order.

        Pictures are inferred one by one: a batch would take no less time, and 130 MB per picture at once.
        """
        sizes = [size_of(picture) for picture in pictures]
        # Before the first picture: a job that starts again would find its own answers in the cache.
        require_lane_for(max((pixels for pixels in map(math.prod, sizes) if pixels <= most_pixels), default=0))
        return [self._one(picture, size, most_pixels) for picture, size in zip(pictures, sizes, strict=True)]

    def _one(self, picture: bytes, size: tuple[int, int], most_pixels: int) -> Answer | PictureError:
        key = key_of(picture, "parsing", self.parser.onnx.version, self.parser.variant)
        stored = self.cache.get(key)
        if stored is not None:
            return {**cast("Answer", json.loads(stored)), "cached": True}
        try:
            _check_size(size, most_pixels)
            square, placement = offload(placed, picture)
        except PictureError as error:
            return error
        with self.telemetry.inference_seconds.time():
            parts = self.parser.parts(square[np.newaxis])[0]
        answer = offload(drawn, parts, placement)
        self.cache.put(key, json.dumps(answer).encode())
        return {**answer, "cached": False}


def placed(picture: bytes) -> tuple[NDArray[np.float32], Placement]:
    """Return a picture file as the model's input `[CHANNELS, SIDE, SIDE]`, and where the picture is in it.

    Raises:
        PictureError: the bytes are not a readable picture.
    """
    return place(decode(picture))


def drawn(parts: NDArray[np.float32], placement: Placement) -> Answer:
    """Return the answer for the model's output `[labels, SIDE, SIDE]`, in the size of the picture."""
    return answer_of(labels_in_original(parts, placement))


def answer_of(labels: NDArray[np.uint8]) -> Answer:
    """Return the answer for a mask: its size, the mask as PNG in base64, and each part's share of the picture."""
    height, width = labels.shape
    counts = np.bincount(labels.ravel(), minlength=len(LABELS)) / labels.size
    return {
        "width": width,
        "height": height,
        "mask": base64.b64encode(mask_png(labels)).decode(),
        "areas": {label: round(share, _SHARE_DIGITS) for label, share in zip(LABELS, counts.tolist(), strict=True)},
    }


def mask_png(labels: NDArray[np.uint8]) -> bytes:
    """Return a PNG whose palette indices are the labels: colored for people, exact for programs."""
    mask = Image.fromarray(labels).convert("P")
    mask.putpalette(_PALETTE)
    content = io.BytesIO()
    # Masks have large flat areas: a higher compression level costs half a second and saves almost nothing.
    mask.save(content, "PNG", compress_level=3)
    return content.getvalue()


def labels_of(mask: bytes) -> NDArray[np.uint8]:
    """Return the labels of a mask's PNG, as a client reads them."""
    with Image.open(io.BytesIO(mask), formats=["PNG"]) as picture:
        return np.asarray(picture).copy()


def palette() -> list[dict[str, object]]:
    """Return label, name and color of each part, for legends."""
    return [
        {"label": label, "name": part.name, "colour": "#{:02x}{:02x}{:02x}".format(*part.colour)}
        for label, part in enumerate(PARTS)
    ]


def _check_size(size: tuple[int, int], most_pixels: int) -> None:
    """Refuse a picture above the caller's limit before it is decoded: the limit bounds the memory."""
    width, height = size
    if width * height > most_pixels:
        raise PictureTooLargeError(
            f"the picture has {width} x {height} pixels, the limit here is {most_pixels}; scale it down, or send it "
            "to /api/jobs"
        )
