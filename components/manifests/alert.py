"""What every alert is made of: the series that it looks at, and how Prometheus is told of it.

Every alert is per slot: the live slot's many good answers must not hide a bad canary.
"""

from dataclasses import dataclass
from decimal import Decimal

from components import labels, names
from components.manifests.monitor import scraped

SLOT = scraped(labels.SLOT)
BY_SLOT = f"sum by ({SLOT})"
_SLOTS = ("blue", "green")


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One alert, before what all of them say."""

    name: str
    expression: str
    labels: dict[str, str]
    summary: str
    description: str
    holds: int = 0
    """Seconds; the burn rates' short windows make waiting needless."""
    slot: str = f"{{{{ $labels.{SLOT} }}}}"
    """The slot that is in trouble; by default the one that the series name."""


def series_of(service: str, namespace: str) -> str:
    """Match the service's series: label ``service`` is the Kubernetes Service that was scraped, a private one."""
    private = "|".join(names.slot_name(service, slot) for slot in _SLOTS)
    return f'namespace="{namespace}",service=~"{private}"'


def mean_above(histogram: str, series: str, window: str, most: Decimal) -> str:
    """Ask, by slot, where the mean of a histogram over a window exceeds a bound."""
    total, counted = (f"{BY_SLOT} (rate({histogram}_{part}{{{series}}}[{window}]))" for part in ("sum", "count"))
    return f"{total}\n/\n{counted}\n> {most.normalize():f}"


def rule(alert: Alert, service: str, namespace: str, runbook: str | None) -> dict[str, object]:
    """Write an alert down with who it is about, and where a person who is paged reads on.

    Without the namespace, Alertmanager would take the alerts of two environments in one cluster for one.
    """
    page = {"runbook_url": f"{runbook}#{alert.name.lower()}"} if runbook else {}
    return {
        "alert": alert.name,
        "expr": alert.expression,
        **({"for": f"{alert.holds}s"} if alert.holds else {}),
        "labels": {**alert.labels, "namespace": namespace, "service": service, "slot": alert.slot},
        "annotations": {"summary": alert.summary, "description": alert.description, **page},
    }
