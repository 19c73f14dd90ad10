"""How good the model is, on people it never saw, and that a bad one is not published."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from serving.payloads.faces.embedding import FaceModel
from serving.payloads.faces.gallery import Vector
from serving.payloads.faces.people import person
from serving.payloads.faces.pictures import picture
from serving.payloads.faces.train import FLOORS, Size, people_of
from serving.payloads.faces.training.fitting import export, fit
from serving.payloads.faces.training.measuring import Seen, equal_error_rate, figures, see, threshold_for
from serving.training.runner import BelowFloorError, Trained, write


def test_every_floor_is_reached_on_people_that_were_never_trained_on(trained: Trained) -> None:
    assert trained.metadata.floors == FLOORS
    for name, floor in FLOORS.items():
        assert trained.metadata.figures[name] >= floor, name


@pytest.mark.slow
def test_the_threshold_comes_from_other_people_than_the_figures(face_model: FaceModel) -> None:
    calibration = see(face_model, range(100_000, 100_012), 3)
    assert face_model.threshold == pytest.approx(threshold_for(calibration), abs=1e-4)
    assert 0.3 < face_model.threshold < 0.9


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes() -> None:
    """In its two halves, so that it takes no second training: the pictures, and the model that is made of them."""
    assert picture(person(5), 6) == picture(person(5), 6) != picture(person(5), 7)
    faces = np.random.default_rng(2).integers(0, 256, (80, 48, 48, 3)).astype(np.uint8)
    people = np.repeat(np.arange(20), 4)
    one, again, other = fit(faces, people), fit(faces.copy(), people.copy()), fit(255 - faces, people)
    assert export(one) == export(again) != export(other)


def test_another_seed_learns_from_other_people_and_nobody_is_both_learned_and_asked() -> None:
    full = Size()
    learned = set(people_of(0, full.training[0]))
    assert learned.isdisjoint(people_of(1, full.training[0]))
    asked = {*range(full.held_out[0]), *range(100_000, 100_000 + full.calibration[0])}
    assert learned.isdisjoint(asked)
    assert not np.array_equal(person(0).skin, person(1_000_000).skin)


def test_a_model_below_a_floor_is_not_published(trained: Trained, tmp_path: Path) -> None:
    for name in FLOORS:
        measured = {**trained.metadata.figures, name: FLOORS[name] - 0.01}
        bad = replace(trained, metadata=trained.metadata.model_copy(update={"figures": measured}))
        with pytest.raises(BelowFloorError, match=f"{name} on 60 held-out examples is"):
            write(bad, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_a_model_that_mixes_people_up_is_below_the_floors() -> None:
    """The guard itself: vectors that say nothing about the person reach none of the floors of recognition."""
    random = np.random.default_rng(0)

    def noise() -> Vector:
        vector = random.standard_normal(64).astype(np.float32)
        return vector / np.float32(np.linalg.norm(vector))

    seen = [Seen(vectors=[noise() for _ in range(3)]) for _ in range(20)]
    assert equal_error_rate(seen) == pytest.approx(0.5, abs=0.1)
    assert figures(seen, threshold_for(seen))["recognised"] < 0.1


def test_vectors_have_length_one_and_one_face_at_a_time_gives_what_many_at_once_give(face_model: FaceModel) -> None:
    faces = np.random.default_rng(1).integers(0, 256, (5, 48, 48, 3)).astype(np.uint8)
    together = face_model.embed(faces)
    assert np.linalg.norm(together, axis=1) == pytest.approx(np.ones(5), abs=1e-5)
    alone = np.concatenate([face_model.embed(faces[n : n + 1]) for n in range(5)])
    assert together == pytest.approx(alone, abs=1e-5)
