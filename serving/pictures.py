"""From the bytes of any picture to upright pixels in memory, with limits that hostile input cannot pass.

Training reads its pictures through this module too, so that serving cannot differ from training.
"""

import io
from typing import Literal

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

# What is decoded and nothing else: every further format is code that hostile input could reach.
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
# A decoded picture takes up to 5 bytes per pixel while it is made grey, up to 10 in colour: 160 MB per worker thread.
MOST_PIXELS = 16_000_000
_WHITE = 255

Mode = Literal["L", "RGB"]


class PictureError(ValueError):
    """The bytes are no picture that can be read; the message is one line for the client."""


class PictureTooLargeError(PictureError):
    """The picture has more pixels than are decoded."""


def decode(content: bytes, mode: Mode = "RGB", *, enough: int | None = None) -> Image.Image:
    """Decode a picture: upright by its EXIF orientation, transparent parts on white paper, in grey (L) or colour.

    `enough` pixels per side let the JPEG decoder scale while it decodes, to no less than that: a photo then costs a
    fraction of its full size.

    Raises:
        PictureTooLargeError: more than MOST_PIXELS pixels; told from the header, before anything is decoded.
        PictureError: empty, not one of FORMATS, or damaged.
    """
    if not content:
        raise PictureError("the picture is empty; send the bytes of a PNG or JPEG file")
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
            _check_size(picture)
            if enough is not None:
                picture.draft(mode, (enough, enough))
            return _flat(ImageOps.exif_transpose(picture), mode)
    except PictureError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureTooLargeError(f"the picture has too many pixels; the limit is {MOST_PIXELS}") from error
    except UnidentifiedImageError as error:
        raise PictureError(f"the body is no picture; send one of {', '.join(FORMATS)}") from error
    except Exception as error:  # Pillow's decoders raise what they like on damaged input
        raise PictureError(f"the picture is damaged ({_one_line(error)}); send it again") from error


def _check_size(picture: Image.Image) -> None:
    count = picture.width * picture.height
    if count > MOST_PIXELS:
        raise PictureTooLargeError(
            f"the picture has {picture.width} x {picture.height} pixels, the limit is {MOST_PIXELS}; scale it down"
        )


def _flat(picture: Image.Image, mode: Mode) -> Image.Image:
    if picture.has_transparency_data:
        coloured = picture.convert("RGBA")
        paper = Image.new("RGBA", coloured.size, (_WHITE, _WHITE, _WHITE, _WHITE))
        return Image.alpha_composite(paper, coloured).convert(mode)
    if picture.mode.startswith("I"):  # 16 bits per pixel: convert() would clip at 255
        grey = Image.fromarray((np.asarray(picture, dtype=np.uint32) >> 8).astype(np.uint8))
        return grey.convert(mode)
    return picture.convert(mode)


def _one_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:120]
