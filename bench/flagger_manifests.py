"""Manifests for Flagger: a Canary as in its nginx tutorial, and copies of the pods and Ingress that Slipway deployed.

Flagger's built-in checks need ingress-nginx's series. A MetricTemplate, its documented way to use other series, queries
the same share of 5xx from Traefik's.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bench.release_slipway import MARGIN

Json = dict[str, Any]

NAMESPACE = "bench-flagger"
HOST = f"{NAMESPACE}.slipway.test"
METRIC = "success-rate"
QUERY = """
sum(rate(traefik_service_requests_total{service=~"{{ namespace }}-{{ ingress }}-.+-canary@kubernetesingressnginx",
                                        code!~"5.."}[{{ interval }}]))
/
sum(rate(traefik_service_requests_total{service=~"{{ namespace }}-{{ ingress }}-.+-canary@kubernetesingressnginx"
                                        }[{{ interval }}]))
* 100
"""
"""Flagger's built-in nginx query with Traefik's names: the percentage of the canary's answers other than 5xx."""


@dataclass(frozen=True)
class Settings:
    """The settings of a canary's analysis."""

    name: str
    threshold: int
    """Failed checks before Flagger rolls back."""
    window: int
    """Seconds that a check looks back."""

    def __str__(self) -> str:
        analysis = f"interval {INTERVAL} s, threshold {self.threshold}, window {self.window} s"
        return f"flagger, {self.name}: {analysis}, steps of {STEP} to {MOST} %, success ≥ {100 - MARGIN} %"


INTERVAL, STEP, MOST = 10, 5, 50
"""Seconds and percentages, from Flagger's nginx tutorial. Flagger replaces a shorter interval by 10 s."""
DOCUMENTED = Settings("documented", threshold=10, window=60)
FASTEST = Settings("fastest", threshold=1, window=10)


def canary(name: str, settings: Settings) -> Json:
    """Return the Canary."""
    check = {
        "name": METRIC,
        "templateRef": {"name": METRIC, "namespace": NAMESPACE},
        "thresholdRange": {"min": 100 - MARGIN},
        "interval": f"{settings.window}s",
    }
    analysis = {
        "interval": f"{INTERVAL}s", "threshold": settings.threshold, "maxWeight": MOST, "stepWeight": STEP,
        "metrics": [check],
    }  # fmt: skip
    spec = {
        "provider": "nginx",
        "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
        "ingressRef": {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "name": name},
        "progressDeadlineSeconds": 60,
        "service": {"port": 80, "targetPort": "web"},
        "analysis": analysis,
    }
    return written("flagger.app/v1beta1", "Canary", name, spec=spec)


def template(prometheus: str) -> Json:
    """Return the MetricTemplate."""
    spec = {"provider": {"type": "prometheus", "address": prometheus}, "query": QUERY}
    return written("flagger.app/v1beta1", "MetricTemplate", METRIC, spec=spec)


def deployment(name: str, original: Json) -> Json:
    """Return a Deployment with the pods of a deployed one: the same image, environment, model and resources."""
    pod = copy.deepcopy(original["spec"]["template"]["spec"])
    del pod["topologySpreadConstraints"]  # they select the original's labels
    for container in pod["containers"]:
        # Flagger's Kubernetes client is older than the `sleep` handler, and would write a hook without a handler.
        seconds = container["lifecycle"]["preStop"]["sleep"]["seconds"]
        container["lifecycle"]["preStop"] = {"exec": {"command": ["sleep", str(seconds)]}}
    labels = {"app": name}
    spec = {
        "replicas": original["spec"]["replicas"],
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": pod},
    }
    return written("apps/v1", "Deployment", name, spec=spec)


def needed(pod: Json) -> Iterator[tuple[str, str]]:
    """Yield the kind and name of each object that a pod's spec names: its account, settings and secrets."""
    yield "serviceaccount", pod["serviceAccountName"]
    for volume in pod["volumes"]:
        if "configMap" in volume:
            yield "configmap", volume["configMap"]["name"]
    variables = [variable for container in pod["initContainers"] for variable in container.get("env", [])]
    yield from {("secret", v["valueFrom"]["secretKeyRef"]["name"]) for v in variables if "valueFrom" in v}


def ingress(name: str, original: Json) -> Json:
    """Return an Ingress like a deployed one, with Flagger's host and Service."""
    rule = original["spec"]["rules"][0]
    path = {**rule["http"]["paths"][0], "backend": {"service": {"name": name, "port": {"number": 80}}}}
    spec = {**original["spec"], "rules": [{"host": HOST, "http": {"paths": [path]}}]}
    return written("networking.k8s.io/v1", "Ingress", name, spec=spec)


def written(version: str, kind: str, name: str, **parts: object) -> Json:
    """Return an object in the benchmark's namespace."""
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": NAMESPACE}, **parts}
