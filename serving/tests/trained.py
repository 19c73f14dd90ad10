"""Trains each of the tests' models once: workers of one run share it, and so do later runs with the same sources."""

import fcntl
import hashlib
import pickle
import platform
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from serving.training.runner import Trained, package_versions, write

SERVING = Path(__file__).parent.parent
FOLDER = SERVING.parent / ".pytest_cache" / "slipway-models"
LIBRARIES = ("numpy", "onnx", "onnxruntime", "pillow", "pydantic", "scikit-learn", "scipy", "skl2onnx", "threadpoolctl")


def shared(name: str, train: Callable[[], Trained], *, sources: Path = SERVING, folder: Path = FOLDER) -> Trained:
    """Return the model of this name, and train it only if no worker did so from the same sources and libraries.

    The caller's own file counts as a source, because it says how much is trained. Each call returns a model of its own.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}-{fingerprint(sources)}.pickle"
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # released when the file is closed, also by a killed worker
        if not file.exists():
            for old in folder.glob(f"{name}-*"):
                old.unlink()
            unfinished = folder / f"{name}-unfinished"
            unfinished.write_bytes(pickle.dumps(train()))
            unfinished.rename(file)
        trained = pickle.loads(file.read_bytes())  # noqa: S301 -- written by these tests
    assert isinstance(trained, Trained)
    return trained


def written(trained: Trained, folders: pytest.TempPathFactory) -> Path:
    """Write a model to a new folder, as the trainer does, and return the folder."""
    folder = folders.mktemp("trained") / "model"
    write(trained, folder)
    return folder


@cache
def fingerprint(sources: Path) -> str:
    """Return a hash of everything that training reads: the sources, the libraries' versions and the processor."""
    digest = hashlib.sha256(repr((package_versions(*LIBRARIES), platform.machine(), _processor())).encode())
    for path in sorted(sources.rglob("*")):
        tested = path.is_relative_to(sources / "tests") and path.name != "conftest.py"
        if path.is_file() and not tested and path.suffix != ".pyc":
            digest.update(f"{path.relative_to(sources)} {path.stat().st_size} ".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _processor() -> str:
    """Return the processor's name: its floats are the training's, and another's may differ in the last digit."""
    cpus = Path("/proc/cpuinfo")
    lines = cpus.read_text().splitlines() if cpus.exists() else []
    return next((line for line in lines if line.startswith("model name")), platform.processor())
