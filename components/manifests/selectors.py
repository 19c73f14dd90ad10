"""Matchers of series from the labels and patterns of a metrics profile, as data and as PromQL."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from components import names
from models.pattern import whole
from models.profile import Answers
from models.vocabulary import OTHER_SLOT, SlotName

_PLAIN = re.compile(r"[\w:/ -]*")
"""Text that means itself as a pattern."""


@dataclass(frozen=True)
class Matcher:
    """A condition on one label of a series."""

    label: str
    value: str
    operator: Literal["=", "=~", "!~"] = "="

    def __str__(self) -> str:
        return f'{self.label}{self.operator}"{quoted(self.value)}"'

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Return whether a series satisfies the condition. An absent label is an empty one, as in PromQL."""
        found = labels.get(self.label, "")
        if self.operator == "=":
            return found == self.value
        return whole(self.value, found) == (self.operator == "=~")


@dataclass(frozen=True)
class Selector:
    """The series of one metric, or of every metric, that satisfy all matchers."""

    matchers: tuple[Matcher, ...]
    metric: str = ""

    def __str__(self) -> str:
        return f"{self.metric}{{{written(self.matchers)}}}"

    def selects(self, labels: Mapping[str, str]) -> bool:
        """Return whether a series, whose label ``__name__`` is its metric, belongs to the selector."""
        if self.metric and labels.get("__name__") != self.metric:
            return False
        return all(matcher.matches(labels) for matcher in self.matchers)


def written(matchers: Iterable[Matcher]) -> str:
    """Return matchers as PromQL has them between braces."""
    return ",".join(map(str, matchers))


def of_service(service: str, namespace: str) -> tuple[Matcher, ...]:
    """Return matchers for the series of both slots' servers.

    Their labels ``namespace`` and ``service`` are those of the private Service that was scraped. A server's own labels
    of these names become ``exported_namespace`` and ``exported_service``.
    """
    private = "|".join(names.slot_name(service, slot) for slot in OTHER_SLOT)
    return Matcher("namespace", namespace), Matcher("service", private, "=~")


def of_slot(service: str, slot: SlotName, namespace: str) -> tuple[Matcher, ...]:
    """Return matchers for the series of one slot's servers, by the private Service that was scraped."""
    return Matcher("namespace", namespace), Matcher("service", names.slot_name(service, slot))


def excluding(excluded: Mapping[str, str]) -> tuple[Matcher, ...]:
    """Return matchers that leave out series."""
    return tuple(Matcher(label, pattern, "!~") for label, pattern in excluded.items())


def without(excluded: Mapping[str, str]) -> str:
    """Return matchers that leave out series, each with a leading comma; empty if nothing is left out."""
    return "".join(f",{matcher}" for matcher in excluding(excluded))


def having(answers: Answers) -> str:
    """Return the matcher for some of the requests; empty if a counter of their own counts them."""
    if answers.label is None or answers.values is None:
        return ""
    return str(Matcher(answers.label, answers.values, "=" if _PLAIN.fullmatch(answers.values) else "=~"))


def bucket(bound: float, *others: str) -> Matcher:
    """Return a matcher for the bucket with an upper bound, and for the buckets with these values of ``le``.

    Python's client writes a whole number as ``1.0`` and Go's as ``1``; Prometheus 3 stores ``1.0``.
    """
    forms = list(dict.fromkeys([repr(bound), f"{bound:.15g}", *others]))
    return Matcher("le", forms[0]) if len(forms) == 1 else Matcher("le", "|".join(map(re.escape, forms)), "=~")


def quoted(text: str) -> str:
    """Return text for a PromQL string in double quotes."""
    return text.replace("\\", "\\\\").replace('"', '\\"')
