"""The gradients are correct, ONNX computes the same as training, and no model below a floor is published."""

import json
from pathlib import Path

import numpy as np
import pytest

from serving.models.onnx import open_session
from serving.payloads.nlu.model import Language
from serving.payloads.nlu.train import FLOORS, HELD_OUT, held_out, train_with
from serving.payloads.nlu.training import measure, network
from serving.payloads.nlu.training.corpus.templates import FAMILIES
from serving.payloads.nlu.training.export import to_onnx
from serving.payloads.nlu.training.fit import corpus, fit, vocabulary_of
from serving.payloads.nlu.training.measure import Ask
from serving.payloads.nlu.training.network import Batch, Floats, Pass, Weights
from serving.payloads.nlu.training.views import label_rows, prompts, wordings
from serving.training.runner import BelowFloorError, Trained, write

pytestmark = pytest.mark.slow  # training

TINY: dict[str, int] = dict.fromkeys(FAMILIES, 25)


def a_batch(rng: np.random.Generator) -> Batch:
    """Three texts of up to nine words, one shorter, one with a subject."""
    text = rng.integers(1, network.BUCKETS, (3, 9, network.PER_TOKEN))
    text[1, 6:] = 0
    marks = np.zeros((3, 9), np.int64)
    marks[2] = [2, 2, 1, 7, 7, 8, 8, 9, 9]
    labels = label_rows([wordings(asked)[0] for asked in prompts()[:5]])
    return Batch(text, marks, (text[..., 0] > 0).astype(np.float32), labels)


def loss(weights: Weights, batch: Batch, towards: tuple[Floats, Floats]) -> float:
    run = Pass(weights, batch, np.ones((*batch.mask.shape, network.EMBEDDING), np.float32))
    return float((run.tags.astype(np.float64) * towards[0]).sum() + (run.whole.astype(np.float64) * towards[1]).sum())


def moved(weights: Weights, name: str, by: Floats) -> Weights:
    changed: Weights = dict(weights)
    changed[name] = weights[name] + by
    return changed


@pytest.mark.parametrize("name", sorted(network.initial(np.random.default_rng(0))))
def test_gradients_are_what_a_small_change_of_the_weights_does(name: str) -> None:
    rng = np.random.default_rng(3)
    weights, batch = network.initial(rng), a_batch(rng)
    run = Pass(weights, batch, np.ones((*batch.mask.shape, network.EMBEDDING), np.float32))
    towards = (
        rng.standard_normal(run.tags.shape).astype(np.float32) * batch.mask[:, :, None, None],
        rng.standard_normal(run.whole.shape).astype(np.float32),
    )
    gradient = run.gradients(*towards)[name]
    direction: Floats = gradient / np.float32(np.linalg.norm(gradient))
    step = 2e-3
    there, back = (loss(moved(weights, name, np.float32(sign * step) * direction), batch, towards) for sign in (1, -1))
    assert (there - back) / (2 * step) == pytest.approx(float(np.linalg.norm(gradient)), rel=0.03)


def test_the_exported_model_computes_what_the_network_computes(tmp_path: Path, language: Language) -> None:
    rng = np.random.default_rng(4)
    weights, batch = network.initial(rng), a_batch(rng)
    (tmp_path / "model.onnx").write_bytes(to_onnx(weights))
    session = open_session(tmp_path / "model.onnx", 1)
    feed = {"text": batch.text, "marks": batch.marks, "labels": batch.labels}
    tags, whole = session.run(["tags", "whole"], feed)
    run = Pass(weights, batch, np.ones((*batch.mask.shape, network.EMBEDDING), np.float32))
    grown = np.exp(np.concatenate([np.zeros_like(run.tags[..., :1]), run.tags], axis=-1))
    expected = grown / grown.sum(-1, keepdims=True)
    there = batch.mask > 0
    np.testing.assert_allclose(tags[there], expected[there], atol=1e-5)
    np.testing.assert_allclose(whole, run.whole, atol=1e-4)
    assert [tensor.name for tensor in language.inputs] == list(feed)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_model() -> None:
    def made(seed: int) -> bytes:
        rng = np.random.default_rng(seed)
        learnt = corpus(rng, TINY, held_out=False)
        return to_onnx(fit(rng, learnt, vocabulary_of(learnt), 1))

    assert made(0) == made(0) != made(1)


def test_a_model_that_hardly_learnt_is_not_published(tmp_path: Path) -> None:
    hardly = train_with(0, TINY, 1)
    with pytest.raises(BelowFloorError, match=r"_f1 on 937 held-out examples is 0\.\d+, but the floor is"):
        write(hardly, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_the_recorded_figures_are_those_of_the_published_model(
    small: Trained, nlu_folder: Path, language: Language, ask: Ask
) -> None:
    metadata = json.loads((nlu_folder / "metadata.json").read_text())
    assert metadata["figures"] == measure.figures(ask, held_out())
    assert metadata["figures"].keys() == FLOORS.keys() == small.metadata.floors.keys()
    assert metadata["held_out"] == sum(HELD_OUT.values())
    assert metadata["version"] == language.version
    assert metadata["versions"]["onnxruntime"]


def test_even_the_small_model_finds_most_of_what_it_never_saw(small: Trained) -> None:
    figures = small.metadata.figures
    assert figures["entities_f1"] > 0.7
    assert figures["slots_f1"] > 0.6
    assert figures["sentiment_accuracy"] > 0.6
    assert figures["intent_accuracy"] > 0.9


def test_the_measure_counts_exact_spans_and_relations_only() -> None:
    sentences = [one for one in held_out() if one.family == "relations" and one.relations][:20]
    by_text = {one.text: one for one in sentences}

    def perfect(text: str, schema: dict[str, dict[str, None]]) -> dict[str, list[dict[str, object]]]:
        one = by_text[text]
        return {
            label: [
                {
                    "start": span.start,
                    "end": span.end,
                    "inner": {
                        relation: [
                            {"start": known.object.start, "end": known.object.end}
                            for known in one.relations
                            if (known.subject, known.label) == (span, relation)
                        ]
                        for relation in inner
                    },
                }
                for span in one.spans.get(label, ())
            ]
            for label, inner in schema.items()
        }

    def off_by_one(text: str, schema: dict[str, dict[str, None]]) -> dict[str, list[dict[str, object]]]:
        answer = perfect(text, schema)
        for spans in answer.values():
            for span in spans:
                span["start"] = -1
        return answer

    assert measure.figures(perfect, sentences) == {"relations_f1": 1.0}
    assert measure.figures(off_by_one, sentences) == {"relations_f1": 0.0}
