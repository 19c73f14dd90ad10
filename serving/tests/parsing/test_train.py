"""Training measures both variants through the serving code, and publishes no model below the floor."""

import json
from pathlib import Path

import numpy as np
import pytest

from serving.errors import ModelUnusableError
from serving.models.checksums import verify
from serving.payloads.parsing.iou import overlap
from serving.payloads.parsing.labels import LABELS
from serving.payloads.parsing.model import load_parser
from serving.payloads.parsing.train import accuracy, train
from serving.payloads.parsing.training.people import Picture
from serving.tests.parsing.conftest import LITTLE, LOW_FLOOR
from serving.training.runner import BelowFloorError, Trained, with_floors, write


@pytest.mark.slow
def test_even_little_training_beats_its_floor_on_pictures_it_never_saw(
    parser_folder: Path, people: list[Picture]
) -> None:
    parser = load_parser(parser_folder, 1, "float")
    reached = accuracy(parser, people)
    assert reached.mean >= LOW_FLOOR
    assert parser.onnx.metadata.figures["meanIou"] == round(reached.mean, 4)
    everything_background = overlap((np.zeros_like(p.labels), p.labels) for p in people)
    assert reached.mean > 2 * everything_background.mean


def test_both_variants_are_published_with_accuracy_and_size(parser_folder: Path, trained_parser: Trained) -> None:
    assert {"model.onnx", "model.int8.onnx", "metadata.json"} == set(verify(parser_folder))
    metadata = json.loads((parser_folder / "metadata.json").read_text())
    assert metadata["variants"].keys() == {"float", "int8"}
    for variant in metadata["variants"].values():
        assert variant["iou"].keys() == set(LABELS)
        assert variant["mean_iou"] == pytest.approx(sum(variant["iou"].values()) / len(LABELS), abs=1e-3)
    assert metadata["variants"]["int8"]["file_bytes"] == len(trained_parser.files["model.int8.onnx"])
    assert metadata["trained_on"] == 3 * 24


@pytest.mark.parametrize("figure", ["meanIou", "meanIouInt8"])
def test_neither_variant_is_published_below_the_floor(trained_parser: Trained, tmp_path: Path, figure: str) -> None:
    assert trained_parser.metadata.floors.keys() == {"meanIou", "meanIouInt8"}
    bad = trained_parser.metadata.model_copy(update={"figures": {**trained_parser.metadata.figures, figure: 0.1}})
    with pytest.raises(
        BelowFloorError, match=f"{figure} on 6 held-out examples is 0.1000, but the floor is {LOW_FLOOR}"
    ):
        write(Trained(trained_parser.files, bad), tmp_path / "model")
    with pytest.raises(BelowFloorError):
        write(with_floors(trained_parser, 1.01), tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_a_mask_is_measured_by_intersection_over_union_of_each_part() -> None:
    true = np.array([[0, 0, 1, 1]], np.uint8)
    found = overlap([(np.array([[0, 1, 1, 1]], np.uint8), true)])
    assert found.parts["background"] == 1 / 2
    assert found.parts["hair"] == 2 / 3
    assert overlap([(true, true)]).parts["hair"] == 1
    assert found.mean == pytest.approx((1 / 2 + 2 / 3) / len(LABELS))


def test_a_model_with_other_labels_is_refused(trained_parser: Trained, tmp_path: Path) -> None:
    other = trained_parser.metadata.model_copy(update={"labels": ("background", "cat")})
    write(Trained(trained_parser.files, other), tmp_path)
    with pytest.raises(ModelUnusableError, match="the labels are background, cat, but the server requires background"):
        load_parser(tmp_path, 1, "int8")


@pytest.mark.slow
def test_the_same_seed_publishes_the_same_bytes_again(trained_parser: Trained, people: list[Picture]) -> None:
    """Object storage takes a model once: a job that runs again must bring the same one, metadata included."""
    assert train(0, LITTLE, people, LOW_FLOOR).contents() == trained_parser.contents()
