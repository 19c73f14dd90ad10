"""The one model that all four serve, and one question to it in each server's own words."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

from bench.preview import PROJECT
from serving.models.onnx import MODEL_FILE
from serving.payloads.generic.model import EXAMPLE_FILE
from serving.payloads.generic.train import INPUT

OUTPUT = "probabilities"
NAME = "tumours"


def trained(folder: Path) -> Path:
    """A folder with the generic role's model, trained once: is a tumour malignant, from 30 measurements?"""
    if not (folder / MODEL_FILE).exists():
        command = [sys.executable, "-m", "serving.payloads.generic.train", "--out", str(folder)]
        subprocess.run(command, cwd=PROJECT, check=True, stdout=subprocess.DEVNULL)
    return folder


def rows(folder: Path) -> list[list[float]]:
    """The tensor that every request carries, [1, 30]."""
    return json.loads((folder / EXAMPLE_FILE).read_bytes())["inputs"][INPUT]


def open_inference(given: list[list[float]]) -> bytes:
    """A request of the Open Inference Protocol, version 2, that wants the probabilities alone."""
    tensor = {
        "name": INPUT,
        "datatype": "FP32",
        "shape": [len(given), len(given[0])],
        "data": [value for row in given for value in row],
    }
    return json.dumps({"inputs": [tensor], "outputs": [{"name": OUTPUT}]}).encode()


def plain(given: list[list[float]]) -> bytes:
    """A request of BentoML and of our LitServe API."""
    return json.dumps({INPUT: given}).encode()


def probabilities(answer: bytes) -> list[float]:
    """What was answered, whoever did: flat, one row after the other.

    Raises:
        ValueError: there are no probabilities in it.
    """
    found: Any = json.loads(answer)
    if isinstance(found, dict):
        said = cast("dict[str, Any]", found)
        found = said["outputs"][0]["data"] if "outputs" in said else said.get(OUTPUT)
    if not isinstance(found, list):
        raise ValueError(  # noqa: TRY004 - about the answer, no argument
            f"no probabilities in the answer {answer[:200]!r}"
        )
    values = cast("list[Any]", found)
    return [float(value) for row in values for value in (cast("list[Any]", row) if isinstance(row, list) else [row])]
