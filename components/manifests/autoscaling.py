"""The autoscaler of a slot: a HorizontalPodAutoscaler, or a ScaledObject from which KEDA creates one.

Each slot scales on its own: an HPA over both would give a canary the live slot's replicas.
"""

from components import labels, names
from components.manifests.manifest import Json
from components.manifests.monitor import scraped
from models.metrics import MATCHERS, Behavior, ExternalMetric, Metrics, Pace, ResourceTarget, Trigger
from models.quantity import parse, plain
from models.scaling import Autoscaled, Triggered
from models.system import SystemSpec


def autoscaler_spec(*, service: str, slot: str, scaling: Autoscaled, container: str | None) -> Json:
    """Return the spec of a slot's HPA. Of several metrics, the one that asks for the most replicas decides.

    ``container`` names the container whose utilization counts; None = the pod's.
    """
    described: Json = {
        "scaleTargetRef": _target(service, slot),
        "minReplicas": scaling.min_replicas,
        "maxReplicas": scaling.max_replicas,
        "metrics": _metrics(scaling.metrics, slot, container),
    }
    if behavior := _behavior(scaling.behavior):
        described["behavior"] = behavior
    return described


def _target(service: str, slot: str) -> dict[str, str]:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "name": names.slot_name(service, slot)}


def _metrics(metrics: Metrics, slot: str, container: str | None) -> list[Json]:
    resources = {"cpu": metrics.cpu, "memory": metrics.memory}
    return [
        *(_resource(name, target, container) for name, target in resources.items() if target),
        *(
            {"type": "Pods", "pods": {"metric": {"name": name}, "target": _average(metric.average)}}
            for name, metric in metrics.pods.items()
        ),
        *(_external(name, metric, slot) for name, metric in metrics.external.items()),
    ]


def _resource(name: str, target: ResourceTarget, container: str | None) -> Json:
    aimed: Json = {"name": name, "target": {"type": "Utilization", "averageUtilization": target.utilization}}
    if container is None:
        return {"type": "Resource", "resource": aimed}
    return {"type": "ContainerResource", "containerResource": {**aimed, "container": container}}


def _external(name: str, metric: ExternalMetric, slot: str) -> Json:
    described: Json = {"name": name}
    if selected := {**metric.labels, **(_own_share(slot) if MATCHERS in (metric.query or "") else {})}:
        described["selector"] = {"matchLabels": selected}
    return {"type": "External", "external": {"metric": described, "target": _average(metric.average)}}


def _own_share(slot: str) -> dict[str, str]:
    """Return labels that select the slot's own series. Otherwise each of two filled slots would scale on the sum."""
    return {scraped(labels.SLOT): slot}


def _own_series(system: SystemSpec, slot: str) -> str:
    """Return matchers for KEDA, which adds none: those that prometheus-adapter builds from namespace and selector."""
    return f'namespace="{system.namespace}",{scraped(labels.SLOT)}="{slot}"'


def _average(quantity: str) -> dict[str, str]:
    return {"type": "AverageValue", "averageValue": quantity}


def _behavior(behavior: Behavior) -> Json:
    described: Json = {}
    if behavior.scale_up:
        described["scaleUp"] = _rules(behavior.scale_up)
    if behavior.scale_down:
        described["scaleDown"] = _rules(behavior.scale_down)
    return described


def _rules(pace: Pace) -> Json:
    """Return the scaling rules. If neither pods nor percent is set, Kubernetes' own policies apply."""
    rules: Json = {}
    if pace.stabilization is not None:
        rules["stabilizationWindowSeconds"] = pace.stabilization
    if pace.never:  # the API server refuses a policy of 0
        return {**rules, "selectPolicy": "Disabled"}
    limits = {"Pods": pace.pods, "Percent": pace.percent}
    policies = [{"type": kind, "value": most, "periodSeconds": pace.period} for kind, most in limits.items() if most]
    if policies:
        rules["policies"] = policies
        rules["selectPolicy"] = "Min"  # both limits hold; Kubernetes' default takes the larger one
    return rules


def scaled_object_spec(
    *, service: str, slot: str, system: SystemSpec, scaling: Triggered, container: str | None
) -> Json:
    """Return the spec of a slot's ScaledObject (keda.sh/v1alpha1). All values in a trigger's metadata are strings.

    Source: https://keda.sh/docs/latest/reference/scaledobject-spec/ and the pages of the four scalers.
    """
    described: Json = {
        "scaleTargetRef": _target(service, slot),
        "pollingInterval": scaling.polling,
        "cooldownPeriod": scaling.cooldown,
        "minReplicaCount": scaling.min_replicas,
        "maxReplicaCount": scaling.max_replicas,
        "triggers": [
            {"name": name, **_trigger(trigger, system, slot, container, fails=scaling.fallback is not None)}
            for name, trigger in scaling.triggers.items()
        ],
    }
    if fallback := scaling.fallback:
        described["fallback"] = {
            "failureThreshold": fallback.failure_threshold,
            "replicas": fallback.replicas,
            "behavior": fallback.behavior,
        }
    if behavior := _behavior(scaling.behavior):
        described["advanced"] = {"horizontalPodAutoscalerConfig": {"behavior": behavior}}
    return described


def _trigger(trigger: Trigger, system: SystemSpec, slot: str, container: str | None, *, fails: bool) -> Json:
    """Return a trigger. `fails` says whether there is a fallback for a source that returns no number."""
    if redis := trigger.redis:
        # KEDA's operator runs in another namespace, where a store's short name does not resolve.
        address = f"{redis.store}.{system.namespace}.svc:{system.stores[redis.store].port}"
        metadata = {"address": address, "listName": redis.list, "listLength": str(redis.length)}
        return {"type": "redis", "metadata": metadata}
    if prometheus := trigger.prometheus:
        # A plain number: KEDA does not parse quantities such as 500m.
        metadata = {
            "serverAddress": str(system.cluster.prometheus_url),
            "query": prometheus.query.replace(MATCHERS, _own_series(system, slot)),
            "threshold": plain(parse(prometheus.threshold)),
        }
        if fails:
            metadata["ignoreNullValues"] = "false"  # by default a failed scrape is a 0 and scales to the minimum
        return {"type": "prometheus", "metadata": metadata}
    if cron := trigger.cron:
        metadata = {
            "timezone": cron.timezone,
            "start": cron.start,
            "end": cron.end,
            "desiredReplicas": str(cron.replicas),
        }
        return {"type": "cron", "metadata": metadata}
    assert trigger.cpu  # noqa: S101 -- the model's own rule: exactly one kind
    measured = {"containerName": container} if container else {}
    metadata = {"value": str(trigger.cpu.utilization), **measured}
    return {"type": "cpu", "metricType": "Utilization", "metadata": metadata}
