"""Any picture of a digit becomes the same 64 gray values; other bodies are refused before they are decoded."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from serving.payloads.digits.pixels import PIXELS, pixels_of
from serving.pictures import MOST_PIXELS, PictureError, PictureTooLargeError, decode


def encoded(picture: Image.Image, encoding: str = "PNG", **options: object) -> bytes:
    content = io.BytesIO()
    picture.save(content, encoding, **options)
    return content.getvalue()


def stroke(side: int = 64) -> Image.Image:
    """A light vertical stroke in the middle of black."""
    values = np.zeros((side, side), dtype=np.uint8)
    values[:, side * 3 // 8 : side * 5 // 8] = 255
    return Image.fromarray(values)


EXPECTED = np.tile(np.array([0, 0, 0, 1, 1, 0, 0, 0], dtype=np.float32), 8)


@pytest.mark.parametrize("encoding", ["PNG", "BMP", "GIF", "WEBP", "JPEG"])
def test_every_format_gives_the_same_pixels(encoding: str) -> None:
    pixels = pixels_of(encoded(stroke(), encoding))
    assert pixels.shape == (PIXELS,)
    assert pixels.dtype == np.float32
    assert np.abs(pixels - EXPECTED).max() < 0.03


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_colour_mode_gives_the_same_pixels(mode: str) -> None:
    if mode == "I;16":
        picture = Image.fromarray(np.asarray(stroke()).astype(np.uint16) * 257)
    else:
        picture = stroke().convert(mode)
    assert np.abs(pixels_of(encoded(picture)) - EXPECTED).max() < 0.02


def test_sixteen_bits_per_pixel_are_scaled_and_not_clipped() -> None:
    half_lit = Image.fromarray(np.asarray(stroke()).astype(np.uint16) * 128)
    assert np.abs(pixels_of(encoded(half_lit)) - EXPECTED / 2).max() < 0.01


@pytest.mark.parametrize("side", [8, 63, 1000])
def test_any_size_is_scaled(side: int) -> None:
    assert np.abs(pixels_of(encoded(stroke(side))) - EXPECTED).max() < 0.2


def test_dark_ink_on_light_paper_is_the_same_digit() -> None:
    inverted = Image.fromarray(255 - np.asarray(stroke().crop((8, 0, 56, 64)).resize((64, 64))))
    upright = stroke().crop((8, 0, 56, 64)).resize((64, 64))
    assert np.abs(pixels_of(encoded(inverted)) - pixels_of(encoded(upright))).max() < 0.02


def test_dark_ink_on_transparent_paper_is_the_same_digit() -> None:
    ink = np.asarray(stroke())
    picture = Image.fromarray(np.dstack([np.zeros((64, 64, 3), dtype=np.uint8), ink]))
    assert picture.mode == "RGBA"
    assert np.abs(pixels_of(encoded(picture)) - EXPECTED).max() < 0.02


def test_a_tall_picture_is_not_stretched() -> None:
    pixels = pixels_of(encoded(stroke().crop((16, 0, 48, 64)))).reshape(8, 8)
    assert np.abs(pixels - EXPECTED.reshape(8, 8)).max() < 0.02


def test_a_photo_that_lies_on_its_side_is_turned() -> None:
    content = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: turn 90 degrees clockwise to see it upright
    stroke().rotate(90).save(content, "PNG", exif=exif)
    assert np.abs(pixels_of(content.getvalue()) - EXPECTED).max() < 0.02


def bomb(width: int, height: int) -> bytes:
    """A PNG that announces many pixels and has none."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


# The second and third are where Pillow warns and where it raises by itself.
@pytest.mark.parametrize("size", [(MOST_PIXELS // 1000 + 1, 1000), (10_000, 10_000), (60_000, 60_000)])
def test_a_decompression_bomb_is_refused_by_its_header(size: tuple[int, int]) -> None:
    with pytest.raises(PictureTooLargeError, match=str(MOST_PIXELS)):
        pixels_of(bomb(*size))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"hello, is this a picture?", "not a picture"),
        (encoded(stroke())[:60], "damaged"),
        (bomb(64, 64), "damaged"),
        (encoded(stroke(), "JPEG")[:300], "damaged"),
        (encoded(stroke(), "TIFF"), "not a picture"),
    ],
)
def test_a_body_that_is_not_a_picture_is_refused_in_one_line(content: bytes, reason: str) -> None:
    with pytest.raises(PictureError, match=reason) as caught:
        pixels_of(content)
    assert "\n" not in str(caught.value)


def test_colour_is_kept_where_it_is_asked_for_and_16_bits_become_8() -> None:
    red = Image.new("RGB", (30, 20), (200, 10, 30))
    decoded = decode(encoded(red))
    assert (decoded.mode, decoded.size, decoded.getpixel((5, 5))) == ("RGB", (30, 20), (200, 10, 30))
    deep = Image.fromarray(np.full((4, 4), 0x80FF, dtype=np.uint16))
    assert decode(encoded(deep)).getpixel((0, 0)) == (0x80, 0x80, 0x80)


def test_transparent_parts_are_white_paper_in_colour_too() -> None:
    clear = Image.new("RGBA", (4, 4), (200, 10, 30, 0))
    assert decode(encoded(clear)).getpixel((0, 0)) == (255, 255, 255)


def test_a_jpeg_may_be_scaled_while_it_is_decoded_but_never_below_what_is_enough() -> None:
    photo = encoded(Image.new("RGB", (1600, 800), (200, 10, 30)), "JPEG")
    assert decode(photo).size == (1600, 800)
    width, height = decode(photo, enough=100).size
    assert width < 1600
    assert height >= 100


def test_a_tall_transparent_picture_is_put_on_white_as_a_whole() -> None:
    random = np.random.default_rng(0)
    picture = Image.fromarray(random.integers(0, 256, (200, 30, 4), dtype=np.uint8))
    whole = Image.alpha_composite(Image.new("RGBA", picture.size, (255, 255, 255, 255)), picture)
    assert decode(encoded(picture)).tobytes() == whole.convert("RGB").tobytes()
    assert decode(encoded(picture), "L").tobytes() == whole.convert("L").tobytes()
