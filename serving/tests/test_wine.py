"""The tutorial's payload: its quality, and its refusals."""

import json
from pathlib import Path

import pytest

from serving.payloads.wine import CULTIVARS, EXAMPLE, PAYLOAD
from serving.payloads.wine.train import FLOOR, split, train, wines
from serving.tests.support import Running, serve
from serving.training.runner import write


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("wine")
    write(train(seed=0), where)
    return where


def ask(running: Running, body: object) -> tuple[int, dict[str, object]]:
    answer = running.client.post("/predict", json=body)
    return answer.status_code, answer.json()


def test_held_out_wines_are_recognised_over_http(folder: Path) -> None:
    data = split()
    with serve(PAYLOAD, modelPath=str(folder)) as running:
        running.wait_ready()
        found = [ask(running, wine.model_dump())[1]["cultivar"] for wine in wines(data.held_out)]
    right = sum(CULTIVARS[int(i)] == cultivar for i, cultivar in zip(data.held_out_classes, found, strict=True))
    assert right / len(found) >= FLOOR
    figures = json.loads((folder / "metadata.json").read_text())["figures"]
    assert right / len(found) == pytest.approx(figures["accuracy"], abs=1e-4)


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"hue": "red"}, "hue"), ({"sugar": 3}, "sugar"), ({"ash": -1}, "ash"), ({"proline": None}, "proline")],
)
def test_an_invalid_wine_is_refused_and_its_wrong_measurement_named(
    folder: Path, change: dict[str, object], reason: str
) -> None:
    with serve(PAYLOAD, modelPath=str(folder)) as running:
        running.wait_ready()
        status, answer = ask(running, {**EXAMPLE.model_dump(), **change})
    assert status == 422
    assert str(answer["error"]).startswith(f"{reason}: ")


def test_the_same_seed_is_the_same_model_and_another_is_another() -> None:
    assert train(1).files == train(1).files != train(2).files
