"""The PrometheusRule of a service: all its alerts."""

from components.manifests import objectives, pod_alerts
from components.manifests.alert import rule
from components.manifests.watched import Watched
from models.cluster import ClusterSettings
from models.monitoring import Monitoring


def rule_spec(watched: Watched, monitoring: Monitoring, cluster: ClusterSettings) -> dict[str, object] | None:
    """Return the alerts of a service and of each filled slot, or None if the entry wants none."""
    found = [
        *objectives.alerts(watched, monitoring),
        *pod_alerts.alerts(watched, monitoring.alerts),
    ]
    rules = [rule(alert, watched.service, watched.namespace, cluster.runbook_url) for alert in found]
    return {"groups": [{"name": f"{watched.namespace}/{watched.service}", "rules": rules}]} if rules else None
