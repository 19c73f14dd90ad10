"""Train the classifier and refuse to publish one that is not good enough.

`python -m serving.training.train --out <folder> [--seed 0] [--floor 0.95]`
"""

import argparse
import hashlib
import json
import platform
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import numpy as np
import skl2onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn import neural_network
from threadpoolctl import threadpool_limits

from serving.checksums import write_sums
from serving.model import INPUT, METADATA_FILE, MODEL_FILE, Metadata, load
from serving.pictures import PIXELS, pixels_of
from serving.predict import classify
from serving.training.digits import LABELS, Picture, split

# Share of held-out pictures. Trained models reach 0.98; anything near the floor means that something broke.
FLOOR = 0.95
_HIDDEN = 128
_OPSET = 17
_PACKAGES = ("numpy", "onnx", "onnxruntime", "pillow", "scikit-learn", "skl2onnx")


class BelowFloorError(RuntimeError):
    """The trained model is not accurate enough to be published."""


def train(pictures: list[Picture], seed: int) -> bytes:
    """Fit the classifier to the pictures as the server sees them; ONNX. Same seed and CPU type, same bytes."""
    pixels = np.stack([pixels_of(picture.png) for picture in pictures])
    labels = np.array([LABELS.index(picture.label) for picture in pictures])
    classifier: Any = neural_network.MLPClassifier((_HIDDEN,), alpha=1e-3, max_iter=1000, random_state=seed)
    # One thread: the matrices are tiny, and threads that wait for each other on a busy machine make 1 s into 20 s.
    with cast("Any", threadpool_limits)(1):
        classifier.fit(pixels, labels)
    exported = cast("Any", skl2onnx).to_onnx(
        classifier,
        initial_types=[(INPUT, FloatTensorType([None, PIXELS]))],
        options={id(classifier): {"zipmap": False}},
        target_opset=_OPSET,
        name="digits",  # without it the graph is named at random, and the image's digest with it
    )
    return exported.SerializeToString()


def accuracy(onnx: bytes, metadata: Metadata, pictures: list[Picture]) -> float:
    """Share of pictures that the serving code answers right with this model."""
    with tempfile.TemporaryDirectory() as folder:
        write_sums(Path(folder), {MODEL_FILE: onnx, METADATA_FILE: metadata.model_dump_json().encode()})
        model = load(Path(folder), intra_op_threads=1)
        right = sum(classify(model, picture.png, 1)[0].label == picture.label for picture in pictures)
    return right / len(pictures)


def publish(folder: Path, seed: int, floor: float = FLOOR) -> Metadata:
    """Train, measure, and write model, metadata and SHA256SUMS.

    Raises:
        BelowFloorError: accuracy on the held-out pictures is below the floor; nothing was written.
    """
    data = split()
    onnx = train(data.training, seed)
    metadata = Metadata(
        version=hashlib.sha256(onnx).hexdigest()[:12],
        labels=LABELS,
        accuracy=0,
        floor=floor,
        trained_on=len(data.training),
        held_out=len(data.held_out),
        seed=seed,
        versions={"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}},
    )
    reached = accuracy(onnx, metadata, data.held_out)
    if reached < floor:
        raise BelowFloorError(
            f"accuracy on {metadata.held_out} held-out pictures is {reached:.4f}, the floor is {floor}; not published"
        )
    metadata = metadata.model_copy(update={"accuracy": round(reached, 4)})
    text = json.dumps(metadata.model_dump(), indent=2) + "\n"
    write_sums(folder, {MODEL_FILE: onnx, METADATA_FILE: text.encode()})
    return metadata


def main(arguments: list[str]) -> int:
    """Run as a command: exit code 1 with one line when the model is below the floor."""
    parser = argparse.ArgumentParser(prog="python -m serving.training.train", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for model.onnx, metadata.json, SHA256SUMS")
    parser.add_argument("--seed", type=int, default=0, help="seed of the training; another seed is another model")
    parser.add_argument("--floor", type=float, default=FLOOR, help="lowest accuracy that is published, 0 to 1")
    given = parser.parse_args(arguments)
    try:
        metadata = publish(given.out, given.seed, given.floor)
    except BelowFloorError as error:
        sys.stderr.write(f"train: {error}\n")
        return 1
    sys.stdout.write(
        f"train: model {metadata.version}, accuracy {metadata.accuracy} on {metadata.held_out} held-out pictures\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
