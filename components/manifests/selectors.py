"""Matchers of PromQL from the labels and patterns of a metrics profile."""

import re
from collections.abc import Mapping

from components import names
from models.profile import Answers
from models.vocabulary import OTHER_SLOT, SlotName

_PLAIN = re.compile(r"[\w:/ -]*")
"""Text that means itself as a pattern."""


def of_service(service: str, namespace: str) -> str:
    """Return matchers for the series of both slots' servers.

    Their labels ``namespace`` and ``service`` are those of the private Service that was scraped. A server's own labels
    of these names become ``exported_namespace`` and ``exported_service``.
    """
    private = "|".join(names.slot_name(service, slot) for slot in OTHER_SLOT)
    return f'namespace="{namespace}",service=~"{private}"'


def of_slot(service: str, slot: SlotName, namespace: str) -> str:
    """Return matchers for the series of one slot's servers, by the private Service that was scraped."""
    return f'namespace="{namespace}",service="{names.slot_name(service, slot)}"'


def without(excluded: Mapping[str, str]) -> str:
    """Return matchers that leave out series, each with a leading comma; empty if nothing is left out."""
    return "".join(f',{label}!~"{quoted(pattern)}"' for label, pattern in excluded.items())


def having(answers: Answers) -> str:
    """Return the matcher for some of the requests; empty if a counter of their own counts them."""
    if answers.label is None or answers.values is None:
        return ""
    equal = "=" if _PLAIN.fullmatch(answers.values) else "=~"
    return f'{answers.label}{equal}"{quoted(answers.values)}"'


def bucket(bound: float, *others: str) -> str:
    """Return a matcher for the bucket with an upper bound, and for the buckets with these values of ``le``.

    Python's client writes a whole number as ``1.0`` and Go's as ``1``; Prometheus 3 stores ``1.0``.
    """
    forms = list(dict.fromkeys([repr(bound), f"{bound:.15g}", *others]))
    return f'le="{forms[0]}"' if len(forms) == 1 else f'le=~"{quoted("|".join(map(re.escape, forms)))}"'


def quoted(text: str) -> str:
    """Return text for a PromQL string in double quotes."""
    return text.replace("\\", "\\\\").replace('"', '\\"')
