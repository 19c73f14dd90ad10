"""Mutants of scaling, alerts and routes: systems that would grow, shout or answer wrongly."""

from tests.mutants.mutant import Mutant

AUTOSCALING = "components/manifests/autoscaling.py"
ADAPTER = "components/manifests/adapter.py"
RULES = "models/series_rules.py"
ALERT = "components/manifests/alert.py"
ALERTS = "components/manifests/alerts.py"
MONITOR = "components/manifests/monitor.py"
OBJECTIVES = "components/manifests/objectives.py"
POD_ALERTS = "components/manifests/pod_alerts.py"
PARTS = "local/parts.py"
PLACEMENT = "components/manifests/placement.py"

MUTANTS = [
    Mutant(AUTOSCALING, '"name": names.slot_name(service, slot)}', '"name": service}', "an HPA of nothing"),
    Mutant(AUTOSCALING, '"min_replicas": scaling.min_replicas', '"min_replicas": 1', "the floor is ignored"),
    Mutant(AUTOSCALING, '"cpu": metrics.cpu, "memory": metrics.memory', '"cpu": metrics.cpu', "memory is ignored"),
    Mutant(AUTOSCALING, 'if MATCHERS in (metric.query or "")', "if False", "each slot scales with the sum of both"),
    Mutant(AUTOSCALING, "{**metric.labels, **(", "{**(", "an external metric without its selector"),
    Mutant(AUTOSCALING, 'rules["select_policy"] = "Min"', 'rules["select_policy"] = "Max"', "the larger limit decides"),
    Mutant(AUTOSCALING, '"period_seconds": pace.period', '"period_seconds": 60', "a pace over another period"),
    Mutant(AUTOSCALING, "if pace.stabilization is not None:", "if pace.stabilization:", "0 s becomes five minutes"),
    Mutant(AUTOSCALING, ".{system.namespace}.svc:", ":", "KEDA looks for the store in its own namespace"),
    Mutant(
        AUTOSCALING, 'f"{parse(prometheus.threshold).normalize():f}"', "prometheus.threshold", "KEDA parses no quantity"
    ),
    Mutant(AUTOSCALING, '{"behavior": _api_named(behavior)}', '{"behavior": behavior}', "a pace that KEDA drops"),
    Mutant(AUTOSCALING, '"cooldownPeriod": scaling.cooldown', '"cooldownPeriod": scaling.polling', "down too early"),
    Mutant(
        "components/slot.py",
        "opts=pulumi.ResourceOptions(parent=self, depends_on=[deployment]),",
        "opts=self.child,",
        "KEDA finds its target minutes late",
        by="components/test_autoscaling.py",
    ),
    Mutant(AUTOSCALING, "if fallback := scaling.fallback:", "if fallback := None:", "lost metrics are a quiet hour"),
    Mutant(AUTOSCALING, '"behavior": fallback.behavior', '"behavior": "static"', "a fallback that takes pods away"),
    Mutant(AUTOSCALING, "fails=scaling.fallback is not None", "fails=False", "a dead scrape is a 0"),
    Mutant(AUTOSCALING, ".replace(MATCHERS, _own_series(system, slot))", "", "KEDA is given a query that is no PromQL"),
    Mutant(
        AUTOSCALING, 'scraped(labels.SLOT)}="{slot}"', 'scraped(labels.SLOT)}=~".+"', "each slot has both slots' load"
    ),
    Mutant(
        PARTS,
        "for name, part in PARTS.items() if name in has",
        "for name in has for part in [PARTS[name]]",
        "who serves external metrics hangs on the order of `--with`",
        by="local/test_cluster_parts.py",
    ),
    Mutant(
        "local/keda.py",
        "resolver=paths.etc / configs.CLUSTER_RESOLVER,",
        "",
        "KEDA asks the internet's DNS for a store",
        by="local/test_cluster_parts.py",
    ),
    Mutant(ADAPTER, 'f"sum(rate(<<', 'f"sum(increase(<<', "120 times the requests per second"),
    Mutant(ADAPTER, 'f"{MATCHERS},{WITHOUT_PROBES}"', "MATCHERS", "probes are requests"),
    Mutant(ADAPTER, '_labelled("namespace", "pod")', '_labelled("namespace")', "a rate that belongs to no pod"),
    Mutant(RULES, "if window != metric.window:", "if False:", "the last window wins"),
    Mutant(
        RULES, "deployed.spec.monitoring is None", "deployed.spec.monitoring is Ellipsis", "an HPA without its metric"
    ),
    Mutant(RULES, "if query != metric.query:", "if False:", "the last query wins"),
    Mutant(ADAPTER, "in sorted(external.items()) if query", "in external.items()", "a rule without a query"),
    Mutant(OBJECTIVES, 'f"{long}\\nand\\n{short}"', 'f"{long}\\nor\\n{short}"', "one window is enough"),
    Mutant(OBJECTIVES, 'status=~"5.."', 'status=~"4.."', "the clients' faults are ours"),
    Mutant(OBJECTIVES, "budget=1 - slo.availability / 100", "budget=slo.availability / 100", "no availability alert"),
    Mutant(
        OBJECTIVES,
        'requests = f"{series_of(service, namespace)},{WITHOUT_PROBES}"',
        "requests = series_of(service, namespace)",
        "a starting pod pages somebody",
    ),
    Mutant(OBJECTIVES, "slo.latency.within / 1000", "slo.latency.within / 100", "another bucket"),
    Mutant(OBJECTIVES, "Decimal(latency.above) / 1000", "Decimal(latency.above)", "milliseconds as seconds"),
    Mutant(OBJECTIVES, '"1h", "5m", "critical"', '"1h", "1h", "critical"', "an alert that outlives its errors"),
    Mutant(OBJECTIVES, '"3d", "6h", "warning"', '"3d", "6h", "critical"', "a ticket pages somebody"),
    Mutant(ALERT, '"namespace": namespace, ', "", "the alerts of two environments are one"),
    Mutant(ALERT, "alert.name.lower()", "alert.name", "a link past its section"),
    Mutant(OBJECTIVES, "if rate.factor * objective.budget < 1", "if True", "a rule that can never fire"),
    Mutant(OBJECTIVES, "        holds=latency.holds,\n", "", "one slow minute pages somebody"),
    Mutant(RULES, "(fault := bound_fault(latency.within))", "(fault := '')", "an objective that no bucket answers"),
    Mutant(RULES, "monitoring.interval > MOST_INTERVAL", "False", "windows without samples"),
    Mutant(POD_ALERTS, "({SLOT}, pod) (up", "({SLOT}) (up", "one pod that answers hides all that do not"),
    Mutant(POD_ALERTS, "}}} == 1)", "}}})", "pods that are all down alarm nobody"),
    Mutant(POD_ALERTS, "scaling(slot).floor > 0", "scaling(slot).floor >= 0", "a sleeping worker pages somebody"),
    Mutant(POD_ALERTS, "watched.gets_requests(slot)", "True", "a slot that is kept warm pages somebody"),
    Mutant(POD_ALERTS, "self.release.weight > 0", "self.release.weight > 50", "a dead canary pages nobody"),
    Mutant(POD_ALERTS, 'status="429"', 'status=~"4.."', "the clients' faults are saturation"),
    Mutant(POD_ALERTS, "MOST_WAITING * limit", "Decimal(limit)", "the queue never waits long enough"),
    Mutant(POD_ALERTS, "max(LEAST_DOWN, spec.rollout.progress_deadline)", "LEAST_DOWN", "a slow start is an outage"),
    Mutant(
        POD_ALERTS, "scaling(slot).floor < watched", "scaling(slot).floor <= watched", "fixed replicas at their most"
    ),
    Mutant(POD_ALERTS, ") >= {most}", ") > {most}", "the maximum is never reached"),
    Mutant(POD_ALERTS, "filled.min_replicas, filled.max_replicas", "None, None", "not the maximum of a moving slot"),
    Mutant(RULES, "return any((monitoring.slo,", "return all((monitoring.slo,", "rare scrapes and alerts that flap"),
    Mutant(MONITOR, '"targetLabels": [labels.SLOT]', '"targetLabels": []', "series without their slot"),
    Mutant(MONITOR, r'r"[^a-zA-Z0-9_]", "_"', r'r"[^a-zA-Z0-9_./]", "_"', "a label that Prometheus does not know"),
    Mutant(MONITOR, "if monitoring.timeout:", "if False:", "scrapes that give up early"),
    Mutant(PLACEMENT, '"operator": "In"', '"operator": "NotIn"', "the wrong nodes"),
    Mutant(PLACEMENT, "_term({key: values})", "_term(affinity.preferred)", "all preferences or none"),
    Mutant(PLACEMENT, '{"node_selector_terms": [every]}', '{"node_selector_terms": []}', "any node"),
    Mutant(PLACEMENT, "if scheduling.runtime_class:", "if False:", "a GPU without its runtime"),
]
