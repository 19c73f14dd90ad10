"""The PrometheusRule of a service: all its alerts, and what in an entry they could not answer."""

from collections.abc import Iterator

from components.manifests import objectives
from components.manifests.alert import rule
from models.cluster import ClusterSettings
from models.monitoring import Monitoring
from models.system import SystemSpec

LATENCY_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.23, 0.3, 0.5, 0.75, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Seconds; upper bounds of ``http_request_duration_seconds`` (LATENCY_BUCKETS of serving/telemetry.py): between two of
them a histogram knows no count."""
MOST_INTERVAL = 75
"""Seconds between two scrapes: the shortest window, five minutes, must hold four samples to bear a lost one."""


def rule_spec(
    *, service: str, namespace: str, monitoring: Monitoring, cluster: ClusterSettings
) -> dict[str, object] | None:
    """Describe the service's alerts; none = the entry asks for none."""
    found = objectives.alerts(service, namespace, monitoring)
    rules = [rule(alert, service, cluster.runbook_url) for alert in found]
    return {"groups": [{"name": f"{namespace}/{service}", "rules": rules}]} if rules else None


def faults(system: SystemSpec) -> Iterator[str]:
    """Give one line for each objective that the series cannot answer."""
    for name, service in system.services.items():
        monitoring = service.spec.monitoring
        if monitoring is None or not system.cluster.monitoring:
            continue
        where = f"catalog/{system.name}.yaml: services.{name}.monitoring"
        latency = monitoring.slo.latency if monitoring.slo else None
        if latency and latency.within / 1000 not in LATENCY_BOUNDS:
            known = ", ".join(f"{1000 * bound:g}" for bound in LATENCY_BOUNDS)
            yield (
                f"{where}.slo.latency.within: {latency.within}ms is no bound of the server's histogram, "
                f"which counts requests within {known} ms; take one of them"
            )
        if (monitoring.slo or monitoring.mean_latency) and monitoring.interval > MOST_INTERVAL:
            yield (
                f"{where}.interval: {monitoring.interval}s between two scrapes leaves the alerts' five-minute "
                f"windows too few samples; at most {MOST_INTERVAL}s"
            )
