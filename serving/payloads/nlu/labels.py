"""The labels that a model knows: what a schema may ask for, and in which words.

A label is a short text that the model reads beside the text itself. It learnt each with several wordings; others would
be read too, but nobody measured how well, so they are refused (or made known by `synonyms` in config.json).
"""

import difflib
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

Wordings = dict[str, tuple[str, ...]]


class Labels(BaseModel):
    """Every label with its other wordings, by where in a schema it may stand."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    spans: Wordings
    """Labels of spans: entities, triggers, slots."""
    inner: dict[str, Wordings]
    """Labels of spans inside the schema of another span: arguments of a trigger, relations of a person."""
    kinds: dict[str, dict[str, str]]
    """Inner labels whose spans are always such of a label of `spans`: an employer is an organisation."""
    choices: dict[str, Wordings]
    """Labels of whole texts, by the key that asks for one of them."""


class UnknownLabelError(ValueError):
    """A label is not known where it stands; the message is one line that names the nearest known one."""


class Known(NamedTuple):
    """A label as the model knows it, and the wording to give to the model."""

    label: str
    wording: str


class Lookup:
    """Finds what a given label means among the known labels of one place in a schema."""

    def __init__(self, wordings: Wordings, synonyms: Mapping[str, str]) -> None:
        self._known = {normal(label): Known(label, label) for label in wordings}
        for label, others in wordings.items():
            for other in others:
                self._known.setdefault(normal(other), Known(label, other))
        for synonym, label in synonyms.items():
            if (known := self._known.get(normal(label))) is not None:
                self._known.setdefault(normal(synonym), known)

    def __contains__(self, given: str) -> bool:
        return normal(given) in self._known

    def find(self, given: str, where: str) -> Known:
        """The known label that is meant; case, hyphens and underscores do not matter.

        Raises:
            UnknownLabelError: there is none.
        """
        known = self._known.get(normal(given))
        if known is None:
            raise UnknownLabelError(f"{where}: {given[:60]!r} is no known label; {self._advice(normal(given))}")
        return known

    def _advice(self, given: str) -> str:
        near = difflib.get_close_matches(given[:60], self._known, n=1, cutoff=0.6)
        if near:
            return f"did you mean {self._known[near[0]].wording!r}?"
        return f"known are {', '.join(sorted({known.label for known in self._known.values()}))}"


def normal(label: str) -> str:
    """A label without what people write differently: `Party_Size` and `party size` are one."""
    return " ".join(label.replace("_", " ").replace("-", " ").casefold().split())


def unknown_targets(labels: Labels, synonyms: Mapping[str, str]) -> list[str]:
    """Targets of synonyms that are known nowhere in a schema."""
    places: Iterable[Wordings] = (labels.spans, *labels.inner.values(), *labels.choices.values())
    lookups = [Lookup(place, {}) for place in places] + [Lookup(dict.fromkeys(labels.choices, ()), {})]
    return [target for target in synonyms.values() if not any(target in lookup for lookup in lookups)]
