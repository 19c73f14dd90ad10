"""Fixtures: the trained model, once per session, and a server that serves it."""

from collections.abc import Generator
from pathlib import Path

import pytest

from serving.model import load
from serving.tests.support import Running, serve
from serving.training.digits import held_out
from serving.training.train import publish


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained") / "model"
    publish(folder, seed=0)
    return folder


@pytest.fixture(scope="session")
def digits() -> list[tuple[bytes, str]]:
    return held_out()


@pytest.fixture(scope="session")
def ready(model_folder: Path) -> Generator[Running]:
    """A server with the trained model. Tests only ask it; those that change a server's state start their own."""
    with serve(lambda: load(model_folder, 1)) as running:
        running.wait_ready()
        yield running
