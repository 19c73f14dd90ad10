"""Train the language model and refuse to publish one that is not good enough.

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

# Lowest figures that are published. Other seeds reach a few hundredths more; anything near means that something broke.
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
"""Held-out sentences of each family: every held-out template has its share, and only held-out names fill it."""
HELD_OUT_SEED = 42
"""A seed of its own: sentences held out once are held out from every model that is ever trained."""


def held_out() -> list[Sentence]:
    """The sentences that no model was trained on, nor on their templates, nor on the names in them."""
    return corpus(np.random.default_rng(HELD_OUT_SEED), HELD_OUT, held_out=True)


def train(seed: int) -> Trained:
    """Train, and measure on the held-out sentences."""
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
    """Ask a loaded model as the server does."""

    def ask(text: str, schema: dict[str, Any]) -> dict[str, Any]:
        return understand.answer(language, language.reader.question(text, schema))

    return ask


if __name__ == "__main__":
    sys.exit(command(train, sys.argv[1:], "serving.payloads.nlu.train"))
