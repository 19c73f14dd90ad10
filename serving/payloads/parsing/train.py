"""Train the human parser and its INT8 variant, and refuse to publish if either is below its floor.

`python -m serving.train parsing --out <folder> [--seed 0] [--floor 0.72]`
"""

import sys
import tempfile
from pathlib import Path

from serving.models.checksums import write_sums
from serving.models.onnx import METADATA_FILE, MODEL_FILE, QUANTISED_FILE
from serving.payloads.parsing.iou import Overlap, overlap
from serving.payloads.parsing.labels import LABELS
from serving.payloads.parsing.model import (
    FILES,
    Parser,
    ParserMetadata,
    Variant,
    VariantFacts,
    load_parser,
)
from serving.payloads.parsing.training.fitting import FULL, Effort, fit
from serving.payloads.parsing.training.graph import RESOLUTIONS
from serving.payloads.parsing.training.people import Picture, held_out
from serving.payloads.parsing.training.quantisation import quantise
from serving.pictures import decode
from serving.training.runner import Trained, command, package_versions, version_of

# Mean intersection over union. Trained models reach 0.77; a value near the floor means that something is broken.
FLOOR = 0.72
FIGURES: dict[Variant, str] = {"float": "meanIou", "int8": "meanIouInt8"}
_DIGITS = 4


def train(seed: int, effort: Effort = FULL, pictures: list[Picture] | None = None, floor: float = FLOOR) -> Trained:
    """Train and quantize, and measure both models on the held-out pictures through the serving code."""
    asked = held_out() if pictures is None else pictures
    onnx = fit(seed, effort)
    files = {MODEL_FILE: onnx, QUANTISED_FILE: quantise(onnx, effort.calibration)}
    metadata = ParserMetadata(
        version=version_of(onnx),
        labels=LABELS,
        figures={},
        floors=dict.fromkeys(FIGURES.values(), floor),
        variants={},
        trained_on=effort.pictures * len(RESOLUTIONS),
        held_out=len(asked),
        seed=seed,
        versions=package_versions("numpy", "onnx", "onnxruntime", "pillow", "scikit-learn"),
    )
    variants = measure(files, metadata, asked)
    figures = {FIGURES[variant]: facts.mean_iou for variant, facts in variants.items()}
    return Trained(files, metadata.model_copy(update={"figures": figures, "variants": variants}))


def measure(files: dict[str, bytes], metadata: ParserMetadata, pictures: list[Picture]) -> dict[Variant, VariantFacts]:
    """Return accuracy and size of both variants."""
    facts: dict[Variant, VariantFacts] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_sums(folder, {**files, METADATA_FILE: metadata.model_dump_json().encode()})
        for variant, file in FILES.items():
            parser = load_parser(folder, 1, variant)
            reached = accuracy(parser, pictures)
            facts[variant] = VariantFacts(
                mean_iou=round(reached.mean, _DIGITS),
                iou={part: round(share, _DIGITS) for part, share in reached.parts.items()},
                file_bytes=len(files[file]),
            )
    return facts


def accuracy(parser: Parser, pictures: list[Picture]) -> Overlap:
    """Return the parser's accuracy on pictures encoded as files, which is what clients send."""
    return overlap((parser.parse(decode(picture.encoded())), picture.labels) for picture in pictures)


if __name__ == "__main__":
    sys.exit(command(train, sys.argv[1:], "serving.payloads.parsing.train"))
