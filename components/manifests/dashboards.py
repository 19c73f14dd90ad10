"""The Grafana dashboard of a system: a row for each service that is scraped.

There is one dashboard per system, not one per service: an engineer who is paged for a gateway needs the services behind
it on the same time axis, and has only one dashboard to find. To keep the dashboard short, the rows of services without
a route are folded. A folded row sends no queries to Prometheus.
"""

import json
from collections.abc import Iterator

from components import names
from components.manifests.panels import DATASOURCE, Json, Row, laid_out
from components.manifests.pod_alerts import Watched
from components.manifests.service_panels import panels
from models.system import SystemSpec

SCHEMA_VERSION = 36
"""The schema of Grafana 9, the oldest supported version. A newer Grafana reads it and writes its own."""
UID_LENGTH = 40
"""Characters; Grafana refuses a longer ``uid``."""
MOST_BYTES = 900_000
"""A ConfigMap holds 1 MiB, including names and metadata."""
_SLOTS = ("blue", "green")


def dashboards(system: SystemSpec) -> dict[str, str] | None:
    """Return the data of the dashboard's ConfigMap, or None if nothing is scraped or dashboards are off.

    The file is named after the namespace: Grafana's sidecar keeps the files of all ConfigMaps in one folder.
    """
    rows = list(_rows(system))
    if not rows or system.cluster.dashboards is None or not system.cluster.monitoring:
        return None
    return {f"{system.namespace}.json": json.dumps(dashboard(system, rows), separators=(",", ":"))}


def dashboard(system: SystemSpec, rows: list[Row]) -> Json:
    """Return the dashboard in Grafana's JSON model."""
    runbook = system.cluster.runbook_url
    link = {"type": "link", "title": "Runbook", "url": str(runbook), "targetBlank": True}
    return {
        "uid": _uid(system.namespace),
        "title": f"{system.name} ({system.namespace})",
        "description": f"System {system.name}, environment {system.environment}, by Slipway.",
        "tags": ["slipway", system.name, system.environment],
        "schemaVersion": SCHEMA_VERSION,
        "editable": False,
        "graphTooltip": 1,  # one crosshair for all panels, to compare the same moment
        "refresh": "1m",
        "time": {"from": "now-3h", "to": "now"},
        "links": [link] if runbook else [],
        "templating": {"list": [_datasource_variable(), _slot_variable()]},
        "annotations": {"list": [_firing(system.namespace)]},
        "panels": laid_out(rows),
    }


def _rows(system: SystemSpec) -> Iterator[Row]:
    for service, deployed in system.services.items():
        if monitoring := deployed.spec.monitoring:
            live = deployed.runs(deployed.release.live)
            watched = Watched(service=service, namespace=system.namespace, spec=live, release=deployed.release)
            yield Row(
                title=service,
                panels=tuple(panels(watched, monitoring)),
                folded=deployed.spec.route is None and len(system.services) > 1,
            )


def _uid(namespace: str) -> str:
    """Return a uid that depends only on the namespace, so that links and stars stay valid."""
    uid = f"slipway-{namespace}"
    return uid if len(uid) <= UID_LENGTH else f"slipway-{names.content_hash(namespace)}"


def _datasource_variable() -> Json:
    return {"type": "datasource", "name": "datasource", "label": "Prometheus", "query": "prometheus", "refresh": 1}


def _slot_variable() -> Json:
    """Return a variable with both slots, without a query. A slot that was always empty has no series to show."""
    every = {"text": "All", "value": "$__all", "selected": True}
    return {
        "type": "custom",
        "name": "slot",
        "label": "Slot",
        "query": ",".join(_SLOTS),
        "multi": True,
        "includeAll": True,
        "current": {"text": ["All"], "value": ["$__all"], "selected": True},
        "options": [every, *({"text": slot, "value": slot, "selected": False} for slot in _SLOTS)],
    }


def _firing(namespace: str) -> Json:
    """Return an annotation that marks in every graph when an alert of the namespace fired."""
    return {
        "name": "Alerts",
        "enable": True,
        "iconColor": "red",
        "datasource": DATASOURCE,
        "expr": f'ALERTS{{namespace="{namespace}",alertstate="firing",slot=~"$slot"}}',
        "titleFormat": "{{alertname}} {{service}} {{slot}}",
    }


def faults(system: SystemSpec) -> Iterator[str]:
    """Yield one line for a dashboard that is too large for a ConfigMap."""
    for text in (dashboards(system) or {}).values():
        if len(text) > MOST_BYTES:
            yield (
                f"catalog/{system.name}.yaml: services: the dashboard of {len(system.services)} services takes "
                f"{len(text)} bytes, a ConfigMap holds {MOST_BYTES}; set slipway:cluster.dashboards to null, or split "
                "the system"
            )
