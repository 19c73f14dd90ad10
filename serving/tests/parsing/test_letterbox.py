"""A picture of any size keeps its proportions and size, and every pixel gets a label."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from serving.payloads.parsing.labels import LABELS
from serving.payloads.parsing.letterbox import CHANNELS, SIDE, Placement, labels_in_original, place

SIDES = st.integers(min_value=1, max_value=4000)


@given(width=SIDES, height=SIDES)
def test_a_picture_of_any_size_lies_inside_the_square_and_keeps_its_proportions(width: int, height: int) -> None:
    placement = Placement.of(width, height)
    assert max(placement.across, placement.down) == SIDE
    assert min(placement.across, placement.down) >= 1
    assert 0 <= placement.left <= SIDE - placement.across
    assert 0 <= placement.top <= SIDE - placement.down
    assert abs(placement.across / SIDE - width / max(width, height)) <= 1 / SIDE


@settings(deadline=None, max_examples=20)
@given(width=st.integers(1, 300), height=st.integers(1, 300))
def test_the_mask_has_the_size_of_the_picture_and_only_labels(width: int, height: int) -> None:
    square, placement = place(Image.new("RGB", (width, height), (9, 99, 200)))
    assert square.shape == (CHANNELS, SIDE, SIDE)
    parts = np.random.default_rng(0).dirichlet(np.ones(len(LABELS)), (SIDE, SIDE)).transpose(2, 0, 1)
    labels = labels_in_original(parts.astype(np.float32), placement)
    assert labels.shape == (height, width)
    assert labels.max() < len(LABELS)


@pytest.mark.parametrize("size", [(400, 200), (200, 400), (300, 300)])
def test_where_a_part_is_certain_it_is_found_at_the_same_place_of_the_original(size: tuple[int, int]) -> None:
    _, placement = place(Image.new("RGB", size))
    parts = np.zeros((len(LABELS), SIDE, SIDE), np.float32)
    rows, columns = placement.window
    parts[0, rows, columns] = 1
    middle = (slice(SIDE // 2 - 8, SIDE // 2 + 8),) * 2
    parts[(0, *middle)] = 0
    parts[(3, *middle)] = 1
    labels = labels_in_original(parts, placement)
    width, height = size
    assert labels[height // 2, width // 2] == 3
    assert labels[0, 0] == labels[-1, -1] == 0
    share = (labels == 3).mean() * placement.across * placement.down
    assert share == pytest.approx(16 * 16, rel=0.1)


def test_the_margin_is_marked_as_no_picture() -> None:
    square, placement = place(Image.new("RGB", (300, 100)))
    assert square[3].sum() == placement.across * placement.down
    assert square[:3, 0].max() == square[:3, 0].min() == 0
