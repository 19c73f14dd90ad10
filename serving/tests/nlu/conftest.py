"""One small model, a server that serves it, and ways to ask both."""

import json
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from serving.payloads.nlu import PAYLOAD, model
from serving.payloads.nlu.model import Language
from serving.payloads.nlu.train import asking, train_with
from serving.payloads.nlu.training.fit import COUNTS
from serving.payloads.nlu.training.measure import Ask
from serving.tests.support import Running, serve
from serving.tests.trained import shared, written
from serving.training.runner import Trained, with_floors

SHARE, ROUNDS = 0.4, 6
"""Of the sentences and rounds of the real training: seconds instead of a quarter of a minute, and below its floors.

Requests are learnt whole: with a share of them, whether the slots of one sentence are found depends on the seed, and on
the CPU, whose floats the training makes as much of.
"""


@pytest.fixture(scope="session")
def small() -> Trained:
    counts = {family: int(SHARE * count) for family, count in COUNTS.items()}
    return shared("nlu", lambda: train_with(0, counts | {"requests": COUNTS["requests"]}, ROUNDS))


@pytest.fixture(scope="session")
def nlu_folder(small: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(with_floors(small, 0), tmp_path_factory)


@pytest.fixture(scope="session")
def language(nlu_folder: Path) -> Language:
    return model.load(nlu_folder, 1, {})


@pytest.fixture(scope="session")
def ask(language: Language) -> Ask:
    return asking(language)


@pytest.fixture(scope="session")
def running(nlu_folder: Path) -> Generator[Running]:
    """Tests only ask it; those that change a server's state start their own."""
    with serve(PAYLOAD, modelPath=str(nlu_folder)) as started:
        started.wait_ready()
        yield started


Configured = Callable[..., Language]


@pytest.fixture(scope="session")
def configured(language: Language, nlu_folder: Path) -> Configured:
    """The same model under a config.json of these keys, or with a vocab.txt that has more lines."""

    def make(*more_words: str, **keys: Any) -> Language:
        mounted = {"config.json": json.dumps(keys).encode()}
        if more_words:
            shipped = (nlu_folder / "vocab.txt").read_bytes()
            mounted["vocab.txt"] = shipped + "".join(f"{line}\n" for line in more_words).encode()
        return language.configured(nlu_folder, mounted)

    return make
