"""The model is good, the same from the same seed, and never published below the floor."""

import json
from pathlib import Path
from typing import Any

import pytest

from serving.models.checksums import verify
from serving.payloads.digits.data import HELD_OUT, held_out, split
from serving.payloads.digits.model import load_digits
from serving.payloads.digits.train import FLOOR, fit
from serving.tests.objects import client, endpoint, s3
from serving.train import main
from serving.training.runner import Trained, command

pytestmark = pytest.mark.slow  # training

__all__ = ["client", "endpoint", "s3"]


def test_the_served_model_reaches_97_percent_on_pictures_it_never_saw(
    model_folder: Path, digits: list[tuple[bytes, str]]
) -> None:
    model = load_digits(model_folder, 1)
    right = sum(model.classify(png, 1)[0].label == label for png, label in digits)
    assert right / len(digits) >= 0.97
    metadata = model.onnx.metadata
    assert metadata.figures["accuracy"] == round(right / len(digits), 4)
    assert metadata.figures["accuracy"] >= metadata.floors["accuracy"] == FLOOR


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
    assert fit(some, 0) == fit(some, 0)
    assert fit(some, 0) != fit(some, 1)


def test_a_published_model_has_checksums_and_names_its_origin(model_folder: Path) -> None:
    sums = verify(model_folder)
    metadata = json.loads((model_folder / "metadata.json").read_text())
    assert metadata["version"] == sums["model.onnx"][:12]
    assert metadata["held_out"] == HELD_OUT
    assert metadata["versions"]["onnxruntime"]


def test_a_model_below_the_floor_is_not_published(
    trained: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(lambda _: trained, ["--out", str(tmp_path / "model"), "--floor", "1.01"], "train") == 1
    assert "the floor is 1.01" in capsys.readouterr().err
    assert not (tmp_path / "model").exists()


@pytest.mark.usefixtures("s3")
def test_the_trainer_publishes_once_and_says_what_it_published(
    trained: Trained, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--publish", "s3://models/digits/1", "--seed", "0"]
    results: list[dict[str, Any]] = []
    for _ in range(2):
        assert command(lambda _: trained, arguments, "test") == 0
        results.append(json.loads(capsys.readouterr().out))
    assert [result["alreadyThere"] for result in results] == [False, True]
    assert results[0]["uri"] == "s3://models/digits/1"
    assert results[0]["figures"]["accuracy"] >= results[0]["floors"]["accuracy"]
    assert results[0]["checksum"] == results[1]["checksum"]


@pytest.mark.usefixtures("s3")
def test_the_trainer_fails_with_one_line_when_another_model_is_there(
    trained: Trained, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--publish", "s3://models/digits/1"]
    assert command(lambda _: trained, arguments, "test") == 0
    other = Trained({**trained.files, "labels.txt": b"0"}, trained.metadata)
    assert command(lambda _: other, arguments, "test") == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_the_trainer_knows_its_payloads(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["digit", "--out", "x"]) == 2
    assert "did you mean digits?" in capsys.readouterr().err
