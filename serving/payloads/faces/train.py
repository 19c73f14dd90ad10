"""Train the face embedding and refuse to publish it if it is below a floor.

`python -m serving.payloads.faces.train --out <folder> [--seed 0] [--floor 0.9]`
"""

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from threadpoolctl import threadpool_limits

from serving.models.checksums import write_sums
from serving.models.onnx import METADATA_FILE, MODEL_FILE
from serving.payloads.faces.alignment import Pixels, align
from serving.payloads.faces.detection import NoFaceError
from serving.payloads.faces.embedding import FaceModel, FacesMetadata, load_face_model
from serving.payloads.faces.people import person
from serving.payloads.faces.pictures import picture
from serving.payloads.faces.training.fitting import export, fit
from serving.payloads.faces.training.measuring import figures, see, threshold_for
from serving.training.runner import Trained, command, package_versions, version_of

# Shares. Trained models reach 0.98, 0.99, 0.97 and 0.99; a figure near its floor means that something is broken.
FLOORS = {"found": 0.97, "verification": 0.96, "recognised": 0.9, "strangers_rejected": 0.9}
# First numbers of three series of people: held out from every model ever trained, used only for the threshold, and for
# training.
_HELD_OUT_FROM, _CALIBRATION_FROM, _TRAINING_FROM = 0, 100_000, 1_000_000
# People per seed, so that another seed makes another model.
_PER_SEED = 10_000


@dataclass(frozen=True, kw_only=True)
class Size:
    """Number of people and number of pictures of each."""

    training: tuple[int, int] = (220, 9)
    calibration: tuple[int, int] = (60, 5)
    held_out: tuple[int, int] = (60, 5)


def train_with(seed: int, size: Size) -> Trained:
    """Train on one set of people, set the threshold on a second, and measure on a third."""
    # One thread: on a busy machine, threads that wait for each other turn seconds into minutes.
    with cast("Any", threadpool_limits)(1):
        faces, people = _training_set(seed, size)
        onnx = export(fit(faces, people))
    metadata = FacesMetadata(
        version=version_of(onnx),
        threshold=0,
        figures={},
        floors=FLOORS,
        trained_on=len(faces),
        held_out=size.held_out[0] * size.held_out[1],
        seed=seed,
        versions=package_versions("numpy", "onnx", "onnxruntime", "pillow"),
    )
    model = _loaded(onnx, metadata)
    threshold = round(
        threshold_for(see(model, _numbers(_CALIBRATION_FROM, size.calibration[0]), size.calibration[1])), 4
    )
    measured = figures(see(model, _numbers(_HELD_OUT_FROM, size.held_out[0]), size.held_out[1]), threshold)
    return Trained({MODEL_FILE: onnx}, metadata.model_copy(update={"figures": measured, "threshold": threshold}))


def train(seed: int) -> Trained:
    """Train at full size: about 25 s on one core."""
    return train_with(seed, Size())


def people_of(seed: int, count: int) -> range:
    """Return the people that a model is trained on; another seed has other people."""
    return _numbers(_TRAINING_FROM + seed * _PER_SEED, count)


def _training_set(seed: int, size: Size) -> tuple[Pixels, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """Return aligned faces and their people; pictures in which no face is found are left out."""
    count, pictures = size.training
    faces: list[Pixels] = []
    people: list[int] = []
    for who in people_of(seed, count):
        for number in range(pictures):
            try:
                faces.append(align(picture(person(who), who * 1000 + number)).pixels)
            except NoFaceError:
                continue
            people.append(who)
    return np.stack(faces), np.array(people, dtype=np.int64)


def _loaded(onnx: bytes, metadata: FacesMetadata) -> FaceModel:
    """Return the model as a server loads it."""
    with tempfile.TemporaryDirectory() as folder:
        write_sums(Path(folder), {MODEL_FILE: onnx, METADATA_FILE: metadata.model_dump_json().encode()})
        return load_face_model(Path(folder), intra_op_threads=1)


def _numbers(start: int, count: int) -> range:
    return range(start, start + count)


if __name__ == "__main__":
    sys.exit(command(train, sys.argv[1:], "serving.payloads.faces.train"))
