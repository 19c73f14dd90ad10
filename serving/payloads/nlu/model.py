"""The model with its configuration: the model is loaded once, and mounted files may change while it serves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from serving.errors import ModelUnusableError
from serving.http.tensor_requests import InferenceError
from serving.models.onnx import MODEL_FILE, Metadata, OnnxModel, load_model
from serving.models.tensors import DYNAMIC, Tensor
from serving.payloads.nlu import config as config_file
from serving.payloads.nlu import vocabulary as vocabulary_file
from serving.payloads.nlu.config import Config, ConfigError
from serving.payloads.nlu.features import BUCKETS, PER_TOKEN, Ids
from serving.payloads.nlu.features import MARKS as MARK_COUNT
from serving.payloads.nlu.labels import Labels, unknown_targets
from serving.payloads.nlu.schema import Reader
from serving.payloads.nlu.vocabulary import Vocabulary, VocabularyError

TEXT, MARKS, LABELS = "text", "marks", "labels"
TAGS, WHOLE = "tags", "whole"
CONFIG_FILE = "config.json"
VOCABULARY_FILE = "vocab.txt"
Floats = NDArray[np.float32]


class NluMetadata(Metadata):
    """The metadata that training writes beside the model."""

    labels: Labels = Field(description="What a schema may ask for.")


@dataclass(frozen=True)
class Language:
    """A loaded model under one configuration; thread-safe."""

    onnx: OnnxModel[NluMetadata]
    config: Config
    vocabulary: Vocabulary
    reader: Reader

    @property
    def version(self) -> str:
        """Version of the model file."""
        return self.onnx.version

    @property
    def inputs(self) -> Sequence[Tensor]:
        """The tensors that `infer` takes."""
        return self.onnx.inputs

    @property
    def outputs(self) -> Sequence[Tensor]:
        """The tensors that `infer` returns."""
        return self.onnx.outputs

    def infer(self, feed: Mapping[str, NDArray[Any]], wanted: Sequence[str]) -> Mapping[str, NDArray[Any]]:
        """Compute a client's tensors; feature rows outside the tables are read as padding.

        Raises:
            InferenceError: the shapes of texts and marks differ, or there is nothing to compare.
        """
        if feed[TEXT].shape[:2] != feed[MARKS].shape or 0 in (*feed[TEXT].shape, *feed[LABELS].shape):
            shapes = ", ".join(f"{name} {list(rows.shape)}" for name, rows in feed.items())
            raise InferenceError(f"shapes are {shapes}; each word requires one mark; send at least one word and label")
        limits = {TEXT: BUCKETS, MARKS: MARK_COUNT, LABELS: BUCKETS}
        inside = {name: np.where((rows >= 0) & (rows < limits[name]), rows, 0) for name, rows in feed.items()}
        return self.onnx.infer(inside, wanted)

    def compare(self, text: Ids, marks: Ids, labels: Ids) -> tuple[Floats, Floats]:
        """Return shares of outside, begin and inside `[b, t, l, 3]`, and scores of whole texts and labels `[b, l]`."""
        found = self.onnx.infer({TEXT: text, MARKS: marks, LABELS: labels}, [TAGS, WHOLE])
        return found[TAGS], found[WHOLE]

    def configured(self, folder: Path, mounted: Mapping[str, bytes]) -> "Language":
        """Return the same model with other configuration files; the model's tables are shared.

        Raises:
            ModelUnusableError: a file is invalid.
        """
        return replace(self, **_configuration(self.onnx.metadata.labels, folder, mounted))


def load(folder: Path, intra_op_threads: int, mounted: Mapping[str, bytes]) -> Language:
    """Verify and load the model of a folder; a mounted config.json replaces its own, a vocab.txt extends its own.

    Raises:
        ModelUnusableError: a file is missing, damaged or invalid, or the model has the wrong shape.
    """
    onnx = load_model(folder, intra_op_threads, NluMetadata)
    onnx = onnx.require(
        folder / MODEL_FILE,
        inputs=[
            Tensor(TEXT, "INT64", (DYNAMIC, DYNAMIC, PER_TOKEN)),
            Tensor(MARKS, "INT64", (DYNAMIC, DYNAMIC)),
            Tensor(LABELS, "INT64", (DYNAMIC, DYNAMIC, PER_TOKEN)),
        ],
        outputs=[
            Tensor(TAGS, "FP32", (DYNAMIC, DYNAMIC, DYNAMIC, 3)),
            Tensor(WHOLE, "FP32", (DYNAMIC, DYNAMIC)),
        ],
    )
    return Language(onnx, **_configuration(onnx.metadata.labels, folder, mounted))


def _configuration(labels: Labels, folder: Path, mounted: Mapping[str, bytes]) -> dict[str, Any]:
    try:
        content, where = _content(CONFIG_FILE, folder, mounted)
        config = config_file.read(content, where)
        _require_known(labels, config, where)
        vocabulary = vocabulary_file.read(*_content(VOCABULARY_FILE, folder, {}), lower_case=config.lower_case)
        if VOCABULARY_FILE in mounted:
            more = vocabulary_file.read(*_content(VOCABULARY_FILE, folder, mounted), lower_case=config.lower_case)
            vocabulary = vocabulary.with_entries(more)
    except (ConfigError, VocabularyError) as error:
        raise ModelUnusableError(str(error)) from error
    return {"config": config, "vocabulary": vocabulary, "reader": Reader(labels, config)}


def _require_known(labels: Labels, config: Config, where: str) -> None:
    unknown = unknown_targets(labels, config.synonyms)
    if unknown:
        raise ConfigError(f"{where}: synonyms: {unknown[0]!r} is an unknown label; use one that the model has")


def _content(name: str, folder: Path, mounted: Mapping[str, bytes]) -> tuple[bytes, str]:
    """Return a file's content and its name for messages: the mounted file, else the one that came with the model."""
    if name in mounted:
        return mounted[name], f"mounted {name}"
    path = folder / name
    try:
        return path.read_bytes(), str(path)
    except OSError as error:
        raise ModelUnusableError(f"{path}: cannot be read ({error.strerror}); publish it with the model") from error
