"""The ServiceMonitor of a service, and what it makes of the pods' series in Prometheus."""

import re

from components import labels
from components.manifests.pod import PORT_NAME
from models.monitoring import Monitoring


def service_monitor_spec(*, service: str, monitoring: Monitoring) -> dict[str, object]:
    """Select the private Services by *their* labels and scrape the named port of each, with the slot as a label."""
    endpoint = {"port": PORT_NAME, "path": monitoring.path, "interval": f"{monitoring.interval}s"}
    if monitoring.timeout:
        endpoint["scrapeTimeout"] = f"{monitoring.timeout}s"
    return {
        "selector": {"matchLabels": labels.select_private_services(service)},
        "targetLabels": [labels.SLOT],
        "endpoints": [endpoint],
    }


def scraped(label: str) -> str:
    """Name the series label that the Prometheus operator makes of a Service's label (``targetLabels``)."""
    return re.sub(r"[^a-zA-Z0-9_]", "_", label)


WITHOUT_PROBES = 'route!~"/healthz?|/metrics|/v2/.+/(live|ready)"'
"""Matches the series that are somebody's requests, and those of a counter that knows no routes.

The model server counts what the kubelet and Prometheus ask (PROBES of serving/http/observe.py) like any other
request, and a pod that is starting answers its readiness probe with 503.
"""
