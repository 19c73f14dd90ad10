"""The labels that a model knows, and the wordings under which a schema may request them.

A label is a short text that the model reads beside the text itself. The model is trained with several wordings of each
label. Its quality on other wordings is not measured, so they are refused unless config.json lists them in `synonyms`.
"""

import difflib
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

Wordings = dict[str, tuple[str, ...]]


class Labels(BaseModel):
    """All labels with their other wordings, by the place in a schema where they are valid."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    spans: Wordings
    """Labels of spans: entities, triggers, slots."""
    inner: dict[str, Wordings]
    """Labels of spans inside the schema of another span: arguments of a trigger, relations of a person."""
    kinds: dict[str, dict[str, str]]
    """Inner labels whose spans must also be spans of a label of `spans`: an employer is an organisation."""
    choices: dict[str, Wordings]
    """Labels of whole texts, by the key that requests one of them."""


class UnknownLabelError(ValueError):
    """A label is not known at its place; the message is one line that suggests the nearest known one."""


class Known(NamedTuple):
    """A label as the model knows it, and the wording to pass to the model."""

    label: str
    wording: str


class Lookup:
    """Resolves given labels to the known labels of one place in a schema."""

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
        """Return the known label that a text means; case, hyphens and underscores do not matter.

        Raises:
            UnknownLabelError: no known label matches.
        """
        known = self._known.get(normal(given))
        if known is None:
            raise UnknownLabelError(f"{where}: {given[:60]!r} is an unknown label; {self._advice(normal(given))}")
        return known

    def _advice(self, given: str) -> str:
        near = difflib.get_close_matches(given[:60], self._known, n=1, cutoff=0.6)
        if near:
            return f"did you mean {self._known[near[0]].wording!r}?"
        return f"known labels: {', '.join(sorted({known.label for known in self._known.values()}))}"


def normal(label: str) -> str:
    """Return a label in normal form: `Party_Size` and `party size` are the same."""
    return " ".join(label.replace("_", " ").replace("-", " ").casefold().split())


def unknown_targets(labels: Labels, synonyms: Mapping[str, str]) -> list[str]:
    """Return targets of synonyms that are not known anywhere in a schema."""
    places: Iterable[Wordings] = (labels.spans, *labels.inner.values(), *labels.choices.values())
    lookups = [Lookup(place, {}) for place in places] + [Lookup(dict.fromkeys(labels.choices, ()), {})]
    return [target for target in synonyms.values() if not any(target in lookup for lookup in lookups)]
