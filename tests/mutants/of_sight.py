"""Mutants of dashboards: graphs that would be empty, wrong or not found."""

from tests.mutants.mutant import Mutant

DASHBOARDS = "components/manifests/dashboards.py"
PANELS = "components/manifests/panels.py"
SERVICE_PANELS = "components/manifests/service_panels.py"
FOUNDATION = "components/foundation.py"

MUTANTS = [
    Mutant(DASHBOARDS, "if len(uid) <= UID_LENGTH else", "if uid else", "a uid that Grafana refuses"),
    Mutant(
        DASHBOARDS, "deployed.spec.route is None and", "deployed.spec.route is not None and", "the entrance is folded"
    ),
    Mutant(
        DASHBOARDS,
        "if monitoring := deployed.spec.monitoring",
        "if (monitoring := deployed.spec.monitoring) or True",
        "a row of a service that nobody scrapes",
    ),
    Mutant(DASHBOARDS, " or not system.cluster.monitoring", "", "a dashboard without a Prometheus"),
    Mutant(DASHBOARDS, "if len(text) > MOST_BYTES", "if False", "a ConfigMap that the API server refuses"),
    Mutant(DASHBOARDS, "{system.namespace}.json", "dashboard.json", "one system's file overwrites another's"),
    Mutant(PANELS, "y += 0 if row.folded else", "y += 0 if not row.folded else", "rows lie on each other"),
    Mutant(PANELS, '"collapsed": row.folded', '"collapsed": False', "an open row whose panels nobody sees"),
    Mutant(PANELS, '"legendFormat": query.legend', '"legend": query.legend', "series named by all their labels"),
    Mutant(PANELS, '"instant": now', '"instant": False', "30 days asked for at every point"),
    Mutant(SERVICE_PANELS, "or 0 * {every}", "or {every}", "a slot without errors shows 100 %"),
    Mutant(SERVICE_PANELS, "http_requests_in_flight", "http_request_in_flight", "an empty graph"),
    Mutant(SERVICE_PANELS, "sum by ({SLOT}, le)", "sum by ({SLOT})", "quantiles of nothing"),
    Mutant(SERVICE_PANELS, 'summed="sum"', "summed=BY_SLOT", "a budget for each slot"),
    Mutant(SERVICE_PANELS, "objective.budget.normalize()", "(1 - objective.budget)", "a budget that never goes"),
    Mutant(SERVICE_PANELS, "vector({scaling.ceiling})", "vector({scaling.floor})", "a wrong maximum"),
    Mutant(
        FOUNDATION,
        "{**wanted.labels, **labels.of_system(system.name)}",
        "{**labels.of_system(system.name), **wanted.labels}",
        "labels of ours are overwritten",
        "components/test_dashboards.py",
    ),
    Mutant(
        "components/preflight.py",
        ", *dashboards.faults(spec)]",
        "]",
        "a dashboard that fails in mid-update",
        "components/test_preflight.py",
    ),
]
