"""What a PromQL expression asks for, and what there is to ask for: the server's own metrics, as Prometheus has them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

import promql_parser
from promql_parser import AggModifierType, AggregateExpr, Expr, Matcher, VectorSelector

from local.monitoring import slot_relabelings
from serving.identity import Identity
from serving.telemetry.metrics import Telemetry

GRAFANAS_OWN = {"$__rate_interval": "5m"}
"""Variables of Grafana that PromQL does not know."""


@dataclass
class Asked:
    """The series that an expression reads."""

    selectors: list[tuple[str, list[Matcher]]] = field(default_factory=list[tuple[str, list[Matcher]]])
    grouped: set[str] = field(default_factory=set[str])
    """Labels that its aggregations keep."""


def asked(expression: str) -> Asked:
    """Parse an expression; raises ValueError for what is no PromQL."""
    for variable, value in GRAFANAS_OWN.items():
        expression = expression.replace(variable, value)
    found = Asked()

    def visit(node: Expr) -> bool:
        if isinstance(node, VectorSelector):
            found.selectors.append((node.name or "", node.matchers.matchers))
        if isinstance(node, AggregateExpr) and node.modifier and node.modifier.type == AggModifierType.By:
            found.grouped |= set(node.modifier.labels)
        return True

    promql_parser.walk(promql_parser.parse(expression), visit)
    return found


@cache
def scraped_labels() -> frozenset[str]:
    """The labels that a scrape adds to every series of a slot."""
    given = {str(rule["target_label"]) for rule in slot_relabelings() if "target_label" in rule}
    return frozenset({*given, "instance"})


@cache
def exported() -> dict[str, dict[str, frozenset[str]]]:
    """Per metric of the server, its labels and the values that they have after one request."""
    telemetry = Telemetry(Identity())
    telemetry.answered(method="POST", route="/predict", status=200, seconds=0.1)
    found: dict[str, dict[str, set[str]]] = {}
    for family in telemetry.registry.collect():
        for sample in family.samples:
            labels = found.setdefault(sample.name, {})
            for name, value in sample.labels.items():
                labels.setdefault(name, set()).add(value)
    return {name: {label: frozenset(values) for label, values in labels.items()} for name, labels in found.items()}


def faults(expression: str) -> Iterator[str]:
    """Return one line for each metric, label or bucket that nobody exports."""
    reads = asked(expression)
    known = {*scraped_labels()}
    for metric, matchers in reads.selectors:
        if metric == "up":
            own: dict[str, frozenset[str]] = {}
        elif metric in exported():
            own = exported()[metric]
        else:
            yield f"{metric}: no such metric"
            continue
        known |= set(own)
        for matcher in matchers:
            if matcher.name not in own and matcher.name not in scraped_labels():
                yield f"{metric}: has no label {matcher.name}"
            elif matcher.name == "le" and matcher.value not in own["le"]:
                yield f"{metric}: has no bucket {matcher.value}"
    if "histogram_quantile(" in expression and "le" not in reads.grouped:
        yield "histogram_quantile: needs the label le"
    yield from (f"no series has the label {label}" for label in sorted(reads.grouped - known))
