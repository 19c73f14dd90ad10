"""The parts that all alerts share: an alert as data, and its Prometheus rule.

Every alert is per slot: the many good answers of the live slot must not hide a bad canary.
"""

from dataclasses import dataclass

from components.manifests.rates import SLOT


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One alert, without the parts that all alerts share."""

    name: str
    expression: str
    labels: dict[str, str]
    summary: str
    description: str
    holds: int = 0
    """Seconds. Burn-rate alerts need none, because of their short windows."""
    slot: str = f"{{{{ $labels.{SLOT} }}}}"
    """The slot that has the problem; by default the one in the series' labels."""


def rule(alert: Alert, service: str, namespace: str, runbook: str | None) -> dict[str, object]:
    """Return the Prometheus rule of an alert, with the affected service and slot and a link to the runbook.

    Without the namespace, Alertmanager would treat the alerts of two environments in one cluster as the same alert.
    """
    page = {"runbook_url": f"{runbook}#{alert.name.lower()}"} if runbook else {}
    return {
        "alert": alert.name,
        "expr": alert.expression,
        **({"for": f"{alert.holds}s"} if alert.holds else {}),
        "labels": {**alert.labels, "namespace": namespace, "service": service, "slot": alert.slot},
        "annotations": {"summary": alert.summary, "description": alert.description, **page},
    }
