"""The network, forward and backward, in numpy: two siamese towers over one embedding table, and their comparison.

Text tower: sum of feature embeddings plus the position relative to the subject, then three convolutions over the words.
Label tower: mean of the same embeddings, then two layers. A score is the scaled product of two vectors, plus a bias.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, cast

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from serving.payloads.nlu.features import BUCKETS, MARKS, PER_TOKEN, Ids

Floats = NDArray[np.float32]
Weights = dict[str, Floats]

EMBEDDING = 32
HIDDEN = 64
MEETING = 32
"""Width of the compared vectors."""
WIDTH = 5
DILATIONS = (1, 1, 2)
_SHIFTS = tuple(range(-(WIDTH // 2), WIDTH // 2 + 1))
_RARE = -3
"""Initial score of every word for every label: most words are in no span, and this need not be learned."""
SCALE = np.float32(1 / np.sqrt(MEETING))
BEGIN, INSIDE, WHOLE = range(3)
"""The parts of a text that a label is compared with: a span's first word, its other words, and the whole text."""


class Batch(NamedTuple):
    """Texts `[b, t, features]` with marks and mask `[b, t]`, and labels `[l, w, features]`; 0 is padding."""

    text: Ids
    marks: Ids
    mask: Floats
    labels: Ids


def initial(rng: np.random.Generator) -> Weights:
    """Return the initial weights."""

    def normal(rows: int, columns: int, scale: float) -> Floats:
        return (rng.standard_normal((rows, columns)) * scale).astype(np.float32)

    def layer(rows: int, columns: int) -> Floats:
        return normal(rows, columns, float(np.sqrt(2 / rows)))

    weights: Weights = {
        "embedding": normal(BUCKETS, EMBEDDING, 0.1),
        "mark": normal(MARKS, EMBEDDING, 0.1),
        "tag": layer(HIDDEN, 2 * MEETING),
        "pool": layer(2 * HIDDEN, MEETING),
        "label1": layer(EMBEDDING, HIDDEN),
        "label1_bias": np.zeros(HIDDEN, np.float32),
        "label2": layer(HIDDEN, 3 * MEETING + 3),
        "label2_bias": np.zeros(3 * MEETING + 3, np.float32),
    }
    for i in range(len(DILATIONS)):
        weights[f"conv{i}"] = layer(WIDTH * (HIDDEN if i else EMBEDDING), HIDDEN)
        weights[f"conv{i}_bias"] = np.zeros(HIDDEN, np.float32)
    weights["embedding"][0] = 0
    weights["mark"][0] = 0
    weights["label2_bias"][[3 * MEETING + BEGIN, 3 * MEETING + INSIDE]] = _RARE
    return weights


class _Sparse(Protocol):
    """The part of a scipy sparse matrix that is used here."""

    @property
    def T(self) -> "_Sparse": ...  # noqa: N802 - scipy's name

    def __matmul__(self, other: Floats) -> Floats: ...


