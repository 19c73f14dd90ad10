"""From the bytes of any picture to the pixels that the model was trained on.

Training renders its digits to PNG and reads them back through this module, so that serving cannot differ from training.
"""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

SIDE = 8
PIXELS = SIDE * SIDE
# What is decoded and nothing else: every further format is code that hostile input could reach.
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
# A decoded picture takes up to 5 bytes per pixel while it is made grey: 80 MB per worker thread at most.
MOST_PIXELS = 16_000_000
_WHITE = 255
_HALF = 127.5


class PictureError(ValueError):
    """The bytes are no picture that can be read; the message is one line for the client."""


class PictureTooLargeError(PictureError):
    """The picture has more pixels than are decoded."""


def pixels_of(content: bytes) -> NDArray[np.float32]:
    """Decode a picture to 64 grey values, row by row, 0 = background to 1 = ink.

    Raises:
        PictureTooLargeError: more than MOST_PIXELS pixels; told from the header, before anything is decoded.
        PictureError: empty, not one of FORMATS, or damaged.
    """
    if not content:
        raise PictureError("the picture is empty; send the bytes of a PNG or JPEG file")
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
            _check_size(picture)
            # Lets the JPEG decoder scale while it decodes: a photo costs a fraction of its full size.
            picture.draft("L", (SIDE * 8, SIDE * 8))
            grey = _grey(ImageOps.exif_transpose(picture))
            return _shrink(_ink_on_black(grey))
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


def _grey(picture: Image.Image) -> Image.Image:
    if picture.has_transparency_data:
        coloured = picture.convert("RGBA")
        paper = Image.new("RGBA", coloured.size, (_WHITE, _WHITE, _WHITE, _WHITE))
        return Image.alpha_composite(paper, coloured).convert("L")
    if picture.mode.startswith("I"):  # 16 bits per pixel: convert() would clip at 255
        return Image.fromarray((np.asarray(picture, dtype=np.uint32) >> 8).astype(np.uint8))
    return picture.convert("L")


def _ink_on_black(grey: Image.Image) -> Image.Image:
    """Invert a dark digit on light paper: the model knows light ink on black, people send both."""
    values = np.asarray(grey)
    border = np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])
    return ImageOps.invert(grey) if float(np.median(border)) > _HALF else grey


def _shrink(grey: Image.Image) -> NDArray[np.float32]:
    """Scale to SIDE x SIDE; a picture that is not square gets background at its sides instead of being stretched."""
    small = ImageOps.pad(grey, (SIDE, SIDE), method=Image.Resampling.BOX, color=0)
    return np.asarray(small, dtype=np.float32).ravel() / np.float32(_WHITE)


def _one_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:120]
