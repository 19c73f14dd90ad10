"""What prometheus-adapter must be told so that the HPAs of a system find their metrics.

The adapter has one configuration per cluster: who runs it merges the ConfigMaps ``adapter-rules`` of all systems. A
metric's name is looked up in the whole cluster, so two systems with the same name need the same query.
Source: https://github.com/kubernetes-sigs/prometheus-adapter/blob/master/docs/config.md and externalmetrics.md.
"""

from collections.abc import Iterator

import yaml

from components.manifests.monitor import WITHOUT_PROBES
from models.metrics import MATCHERS, PodsMetric
from models.scaling import Autoscaled
from models.service import ServiceSpec
from models.system import SystemSpec


def adapter_rules(system: SystemSpec) -> str | None:
    """Return, as YAML, the rules for all Pods metrics and all External metrics with a query of ours; None = none.

    A Pods metric is a counter that keeps its own name; the API serves its rate. The HPA asks for its own slot's pods,
    and the adapter for theirs alone.
    """
    used = [slot.scaling.metrics for slot in _last_live(system) if isinstance(slot.scaling, Autoscaled)]
    pods = {name: metric for metrics in used for name, metric in metrics.pods.items()}
    external = {name: metric.query for metrics in used for name, metric in metrics.external.items()}
    rules = {
        "rules": [_pods_rule(system.namespace, name, metric) for name, metric in sorted(pods.items())],
        "externalRules": [
            _external_rule(system.namespace, name, query) for name, query in sorted(external.items()) if query
        ],
    }
    return yaml.safe_dump(rules, sort_keys=False, width=1000) if any(rules.values()) else None


def _last_live(system: SystemSpec) -> Iterator[ServiceSpec]:
    """Yield the service as each slot runs it, the live slot last, so that its rules win."""
    for deployed in system.services.values():
        yield from reversed(deployed.every)


def _pods_rule(namespace: str, name: str, metric: PodsMetric) -> dict[str, object]:
    matchers = f"{MATCHERS},{WITHOUT_PROBES}"
    return {
        "seriesQuery": f'{name}{{namespace="{namespace}",pod!=""}}',
        "resources": _labelled("namespace", "pod"),
        "name": {"matches": f"^{name}$", "as": name},
        "metricsQuery": f"sum(rate(<<.Series>>{{{matchers}}}[{metric.window}s])) by (<<.GroupBy>>)",
    }


def _external_rule(namespace: str, name: str, query: str) -> dict[str, object]:
    """Name a query. A rule must find some series first, and ``up`` is there before the first request is counted."""
    return {
        "seriesQuery": f'up{{namespace="{namespace}"}}',
        "resources": _labelled("namespace"),
        "name": {"matches": "^up$", "as": name},
        "metricsQuery": query,
    }


def _labelled(*resources: str) -> dict[str, object]:
    """Say that a series' label of a resource's name is that resource's name."""
    return {"overrides": {resource: {"resource": resource} for resource in resources}}
