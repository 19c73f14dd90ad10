"""The graph computes for every pixel what training computed for some, and quantising it changes little."""

from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from serving.payloads.parsing.letterbox import place
from serving.payloads.parsing.model import INPUT, OUTPUT
from serving.payloads.parsing.training.features import gather, width_of
from serving.payloads.parsing.training.fitting import Effort, fit, one_thread
from serving.payloads.parsing.training.graph import RESOLUTIONS, Graph, Layer, Views, decide, views
from serving.payloads.parsing.training.people import Picture
from serving.payloads.parsing.training.quantisation import quantise
from serving.training.runner import Trained

PARTS = 7


def random_layers(rng: np.random.Generator, width: int) -> list[Layer]:
    sizes = [width, 8, PARTS]
    return [Layer(rng.normal(0, 0.2, pair), rng.normal(0, 0.2, pair[1])) for pair in pairwise(sizes)]


def by_hand(layers: list[Layer], features: np.ndarray) -> np.ndarray:
    hidden = np.maximum(features @ layers[0].weights + layers[0].biases, 0)
    scores = np.exp(hidden @ layers[1].weights + layers[1].biases)
    return scores / scores.sum(axis=1, keepdims=True)


def test_every_stage_gives_what_its_perceptron_gives_for_the_gathered_features(people: list[Picture]) -> None:
    rng = np.random.default_rng(0)
    square = place(Image.fromarray(people[0].pixels))[0][np.newaxis]
    graph = Graph()
    for stage, side in enumerate(RESOLUTIONS):
        seen: Views = views(graph, stage)
        layers = random_layers(rng, width_of(stage))
        maps = [each[0] for each in one_thread(graph.model(seen.tensors)).run(list(seen.tensors), {INPUT: square})]
        # Corners too: beyond the border there is nothing, in both.
        rows, columns = np.array([0, 0, side - 1, side // 2, 5]), np.array([0, side - 1, side - 1, side // 3, side - 2])
        features = gather(maps[: len(seen.colours)], maps[len(seen.colours) :], rows, columns)
        assert features.shape == (5, width_of(stage))
        name = decide(graph, stage, seen, layers)
        whole = one_thread(graph.model([name])).run([name], {INPUT: square})[0][0]
        assert whole.shape == (PARTS, side, side)
        np.testing.assert_allclose(whole[:, rows, columns].T, by_hand(layers, features), atol=2e-5)


@pytest.mark.slow
def test_another_seed_gives_another_model() -> None:
    least = Effort(pictures=8, pixels=300, calibration=0)
    assert fit(0, least) != fit(1, least)


@pytest.mark.slow
def test_a_batch_gives_what_its_pictures_give_one_by_one(trained_parser: Trained, people: list[Picture]) -> None:
    session = one_thread(trained_parser.files["model.onnx"])
    squares = np.stack([place(Image.fromarray(picture.pixels))[0] for picture in people[:3]])
    batch = session.run([OUTPUT], {INPUT: squares})[0]
    singles = np.concatenate([session.run([OUTPUT], {INPUT: square[np.newaxis]})[0] for square in squares])
    np.testing.assert_allclose(batch, singles, atol=1e-5)
    np.testing.assert_allclose(batch.sum(axis=1), 1, atol=1e-4)


@pytest.mark.slow
def test_quantising_keeps_nearly_every_label_and_gives_the_same_bytes_again(
    trained_parser: Trained, people: list[Picture]
) -> None:
    onnx = trained_parser.files["model.onnx"]
    small = quantise(onnx, calibration=2)
    assert small == quantise(onnx, calibration=2)
    assert len(small) < len(onnx) / 2
    square = place(Image.fromarray(people[0].pixels))[0][np.newaxis]
    one, other = (one_thread(model).run([OUTPUT], {INPUT: square})[0].argmax(axis=1) for model in (onnx, small))
    assert (one == other).mean() > 0.93
