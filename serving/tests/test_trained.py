"""A test's model is trained again only if its sources, libraries or processor have changed."""

from pathlib import Path

import pytest

from serving.tests.trained import fingerprint, shared
from serving.training.runner import Trained


class Training:
    """Returns a model and counts how often it was asked to."""

    def __init__(self, trained: Trained) -> None:
        self.times = 0
        self._trained = trained

    def __call__(self) -> Trained:
        self.times += 1
        return self._trained


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    folder = tmp_path / "sources"
    (folder / "tests" / "digits").mkdir(parents=True)
    (folder / "train.py").write_text("SEED = 0\n")
    return folder


def changed(sources: Path, name: str, text: str) -> None:
    (sources / name).write_text(text)
    fingerprint.cache_clear()


def test_a_model_is_trained_once_and_every_call_gets_one_of_its_own(
    trained: Trained, sources: Path, tmp_path: Path
) -> None:
    training = Training(trained)
    one, other = (shared("digits", training, sources=sources, folder=tmp_path / "models") for _ in range(2))
    assert training.times == 1
    assert one == other == trained
    assert one is not other


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "again"),
    [("train.py", True), ("words.txt", True), ("tests/digits/conftest.py", True), ("tests/test_digits.py", False)],
)
def test_a_changed_source_trains_again_and_a_changed_test_does_not(
    trained: Trained, sources: Path, tmp_path: Path, name: str, again: bool
) -> None:
    training = Training(trained)
    shared("digits", training, sources=sources, folder=tmp_path / "models")
    changed(sources, name, "SEED = 1\n")
    shared("digits", training, sources=sources, folder=tmp_path / "models")
    assert training.times == 1 + again
    assert len(list((tmp_path / "models").glob("*.pickle"))) == 1, "what no sources make any more is removed"


def test_a_training_that_fails_leaves_no_model(sources: Path, tmp_path: Path) -> None:
    def fails() -> Trained:
        raise RuntimeError("planted")

    with pytest.raises(RuntimeError, match="planted"):
        shared("digits", fails, sources=sources, folder=tmp_path / "models")
    assert list((tmp_path / "models").glob("digits-*")) == []
