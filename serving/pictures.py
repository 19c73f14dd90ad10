"""Decode picture files into upright pixels, with limits that protect the server from hostile input.

Training also reads its pictures through this module, so that serving and training preprocess them identically.
"""

import io
from typing import Literal

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

# The only formats that are decoded: every additional decoder is code that hostile input can reach.
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
# A decoded picture takes up to 5 bytes per pixel when converted to gray and up to 10 in color: 160 MB per worker
# thread.
MOST_PIXELS = 16_000_000
_WHITE = 255

Mode = Literal["L", "RGB"]


class PictureError(ValueError):
    """The bytes are not a readable picture; the message is one line for the client."""


class PictureTooLargeError(PictureError):
    """The picture has more pixels than MOST_PIXELS."""


def decode(content: bytes, mode: Mode = "RGB", *, enough: int | None = None) -> Image.Image:
    """Decode a picture, apply its EXIF orientation and put transparent parts on white, in gray (L) or color (RGB).

    `enough` lets the JPEG decoder downscale while it decodes, to no fewer than that many pixels per side. A photo
    then costs a fraction of its full size.

    Raises:
        PictureTooLargeError: more than MOST_PIXELS pixels; detected in the header, before anything is decoded.
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
        raise PictureError(f"the body is not a picture; send one of {', '.join(FORMATS)}") from error
    except Exception as error:  # Pillow's decoders raise arbitrary exceptions on damaged input
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
