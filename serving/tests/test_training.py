"""The model is good, the same from the same seed, and never published below the floor."""

import json
from pathlib import Path

import pytest

from serving.checksums import verify
from serving.model import load
from serving.predict import classify
from serving.training.digits import HELD_OUT, held_out, split
from serving.training.train import FLOOR, main, train


def test_the_served_model_reaches_97_percent_on_pictures_it_never_saw(
    model_folder: Path, digits: list[tuple[bytes, str]]
) -> None:
    model = load(model_folder, 1)
    right = sum(classify(model, png, 1)[0].label == label for png, label in digits)
    assert right / len(digits) >= 0.97
    assert model.metadata.accuracy == round(right / len(digits), 4)
    assert model.metadata.accuracy >= model.metadata.floor == FLOOR


def test_at_least_300_pictures_are_held_out_and_none_of_them_is_trained_on() -> None:
    data = split()
    learnt = {picture.png for picture in data.training}
    assert len(data.held_out) == HELD_OUT >= 300
    assert not learnt & {picture.png for picture in data.held_out}
    assert {picture.label for picture in data.held_out} == set("0123456789")


def test_the_held_out_pictures_are_the_same_every_time() -> None:
    assert held_out() == held_out()


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_model() -> None:
    some = split().training[:300]
    assert train(some, 0) == train(some, 0)
    assert train(some, 0) != train(some, 1)


def test_what_is_published_proves_itself_and_tells_where_it_comes_from(model_folder: Path) -> None:
    sums = verify(model_folder)
    metadata = json.loads((model_folder / "metadata.json").read_text())
    assert metadata["version"] == sums["model.onnx"][:12]
    assert metadata["held_out"] == HELD_OUT
    assert metadata["versions"]["onnxruntime"]


def test_a_model_below_the_floor_is_not_published(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--out", str(tmp_path / "model"), "--floor", "1.01"]) == 1
    assert "the floor is 1.01" in capsys.readouterr().err
    assert not (tmp_path / "model").exists()
