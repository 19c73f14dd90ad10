"""Train the language model and refuse to publish it if it is below a floor.

`python -m serving.payloads.nlu.train --out <folder> [--seed 0] [--floor 0.9]`
"""

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from serving.models.checksums import write_sums
from serving.models.onnx import METADATA_FILE, MODEL_FILE
from serving.payloads.nlu import model, understand
from serving.payloads.nlu.config import Config
from serving.payloads.nlu.model import CONFIG_FILE, VOCABULARY_FILE, Language, NluMetadata
from serving.payloads.nlu.training import measure
from serving.payloads.nlu.training.corpus.templates import Sentence
from serving.payloads.nlu.training.corpus.wordings import LABELS
from serving.payloads.nlu.training.export import to_onnx
from serving.payloads.nlu.training.fit import COUNTS, ROUNDS, corpus, fit, vocabulary_of
from serving.training.runner import Trained, command, package_versions, version_of

# Floors of the figures. Other seeds reach a few hundredths more; a figure near its floor means that something is
# broken.
FLOORS = {
    "entities_f1": 0.82,
    "relations_f1": 0.68,
    "events_f1": 0.85,
    "opinions_f1": 0.82,
    "slots_f1": 0.9,
    "sentiment_accuracy": 0.88,
    "intent_accuracy": 0.95,
}
HELD_OUT = {"entities": 190, "relations": 192, "events": 165, "reviews": 195, "requests": 195}
"""Held-out sentences of each family: every held-out template has an equal share, filled only with held-out names."""
HELD_OUT_SEED = 42
"""A separate, fixed seed: the same sentences are held out from every model ever trained."""


def held_out() -> list[Sentence]:
    """Return held-out sentences: no model was trained on them, on their templates or on their names."""
    return corpus(np.random.default_rng(HELD_OUT_SEED), HELD_OUT, held_out=True)


def train(seed: int) -> Trained:
    """Train a model and measure it on the held-out sentences."""
    return train_with(seed, COUNTS, ROUNDS)


def train_with(seed: int, counts: Mapping[str, int], rounds: int) -> Trained:
    """Train with a number of sentences of each family and a number of epochs."""
    rng = np.random.default_rng(seed)
    learnt, asked = corpus(rng, counts, held_out=False), held_out()
    vocabulary = vocabulary_of(learnt)
    onnx = to_onnx(fit(rng, learnt, vocabulary, rounds))
    files = {
        MODEL_FILE: onnx,
        CONFIG_FILE: (Config().model_dump_json(by_alias=True, indent=2) + "\n").encode(),
        VOCABULARY_FILE: vocabulary,
    }
    metadata = NluMetadata(
        version=version_of(onnx),
        figures={},
        floors=FLOORS,
        trained_on=len(learnt),
        held_out=len(asked),
        seed=seed,
        versions=package_versions("numpy", "onnx", "onnxruntime", "scipy"),
        labels=LABELS,
    )
    with tempfile.TemporaryDirectory() as folder:
        write_sums(Path(folder), {**files, METADATA_FILE: metadata.model_dump_json().encode()})
        figures = measure.figures(asking(model.load(Path(folder), 1, {})), asked)
    return Trained(files, metadata.model_copy(update={"figures": figures}))


def asking(language: Language) -> measure.Ask:
    """Return a function that asks a loaded model as the server does."""

    def ask(text: str, schema: dict[str, Any]) -> dict[str, Any]:
        return understand.answer(language, language.reader.question(text, schema))

    return ask


if __name__ == "__main__":
    sys.exit(command(train, sys.argv[1:], "serving.payloads.nlu.train"))
