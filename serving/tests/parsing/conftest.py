"""A parser trained on few pictures: inaccurate, but complete in every other respect."""

from collections.abc import Generator
from pathlib import Path

import pytest

from serving.clients.result_cache import MemoryCache, cache_metrics
from serving.identity import Identity
from serving.payloads.parsing import PAYLOAD
from serving.payloads.parsing.answers import Answers
from serving.payloads.parsing.model import load_parser
from serving.payloads.parsing.train import train
from serving.payloads.parsing.training.fitting import Effort
from serving.payloads.parsing.training.people import Picture, held_out
from serving.telemetry.metrics import Telemetry
from serving.tests.support import Running, serve
from serving.tests.trained import shared, written
from serving.training.runner import Trained

LITTLE = Effort(pictures=24, pixels=150, calibration=4)
LOW_FLOOR = 0.35


@pytest.fixture(scope="session")
def people() -> list[Picture]:
    return held_out(6)


@pytest.fixture(scope="session")
def trained_parser(people: list[Picture]) -> Trained:
    return shared("parsing", lambda: train(0, LITTLE, people, LOW_FLOOR))


@pytest.fixture(scope="session")
def parser_folder(trained_parser: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(trained_parser, tmp_path_factory)


@pytest.fixture(scope="session")
def parsing(parser_folder: Path) -> Generator[Running]:
    """A server without a queue. Tests only ask it."""
    with serve(PAYLOAD, modelPath=str(parser_folder)) as running:
        running.wait_ready()
        yield running


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry(Identity())


@pytest.fixture
def answers(parser_folder: Path, telemetry: Telemetry) -> Answers:
    return Answers(load_parser(parser_folder, 1, "float"), MemoryCache(cache_metrics(telemetry)), telemetry)
