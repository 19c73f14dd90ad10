"""Train the wine payload's model on scikit-learn's bundled data: 178 wines, three cultivars.

`python -m serving.payloads.wine.train --out <folder> [--seed 0]`
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn import datasets

from serving.models.checksums import write_sums
from serving.models.onnx import METADATA_FILE, MODEL_FILE, Metadata
from serving.payloads.wine import CULTIVARS, INPUT, Wine, load_taster
from serving.training import split as rows
from serving.training.runner import Trained, command, package_versions, version_of
from serving.training.split import Split
from serving.training.tables import fit

HELD_OUT = 60
# Share of held-out wines. Trained models reach 0.96 or more; a value near the floor means that something is broken.
FLOOR = 0.9


def split() -> Split:
    """Return the data, always split the same way: classes are indices into CULTIVARS."""
    return rows.split(datasets.load_wine, HELD_OUT)


def wines(rows: NDArray[np.float32]) -> list[Wine]:
    """Return rows as a client would send them."""
    return [Wine.model_validate(dict(zip(Wine.model_fields, row.tolist(), strict=True))) for row in rows]


def accuracy(onnx: bytes, metadata: Metadata, data: Split) -> float:
    """Return the share of held-out wines that the serving code classifies correctly with this model."""
    with tempfile.TemporaryDirectory() as folder:
        write_sums(Path(folder), {MODEL_FILE: onnx, METADATA_FILE: metadata.model_dump_json().encode()})
        taster = load_taster(Path(folder), intra_op_threads=1)
        answers = [taster.scores(wine) for wine in wines(data.held_out)]
    best = [max(scores, key=lambda cultivar: scores[cultivar]) for scores in answers]
    right = sum(CULTIVARS[int(index)] == found for index, found in zip(data.held_out_classes, best, strict=True))
    return right / len(best)


def train(seed: int) -> Trained:
    """Train a model and measure it on the held-out wines."""
    data = split()
    onnx = fit(data, seed, name="wine", tensor=INPUT)
    metadata = Metadata(
        version=version_of(onnx),
        figures={},
        floors={"accuracy": FLOOR},
        trained_on=data.drawn,
        held_out=len(data.held_out),
        seed=seed,
        versions=package_versions("numpy", "onnx", "onnxruntime", "scikit-learn", "skl2onnx"),
    )
    figures = {"accuracy": round(accuracy(onnx, metadata, data), 4)}
    return Trained({MODEL_FILE: onnx}, metadata.model_copy(update={"figures": figures}))


if __name__ == "__main__":
    sys.exit(command(train, sys.argv[1:], "serving.payloads.wine.train"))
