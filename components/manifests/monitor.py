"""The ServiceMonitor of a service, and matchers for the series that it creates in Prometheus."""

import re

from components import labels
from components.manifests.pod import PORT_NAME
from models.monitoring import Monitoring


def service_monitor_spec(*, service: str, monitoring: Monitoring) -> dict[str, object]:
    """Return a spec that selects the private Services and scrapes their named port, with the slot as a label."""
    endpoint = {"port": PORT_NAME, "path": monitoring.path, "interval": f"{monitoring.interval}s"}
    if monitoring.timeout:
        endpoint["scrapeTimeout"] = f"{monitoring.timeout}s"
    return {
        "selector": {"matchLabels": labels.select_private_services(service)},
        "targetLabels": [labels.SLOT],
        "endpoints": [endpoint],
    }


def scraped(label: str) -> str:
    """Return the series label that the Prometheus operator derives from a Service's label (``targetLabels``)."""
    return re.sub(r"[^a-zA-Z0-9_]", "_", label)


WITHOUT_PROBES = 'route!~"/healthz?|/metrics|/v2/.+/(live|ready)"'
"""Matches the series of client requests, and of counters without the label ``route``.

The model server counts the requests of the kubelet and Prometheus (PROBES in serving/http/observe.py) like any other
request, and a starting pod answers its readiness probe with 503.
"""
