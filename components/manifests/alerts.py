"""The PrometheusRule of a service: all its alerts, and what in an entry they could not answer."""

from collections.abc import Iterator

from components.manifests import objectives, pod_alerts
from components.manifests.alert import rule
from components.manifests.pod_alerts import Watched
from models.cluster import ClusterSettings
from models.monitoring import Monitoring
from models.system import SystemSpec

LATENCY_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.23, 0.3, 0.5, 0.75, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Seconds; upper bounds of ``http_request_duration_seconds`` (LATENCY_BUCKETS of serving/telemetry.py): between two of
them a histogram knows no count."""
MOST_INTERVAL = 75
"""Seconds between two scrapes: the shortest window, five minutes, must hold four samples to bear a lost one."""


def rule_spec(watched: Watched, monitoring: Monitoring, cluster: ClusterSettings) -> dict[str, object] | None:
    """Describe the alerts of a service and of each slot that is filled; none = the entry wants none."""
    found = [
        *objectives.alerts(watched.service, watched.namespace, monitoring),
        *pod_alerts.alerts(watched, monitoring.alerts),
    ]
    rules = [rule(alert, watched.service, watched.namespace, cluster.runbook_url) for alert in found]
    return {"groups": [{"name": f"{watched.namespace}/{watched.service}", "rules": rules}]} if rules else None


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
        if _alerting(monitoring) and monitoring.interval > MOST_INTERVAL:
            yield (
                f"{where}.interval: {monitoring.interval}s between two scrapes leaves the alerts' five-minute "
                f"windows too few samples; at most {MOST_INTERVAL}s, or set each of monitoring.alerts to null and "
                "drop slo and meanLatency"
            )


def _alerting(monitoring: Monitoring) -> bool:
    switches = monitoring.alerts
    usual = (switches.target_down, switches.no_target_up, switches.saturation, switches.replicas_at_max)
    return any((monitoring.slo, monitoring.mean_latency, *usual))
