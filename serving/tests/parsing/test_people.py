"""The drawn pictures: exact labels, one to three people, the same every time, never the same in two series."""

import numpy as np

from serving.payloads.parsing.labels import BACKGROUND, FACE, LABELS, TOP
from serving.payloads.parsing.training.people import CALIBRATION, HELD_OUT_SERIES, TRAINING, Picture, held_out, pictures


def test_every_pixel_has_one_of_the_labels_and_every_picture_somebody_in_it(people: list[Picture]) -> None:
    for picture in people:
        assert picture.pixels.shape == (*picture.labels.shape, 3)
        assert picture.labels.max() < len(LABELS)
        assert {BACKGROUND, FACE, TOP} <= set(np.unique(picture.labels).tolist())


def test_pictures_have_different_sizes_and_all_parts_occur() -> None:
    some = list(pictures([HELD_OUT_SERIES], 12))
    assert len({picture.labels.shape for picture in some}) == len(some)
    assert set(np.concatenate([picture.labels.ravel() for picture in some]).tolist()) == set(range(len(LABELS)))


def test_the_held_out_pictures_are_the_same_every_time_and_occur_in_no_training() -> None:
    shown = [picture.encoded() for picture in held_out(3)]
    assert shown == [picture.encoded() for picture in held_out(3)]
    assert len({HELD_OUT_SERIES, TRAINING, CALIBRATION}) == 3
    others = {each.encoded() for seed in (0, 1) for stage in range(3) for each in pictures([TRAINING, seed, stage], 3)}
    assert others.isdisjoint(shown)
    assert others.isdisjoint(picture.encoded() for picture in pictures([CALIBRATION], 3))


def test_a_colour_does_not_tell_the_part() -> None:
    """Tops of one picture have the colours of trousers in another: shape and surroundings are needed."""
    tops = np.concatenate([picture.pixels[picture.labels == TOP] for picture in pictures([HELD_OUT_SERIES], 12)])
    assert tops.std(axis=0).min() > 40