def _bags(ids: Ids) -> _Sparse:
    """Return a matrix that sums the embedding rows of each word."""
    flat = ids.reshape(-1)
    ends = np.arange(0, flat.size + 1, PER_TOKEN)
    return cast("Any", sparse).csr_matrix(
        (np.ones(flat.size, np.float32), flat, ends), shape=(flat.size // PER_TOKEN, BUCKETS)
    )


def _neighbours(values: Floats, dilation: int) -> Floats:
    """Concatenate each word with its neighbors: `[b, t, c]` to `[b, t, WIDTH * c]`."""
    reach = _SHIFTS[-1] * dilation
    padded = np.pad(values, ((0, 0), (reach, reach), (0, 0)))
    count = values.shape[1]
    return np.concatenate([padded[:, reach + s * dilation : reach + s * dilation + count] for s in _SHIFTS], axis=2)


def _neighbours_back(gradient: Floats, dilation: int) -> Floats:
    reach = _SHIFTS[-1] * dilation
    rows, count, _ = gradient.shape
    parts = gradient.reshape(rows, count, WIDTH, -1)
    padded = np.zeros((rows, count + 2 * reach, parts.shape[3]), np.float32)
    for i, shift in enumerate(_SHIFTS):
        padded[:, reach + shift * dilation : reach + shift * dilation + count] += parts[:, :, i]
    return padded[:, reach : reach + count]


@dataclass
class Pass:
    """One forward pass over a batch, with the values that its backward pass needs."""

    weights: Weights
    batch: Batch
    kept: Floats
    """Dropout mask of the embedding, already divided by the probability of keeping."""

    def __post_init__(self) -> None:
        weights, batch = self.weights, self.batch
        mask: Floats = batch.mask[:, :, None]
        self._text_bags, self._label_bags = _bags(batch.text), _bags(batch.labels)
        shape = (*batch.text.shape[:2], EMBEDDING)
        embedded: Floats = (self._text_bags @ weights["embedding"]).reshape(shape)
        values: Floats = (embedded + weights["mark"][batch.marks]) * mask * self.kept
        self._layers: list[tuple[Floats, Floats]] = []
        for i, dilation in enumerate(DILATIONS):
            beside = _neighbours(values, dilation)
            risen: Floats = np.maximum(beside @ weights[f"conv{i}"] + weights[f"conv{i}_bias"], 0) * mask
            self._layers.append((beside, risen))
            values = values + risen if i else risen
        self._words: Floats = values
        self._lengths = batch.mask.sum(1)[:, None]
        self._pooled: Floats = np.concatenate([values.sum(1) / self._lengths, values.max(1)], axis=1)
        self._label_pass()
        self._tags: Floats = (values @ weights["tag"]).reshape(*values.shape[:2], 2, MEETING)
        self._whole: Floats = self._pooled @ weights["pool"]
        self.tags = np.stack([self._compare(self._tags[:, :, i], i) for i in (BEGIN, INSIDE)], axis=-1)
        self.whole = self._compare(self._whole, WHOLE)

    def _label_pass(self) -> None:
        weights, labels = self.weights, self.batch.labels
        rows: Floats = (self._label_bags @ weights["embedding"]).reshape(*labels.shape[:2], EMBEDDING)
        self._label_words = np.maximum((labels[:, :, 0] > 0).sum(1), 1)[:, None].astype(np.float32)
        self._label_mean = rows.sum(1) / self._label_words
        self._label_hidden = np.maximum(self._label_mean @ weights["label1"] + weights["label1_bias"], 0)
        self._label_out: Floats = self._label_hidden @ weights["label2"] + weights["label2_bias"]

    def _vectors(self, i: int) -> Floats:
        return self._label_out[:, i * MEETING : (i + 1) * MEETING]

    def _compare(self, values: Floats, i: int) -> Floats:
        return values @ self._vectors(i).T * SCALE + self._label_out[:, 3 * MEETING + i]

    def gradients(self, tags: Floats, whole: Floats) -> Weights:
        """Return the gradient of every weight, given those of `tags` `[b, t, l, 2]` and `whole` `[b, l]`."""
        weights, found = self.weights, Weights()
        label_out = np.zeros_like(self._label_out)
        meeting = np.empty_like(self._tags)
        for i in (BEGIN, INSIDE):
            given = tags[..., i]
            meeting[:, :, i] = given @ self._vectors(i) * SCALE
            self._label_gradient(
                label_out, given.reshape(-1, given.shape[-1]), self._tags[:, :, i].reshape(-1, MEETING), i
            )
        self._label_gradient(label_out, whole, self._whole, WHOLE)
        flat = meeting.reshape(-1, 2 * MEETING)
        found["tag"] = self._words.reshape(-1, HIDDEN).T @ flat
        words: Floats = (flat @ weights["tag"].T).reshape(self._words.shape)
        whole_back: Floats = whole @ self._vectors(WHOLE) * SCALE
        found["pool"] = self._pooled.T @ whole_back
        words += self._pool_back(whole_back @ weights["pool"].T)
        embedded = self._convolutions_back(words, found)
        labels = self._labels_back(label_out, found)
        found["embedding"] = self._text_bags.T @ embedded.reshape(-1, EMBEDDING) + self._label_bags.T @ labels
        found["embedding"][0] = 0
        found["mark"] = np.stack([embedded[self.batch.marks == mark].sum(0) for mark in range(MARKS)])
        found["mark"][0] = 0
        return found

    def _label_gradient(self, into: Floats, given: Floats, values: Floats, i: int) -> None:
        into[:, i * MEETING : (i + 1) * MEETING] += given.T @ values * SCALE
        into[:, 3 * MEETING + i] += given.sum(0)

    def _pool_back(self, gradient: Floats) -> Floats:
        mean, highest = gradient[:, :HIDDEN], gradient[:, HIDDEN:]
        back = np.repeat((mean / self._lengths)[:, None], self._words.shape[1], axis=1)
        rows, columns = np.ogrid[: len(gradient), :HIDDEN]
        back[rows, self._words.argmax(1), columns] += highest
        return back

    def _convolutions_back(self, gradient: Floats, found: Weights) -> Floats:
        for i in reversed(range(len(DILATIONS))):
            beside, risen = self._layers[i]
            inner = (gradient * (risen > 0)).reshape(-1, HIDDEN)
            found[f"conv{i}"] = beside.reshape(-1, beside.shape[2]).T @ inner
            found[f"conv{i}_bias"] = inner.sum(0)
            back = _neighbours_back((inner @ self.weights[f"conv{i}"].T).reshape(beside.shape), DILATIONS[i])
            gradient = gradient + back if i else back
        return gradient * self.batch.mask[:, :, None] * self.kept

    def _labels_back(self, gradient: Floats, found: Weights) -> Floats:
        found["label2"] = self._label_hidden.T @ gradient
        found["label2_bias"] = gradient.sum(0)
        hidden = (gradient @ self.weights["label2"].T) * (self._label_hidden > 0)
        found["label1"] = self._label_mean.T @ hidden
        found["label1_bias"] = hidden.sum(0)
        mean = (hidden @ self.weights["label1"].T) / self._label_words
        return np.repeat(mean, self.batch.labels.shape[1], axis=0)
