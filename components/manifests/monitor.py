"""The ServiceMonitor of a service, and the labels of the series that it creates in Prometheus."""

import re

from components import labels
from components.manifests.manifest import Json
from components.manifests.pod import MANAGEMENT_NAME, PORT_NAME
from models.monitoring import Monitoring
from models.profile import MetricsProfile


def service_monitor_spec(
    *, service: str, monitoring: Monitoring, profile: MetricsProfile, management: bool
) -> dict[str, object]:
    """Return a spec that selects the private Services and scrapes their pods, with the slot as a label.

    Args:
        service: The service.
        monitoring: How the entry wants to be scraped.
        profile: Where the server has its metrics, unless a slot has a management port.
        management: Whether a slot has a management port. Pods without one are then still scraped at the main port: the
            other slot, pinned to an older revision, and pods that a rollout has not replaced yet. Their label says so.
    """
    scrape: Json = {"path": monitoring.path or profile.path, "interval": f"{monitoring.interval}s"}
    if monitoring.timeout:
        scrape["scrapeTimeout"] = f"{monitoring.timeout}s"
    main: Json = {"port": PORT_NAME, **scrape}
    relabelings: list[Json] = []
    endpoints = [main]
    if management:
        label = f"__meta_kubernetes_pod_label_{scraped(labels.METRICS)}"
        relabelings.append({"action": "drop", "sourceLabels": [label], "regex": MANAGEMENT_NAME})
        # The target port of the pods, because the Services have no such port.
        endpoints.append({"targetPort": MANAGEMENT_NAME, **scrape})
    if profile.port is not None:
        relabelings.append(_at_port(profile.port))
    if relabelings:
        main["relabelings"] = relabelings
    return {
        "selector": {"matchLabels": labels.select_private_services(service)},
        "targetLabels": [labels.SLOT],
        "endpoints": endpoints,
    }


def scraped(label: str) -> str:
    """Return the series label that the Prometheus operator derives from a Service's label (``targetLabels``)."""
    return re.sub(r"[^a-zA-Z0-9_]", "_", label)


def _at_port(port: int) -> Json:
    """Return a relabeling to another port of the same pod, which neither the pod nor the Service has to declare."""
    return {
        "sourceLabels": ["__address__"],
        "regex": "(.+):[0-9]+",
        "replacement": f"$1:{port}",
        "targetLabel": "__address__",
    }
