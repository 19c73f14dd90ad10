"""prometheus-adapter rules for the metrics that the HPAs of a system read.

The adapter has one configuration per cluster: its operator merges the ConfigMaps ``adapter-rules`` of all systems.
Metric names are cluster-wide, so two systems that use the same name need the same query.
Source: https://github.com/kubernetes-sigs/prometheus-adapter/blob/master/docs/config.md and externalmetrics.md.
"""

from collections.abc import Iterator

import yaml

from components.manifests import selectors
from models.metrics import MATCHERS, PodsMetric
from models.scaling import Autoscaled
from models.service import ServiceSpec
from models.system import SystemSpec


def adapter_rules(system: SystemSpec) -> str | None:
    """Return, as YAML, the rules for Pods metrics and for External metrics with a query of the entry, or None.

    A Pods metric is a counter that keeps its own name, and the API serves its rate. The HPA asks for the pods of its
    own slot, and the adapter queries only those pods.
    """
    used = [(slot.scaling.metrics, slot.profile) for slot in _last_live(system) if isinstance(slot.scaling, Autoscaled)]
    pods = {name: metric for metrics, _ in used for name, metric in metrics.pods.items()}
    external = {name: metric.query for metrics, _ in used for name, metric in metrics.external.items()}
    probes: dict[str, dict[str, str]] = {name: {} for name in pods}
    for name in pods:  # two services may count under the same name, each with its own labels for probes
        for metrics, profile in used:
            if name in metrics.pods and profile.requests:
                probes[name].update(profile.requests.without)
    rules = {
        "rules": [_pods_rule(system.namespace, name, metric, probes[name]) for name, metric in sorted(pods.items())],
        "externalRules": [
            _external_rule(system.namespace, name, query) for name, query in sorted(external.items()) if query
        ],
    }
    return yaml.safe_dump(rules, sort_keys=False, width=1000) if any(rules.values()) else None


def _last_live(system: SystemSpec) -> Iterator[ServiceSpec]:
    """Yield each service as its slots run it, with the live slot last, so that its rules win."""
    for deployed in system.services.values():
        yield from reversed(deployed.slot_specs)


def _pods_rule(namespace: str, name: str, metric: PodsMetric, probes: dict[str, str]) -> dict[str, object]:
    """Return the rule for a counter, without probes. Their matchers also fit series without these labels."""
    matchers = f"{MATCHERS}{selectors.without(probes)}"
    return {
        "seriesQuery": f'{name}{{namespace="{namespace}",pod!=""}}',
        "resources": _labelled("namespace", "pod"),
        "name": {"matches": f"^{name}$", "as": name},
        "metricsQuery": f"sum(rate(<<.Series>>{{{matchers}}}[{metric.window}s])) by (<<.GroupBy>>)",
    }


def _external_rule(namespace: str, name: str, query: str) -> dict[str, object]:
    """Return the rule for a query. A rule must find a series first, and ``up`` exists before the first request."""
    return {
        "seriesQuery": f'up{{namespace="{namespace}"}}',
        "resources": _labelled("namespace"),
        "name": {"matches": "^up$", "as": name},
        "metricsQuery": query,
    }


def _labelled(*resources: str) -> dict[str, object]:
    """Map each resource to the series label that has the resource's name."""
    return {"overrides": {resource: {"resource": resource} for resource in resources}}
