"""The text in which a process exposes its metrics: https://prometheus.io/docs/instrumenting/exposition_formats/."""

import math
import re
from collections.abc import Collection, Iterator

from prometheus_client.parser import text_string_to_metric_families

from delivery.metrics.series import Labels

_NAME = re.compile(r"^([a-zA-Z_:][\w:]*)", re.ASCII | re.MULTILINE)
_EXEMPLAR = re.compile(r"\s#\s\{.*$", re.MULTILINE)
"""The end of a line in OpenMetrics, which some servers send unasked."""


def samples(text: str, metrics: Collection[str]) -> Iterator[tuple[Labels, float]]:
    """Yield the samples of some metrics, each with its metric as the label ``__name__``.

    Only their lines are parsed: a proxy's text has megabytes, of which a service's counters are a few lines.

    Raises:
        ValueError: a line is no sample.
    """
    wanted = tuple(f"{metric}{end}" for metric in metrics for end in ("{", " ", "\t"))
    lines = [line for line in text.splitlines() if line.startswith(wanted)]
    if not lines:
        return
    for family in text_string_to_metric_families(_EXEMPLAR.sub("", "\n".join(lines)) + "\n"):
        for sample in family.samples:
            if math.isfinite(sample.value):
                yield {**sample.labels, "__name__": sample.name}, sample.value


def names(text: str) -> set[str]:
    """Return the names of all series."""
    return set(_NAME.findall(text))
