"""Shared code of all trainings: floors, determinism and the command line.

A role's training module provides one function from a seed to a `Trained`. No model below a floor leaves this module.
"""

import argparse
import hashlib
import json
import platform
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

from serving.models.checksums import write_sums
from serving.models.onnx import METADATA_FILE, MODEL_FILE, VERSION_DIGITS, Metadata
from serving.publish import PublishError, publish

D = TypeVar("D", bound=Metadata)
FAILED = 1


class BelowFloorError(RuntimeError):
    """The trained model is below a floor and is not published; the message is one line."""


@dataclass(frozen=True)
class Trained:
    """The result of a training: files by name (model.onnx among them) and measured figures."""

    files: Mapping[str, bytes]
    metadata: Metadata

    def contents(self) -> dict[str, bytes]:
        """Return every file of the model's folder except SHA256SUMS.

        Raises:
            BelowFloorError: a figure is below its floor, or was not measured.
        """
        require_floors(self.metadata)
        text = json.dumps(self.metadata.model_dump(), indent=2) + "\n"
        return {**self.files, METADATA_FILE: text.encode()}


def require_floors(metadata: Metadata) -> None:
    """Refuse a model whose figures are below their floors.

    Raises:
        BelowFloorError: a figure is below its floor, or was not measured.
    """
    for name, floor in metadata.floors.items():
        reached = metadata.figures.get(name)
        if reached is None or not reached >= floor:
            got = "was not measured" if reached is None else f"is {reached:.4f}"
            held_out = f"on {metadata.held_out} held-out examples"
            raise BelowFloorError(f"{name} {held_out} {got}, but the floor is {floor}; not published")


def version_of(onnx: bytes) -> str:
    """Return the version of a model: the same bytes give the same version."""
    return hashlib.sha256(onnx).hexdigest()[:VERSION_DIGITS]


def package_versions(*packages: str) -> dict[str, str]:
    """Return the versions of Python and of the packages that made a model."""
    return {"python": platform.python_version(), **{name: version(name) for name in packages}}


def write(trained: Trained, folder: Path) -> None:
    """Write the model's folder with its SHA256SUMS.

    Raises:
        BelowFloorError: a figure is below its floor; nothing was written.
    """
    write_sums(folder, trained.contents())


def with_floors(trained: Trained, floor: float) -> Trained:
    """Return the same model with every floor replaced by another value."""
    floors = dict.fromkeys(trained.metadata.floors, floor)
    return Trained(trained.files, trained.metadata.model_copy(update={"floors": floors}))


def command(train: Callable[[int], Trained], arguments: Sequence[str], module: str) -> int:
    """Run a training as a command: print one line of JSON and return 0, or print one line on stderr and return 1."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}")
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--out", type=Path, help="folder for the model, metadata.json, SHA256SUMS")
    target.add_argument("--publish", metavar="URI", help="s3://bucket/prefix that holds no other model")
    parser.add_argument("--seed", type=int, default=0, help="seed of the training; another seed is another model")
    parser.add_argument("--floor", type=float, help="lowest figure that is published, instead of the role's own floors")
    given = parser.parse_args(arguments)
    trained = train(given.seed)
    if given.floor is not None:
        trained = with_floors(trained, given.floor)
    try:
        where = _to_folder(trained, given.out) if given.out else _to_object_storage(trained, given.publish)
    except (BelowFloorError, PublishError, OSError) as error:
        sys.stderr.write(f"train: {error}\n")
        return FAILED
    sys.stdout.write(json.dumps(_result(trained, where)) + "\n")
    return 0


def _to_folder(trained: Trained, folder: Path) -> dict[str, Any]:
    write(trained, folder)
    return {"out": str(folder)}


def _to_object_storage(trained: Trained, uri: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        write(trained, Path(folder))
        return asdict(publish(Path(folder), uri))


def _result(trained: Trained, where: Mapping[str, Any]) -> dict[str, Any]:
    metadata = trained.metadata
    return {
        "model": metadata.version,
        "bytes": len(trained.files[MODEL_FILE]),
        "figures": metadata.figures,
        "floors": metadata.floors,
        "heldOut": metadata.held_out,
        "seed": metadata.seed,
        **where,
    }
