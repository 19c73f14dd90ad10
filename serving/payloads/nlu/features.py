"""The features of a word: hashed numbers of its form, its spelling and the vocabulary's hint.

Training and serving compute the same numbers, for texts and labels alike: that makes the network siamese.
"""

import zlib
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from serving.payloads.nlu.text import Token, tokens_of
from serving.payloads.nlu.vocabulary import Vocabulary

BUCKETS = 8192
"""Rows of the embedding table; row 0 is padding."""
PER_TOKEN = 10
MARKS = 12
"""0 = no subject, 1 = the subject itself, the others by side and distance."""
UNKNOWN = "word:?"
_WORD, _HINT, _SPELLING = 0, 1, 3
_ABROAD = (1, 2, 4, 7)  # upper bounds of the distance classes in words; beyond them one more class
Ids = NDArray[np.int64]


@lru_cache(maxsize=65536)
def bucket(feature: str) -> int:
    """Return the row of a feature."""
    return zlib.crc32(feature.encode()) % (BUCKETS - 1) + 1


@lru_cache(maxsize=65536)
def _rows(word: str, hint: str, *, known: bool, cased: bool) -> tuple[int, ...]:
    low = word.casefold()
    letters = word[:24] if cased else low[:24]
    shape = "".join("X" if c.isupper() else "x" if c.islower() else "9" if c.isdigit() else c for c in letters)
    short = "".join(c for i, c in enumerate(shape) if c != shape[i - 1 : i])
    features = (
        f"word:{low}" if known else UNKNOWN,
        f"hint:{hint}",
        f"shape:{short}",
        f"length:{min(len(low), 12)}",
        f"1-{low[:1]}",
        f"3-{low[:3]}",
        f"-1{low[-1:]}",
        f"-2{low[-2:]}",
        f"-3{low[-3:]}",
        f"-4{low[-4:]}",
    )
    return tuple(bucket(feature) for feature in features)


def text_features(
    tokens: Sequence[Token], vocabulary: Vocabulary, *, lower_case: bool, hints: Sequence[str] | None = None
) -> Ids:
    """Return the rows of every token, `[tokens, PER_TOKEN]`; hints come from the vocabulary unless given."""
    if hints is None:
        hints = vocabulary.hints([token.text for token in tokens], lower_case=lower_case)
    rows = [
        _rows(token.text, hint, known=token.text.casefold() in vocabulary.words, cased=not lower_case)
        for token, hint in zip(tokens, hints, strict=True)
    ]
    return np.array(rows, np.int64).reshape(len(tokens), PER_TOKEN)


@lru_cache(maxsize=4096)
def label_features(wording: str) -> Ids:
    """Return the rows of every word of a label; the vocabulary is ignored, so that a label means the same with any."""
    rows = [_rows(token.text, "", known=True, cased=False) for token in tokens_of(wording)]
    return np.array(rows, np.int64).reshape(len(rows), PER_TOKEN)


class Lost(NamedTuple):
    """The inputs that words lose in training, `[b, t]`: the model must not rely on any single one."""

    words: NDArray[np.bool_]
    hints: NDArray[np.bool_]
    spelling: NDArray[np.bool_]


def without(rows: Ids, lost: Lost) -> Ids:
    """Return a copy with words made unknown, and hints and unknown words' spelling removed, to mimic unseen names."""
    rows = rows.copy()
    there = rows[..., _WORD] > 0
    rows[..., _WORD] = np.where(lost.words & there, bucket(UNKNOWN), rows[..., _WORD])
    rows[..., _HINT] = np.where(lost.hints & there, bucket("hint:"), rows[..., _HINT])
    blank = lost.spelling & (rows[..., _WORD] == bucket(UNKNOWN))
    rows[..., _SPELLING:] = np.where(blank[..., None], 0, rows[..., _SPELLING:])
    return rows


def marks(count: int, first: int, last: int) -> Ids:
    """Return the position of each of `count` tokens relative to the subject, tokens `first` to `last` (excluded)."""
    at = np.arange(count)
    before = 2 + np.searchsorted(_ABROAD, first - at)
    after = 2 + len(_ABROAD) + 1 + np.searchsorted(_ABROAD, at - last + 1)
    return np.where(at < first, before, np.where(at >= last, after, 1)).astype(np.int64)
