"""Faces are found, cut out and turned upright; pictures without a face are refused with a reason."""

import io
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from serving.payloads.faces.alignment import SIDE, align, normalised
from serving.payloads.faces.detection import NoFaceError, find_eyes
from serving.payloads.faces.people import person
from serving.payloads.faces.pictures import circumstances, empty_room, photograph, picture
from serving.payloads.faces.regions import regions


def turned(degrees: float) -> bytes:
    random = np.random.default_rng(5)
    return photograph(person(3), replace(circumstances(random), rotation=degrees), random)


@pytest.mark.parametrize("degrees", [-25, -12, 0, 12, 25])
def test_the_tilt_of_a_head_is_measured_and_taken_out(degrees: float) -> None:
    found = align(turned(degrees))
    assert found.eyes.tilt == pytest.approx(degrees, abs=3)
    upright = find_eyes(Image.fromarray(np.kron(found.pixels, np.ones((4, 4, 1), np.uint8))))
    assert abs(upright.tilt) < 4


def test_the_same_face_large_and_small_is_cut_alike() -> None:
    content = picture(person(8), 8)
    with Image.open(io.BytesIO(content)) as small:
        large = io.BytesIO()
        small.resize((small.width * 6, small.height * 6), Image.Resampling.BICUBIC).save(large, "JPEG", quality=95)
    one, other = (align(given).pixels.astype(float) for given in (content, large.getvalue()))
    assert one.shape == (SIDE, SIDE, 3)
    assert np.abs(one - other).mean() < 8


def test_light_is_taken_out() -> None:
    face = align(picture(person(4), 4)).pixels.astype(np.float32)
    ramp = np.linspace(0.7, 1.3, SIDE, dtype=np.float32)[np.newaxis, :, np.newaxis]
    for light in (0.5, ramp):
        again = normalised(face * light)
        assert np.abs(again.astype(float) - normalised(face)).mean() < 6


def test_a_room_without_anybody_has_no_face() -> None:
    for number in range(20):
        with pytest.raises(NoFaceError, match=r"no skin was found|no pair of eyes"):
            align(empty_room(number))


def test_a_face_whose_eyes_are_covered_is_not_found() -> None:
    content = picture(person(1), 1)
    eyes = align(content).eyes
    with Image.open(io.BytesIO(content)) as covered:
        cheek = np.asarray(covered)[int(eyes.left[1] + eyes.distance * 0.6), int(eyes.left[0])].tolist()
        reach = int(eyes.distance * 0.4)
        for x, y in (eyes.left, eyes.right):
            covered.paste(tuple(cheek), (int(x) - reach, int(y) - reach, int(x) + reach, int(y) + reach))
        with pytest.raises(NoFaceError, match="no pair of eyes"):
            find_eyes(covered)


def flooded(mask: NDArray[np.bool_]) -> list[int]:
    """Sizes of the 4-connected regions, the slow and obvious way."""
    left, sizes = {tuple(place) for place in np.argwhere(mask).tolist()}, list[int]()
    while left:
        edge, size = [left.pop()], 0
        while edge:
            row, column = edge.pop()
            size += 1
            for near in ((row + 1, column), (row - 1, column), (row, column + 1), (row, column - 1)):
                if near in left:
                    left.remove(near)
                    edge.append(near)
        sizes.append(size)
    return sorted(sizes)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.55, 0.7, 1.0])
def test_regions_are_those_of_a_flood_fill(share: float) -> None:
    mask = np.random.default_rng(int(share * 10)).uniform(size=(23, 31)) < share
    found = regions(mask)
    assert sorted(found.areas.tolist()) == flooded(mask)
    assert ((found.labels >= 0) == mask).all()
    for number, area in enumerate(found.areas):
        assert flooded(found.labels == number) == [area]
