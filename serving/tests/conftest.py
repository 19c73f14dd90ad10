"""Fixtures: the trained model and a server that serves it."""

import logging
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from serving.payloads.digits import PAYLOAD
from serving.tests.support import Running, serve
from serving.tests.trained import shared, written
from serving.training.runner import Trained


@pytest.fixture(autouse=True)
def own_logging() -> Generator[None]:
    """What a command does to the process's logging ends with its test."""
    root, ours = logging.getLogger(), logging.getLogger("slipway")
    before = root.handlers[:], root.level, ours.level
    yield
    root.handlers[:], level, our_level = before
    root.setLevel(level)
    ours.setLevel(our_level)


@pytest.fixture
def clients() -> Generator[ThreadPoolExecutor]:
    """Threads that send requests at the same time."""
    with ThreadPoolExecutor(16) as pool:
        yield pool


@pytest.fixture(scope="session")
def trained() -> Trained:
    # Imported here because pytest-xdist's own process reads this file too, and scikit-learn takes it two seconds.
    from serving.payloads.digits.train import train  # noqa: PLC0415

    return shared("digits", lambda: train(0))


@pytest.fixture(scope="session")
def model_folder(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(trained, tmp_path_factory)


@pytest.fixture(scope="session")
def digits() -> list[tuple[bytes, str]]:
    from serving.payloads.digits.data import held_out  # noqa: PLC0415 -- as above

    return held_out()


@pytest.fixture(scope="session")
def ready(model_folder: Path) -> Generator[Running]:
    """A server with the trained model. Tests only ask it; those that change a server's state start their own."""
    with serve(PAYLOAD, modelPath=str(model_folder)) as running:
        running.wait_ready()
        yield running
