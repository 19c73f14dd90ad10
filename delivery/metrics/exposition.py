"""The text in which a process exposes its metrics: https://prometheus.io/docs/instrumenting/exposition_formats/."""

import math
import re
from collections.abc import Collection, Iterator

from delivery.metrics.series import Labels

_NAME = re.compile(r"^([a-zA-Z_:][\w:]*)", re.ASCII | re.MULTILINE)
_EXEMPLAR = re.compile(r"\s#\s\{.*$", re.MULTILINE)
"""The end of a line in OpenMetrics, which some servers send unasked."""


def samples(
    text: str, metrics: Collection[str], mentions: re.Pattern[str] | None = None
) -> Iterator[tuple[Labels, float]]:
    """Yield the samples of some metrics, each with its metric as the label ``__name__``.

    Only their lines are parsed: a proxy's text has megabytes, of which a service's counters are a few lines.

    Args:
        text: What a process exposes.
        metrics: Names of the metrics.
        mentions: What a line with labels must contain, if not every series is wanted.

    Raises:
        ValueError: a line is no sample.
    """
    from prometheus_client.parser import text_string_to_metric_families  # noqa: PLC0415 -- 0.1 s that no abort needs

    wanted = tuple(f"{metric}{end}" for metric in metrics for end in ("{", " ", "\t"))
    lines = [line for line in text.splitlines() if line.startswith(wanted)]
    if mentions is not None:
        lines = [line for line in lines if "{" not in line or mentions.search(line)]
    if not lines:
        return
    for family in text_string_to_metric_families(_EXEMPLAR.sub("", "\n".join(lines)) + "\n"):
        for sample in family.samples:
            if math.isfinite(sample.value):
                yield {**sample.labels, "__name__": sample.name}, sample.value


def names(text: str) -> set[str]:
    """Return the names of all series."""
    return set(_NAME.findall(text))
