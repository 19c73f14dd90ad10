"""The ServiceMonitor of a service."""

from components import labels
from components.manifests.pod import PORT_NAME
from models.monitoring import Monitoring


def service_monitor_spec(*, service: str, monitoring: Monitoring) -> dict[str, object]:
    """Select the private Services by *their* labels and scrape the named port of each, with the slot as a label."""
    return {
        "selector": {"matchLabels": labels.select_private_services(service)},
        "targetLabels": [labels.SLOT],
        "endpoints": [{"port": PORT_NAME, "path": monitoring.path, "interval": f"{monitoring.interval}s"}],
    }
