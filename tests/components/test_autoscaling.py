"""HPAs and ScaledObjects, as the API server and KEDA are told."""

from typing import Any

import pytest

from tests.components.deploying import deployed, with_service
from tests.declared import Declared, Objects
from tests.samples import Config, entry, put, service, stack

TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web-blue"}
CPU: Config = {"cpu": {"utilization": 60}}


def ranged(metrics: Config, **more: object) -> Objects[Declared]:
    return with_service(scaling={"minReplicas": 2, "maxReplicas": 8, "metrics": metrics, **more})


def hpa(metrics: Config, **more: object) -> dict[str, Any]:
    return ranged(metrics, **more).one("HorizontalPodAutoscaler").inputs["spec"]


def utilization(name: str, percent: int) -> Config:
    return {
        "type": "Resource",
        "resource": {"name": name, "target": {"type": "Utilization", "averageUtilization": percent}},
    }


def test_cpu_and_memory_are_steered_by_their_share_of_the_request() -> None:
    spec = hpa({"cpu": {"utilization": 60}, "memory": {"utilization": 85}})
    assert spec["metrics"] == [utilization("cpu", 60), utilization("memory", 85)]
    assert hpa({"memory": {"utilization": 85}})["metrics"] == [utilization("memory", 85)]


def test_two_signals_of_different_kinds_stand_in_one_hpa() -> None:
    run = ranged({**CPU, "pods": {"http_requests_total": {"average": 20}}})
    (spec,) = [found.inputs["spec"] for found in run.of_kind("HorizontalPodAutoscaler")]
    assert spec["scaleTargetRef"] == TARGET
    assert (spec["minReplicas"], spec["maxReplicas"]) == (2, 8)
    per_pod = {"metric": {"name": "http_requests_total"}, "target": {"type": "AverageValue", "averageValue": "20"}}
    assert spec["metrics"] == [utilization("cpu", 60), {"type": "Pods", "pods": per_pod}]


def external(**metric: object) -> Config:
    (found,) = hpa({"external": {"requests_per_second": metric}})["metrics"]
    assert found["type"] == "External"
    return found["external"]


def test_an_external_metric_is_divided_by_the_replicas() -> None:
    assert external(average="500m") == {
        "metric": {"name": "requests_per_second"},
        "target": {"type": "AverageValue", "averageValue": "500m"},
    }


def test_an_external_metric_is_selected_by_its_labels() -> None:
    assert external(average=5, labels={"queue": "a"})["metric"]["selector"] == {"matchLabels": {"queue": "a"}}


def test_a_query_with_a_place_for_matchers_gives_each_slot_its_own_share() -> None:
    query = 'sum(rate(http_requests_total{<<.LabelMatchers>>,service=~"web-.*"}[2m]))'
    selector = external(average=5, query=query, labels={"queue": "a"})["metric"]["selector"]
    assert selector == {"matchLabels": {"queue": "a", "slipway_dev_slot": "blue"}}
    assert "selector" not in external(average=5, query="sum(queue_length)")["metric"]


def behavior(**directions: Config) -> Config:
    return hpa(CPU, behavior=directions)["behavior"]


def test_without_a_pace_kubernetes_defaults_hold() -> None:
    assert "behavior" not in hpa(CPU)


def test_a_pace_is_a_window_and_policies() -> None:
    assert behavior(scaleUp={"stabilization": "0s", "percent": 100, "period": "15s"}) == {
        "scaleUp": {
            "stabilizationWindowSeconds": 0,
            "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}],
            "selectPolicy": "Min",
        }
    }
    assert behavior(scaleDown={"pods": 2}) == {
        "scaleDown": {"policies": [{"type": "Pods", "value": 2, "periodSeconds": 60}], "selectPolicy": "Min"}
    }


def test_a_window_alone_leaves_kubernetes_policies_in_place() -> None:
    assert behavior(scaleDown={"stabilization": "5m"}) == {"scaleDown": {"stabilizationWindowSeconds": 300}}


@pytest.mark.parametrize("limit", [{"percent": 0}, {"pods": 0}, {"percent": 0, "pods": 5}])
def test_a_limit_of_0_disables_a_direction_because_the_api_server_refuses_a_policy_of_0(limit: Config) -> None:
    assert behavior(scaleDown=limit) == {"scaleDown": {"selectPolicy": "Disabled"}}
    assert behavior(scaleUp={"stabilization": "5m", **limit}) == {
        "scaleUp": {"stabilizationWindowSeconds": 300, "selectPolicy": "Disabled"}
    }


def test_of_two_limits_both_hold() -> None:
    rules = behavior(scaleUp={"pods": 4, "percent": 50})["scaleUp"]
    assert [(policy["type"], policy["value"]) for policy in rules["policies"]] == [("Pods", 4), ("Percent", 50)]
    assert rules["selectPolicy"] == "Min"


STORE: Config = {
    "image": "server",
    "port": 6380,
    "volume": {"size": "1Gi", "path": "/data"},
    "resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "1", "memory": "1Gi"}},
}


def triggered(triggers: Config, **more: object) -> Objects[Declared]:
    scaling = {"minReplicas": 0, "maxReplicas": 10, "triggers": triggers, **more}
    data = put(stack(), "cluster.prometheusUrl", "http://prometheus.monitoring:9090")
    web = service(scaling=scaling, calls=["queue"])
    return deployed(entry(services={"web": web}, stores={"queue": STORE}), data)


def scaled(triggers: Config, **more: object) -> dict[str, Any]:
    return triggered(triggers, **more).one("ScaledObject").inputs["spec"]


REDIS: Config = {"redis": {"store": "queue", "list": "celery", "length": 5}}


def test_keda_follows_a_list_of_a_store_at_an_address_that_resolves_from_its_own_namespace() -> None:
    assert scaled({"jobs": REDIS})["triggers"] == [
        {
            "name": "jobs",
            "type": "redis",
            "metadata": {"address": "queue.shop-dev.svc:6380", "listName": "celery", "listLength": "5"},
        }
    ]


def test_keda_asks_the_clusters_prometheus_and_is_given_a_plain_number() -> None:
    (trigger,) = scaled({"load": {"prometheus": {"query": "sum(x)", "threshold": "1500m"}}})["triggers"]
    assert trigger == {
        "name": "load",
        "type": "prometheus",
        "metadata": {"serverAddress": "http://prometheus.monitoring:9090", "query": "sum(x)", "threshold": "1.5"},
    }


def test_a_query_of_keda_with_a_place_for_matchers_gives_each_slot_its_own_share() -> None:
    query = "sum(rate(http_requests_total{<<.LabelMatchers>>}[1m]))"
    (trigger,) = scaled({"load": {"prometheus": {"query": query, "threshold": 5}}})["triggers"]
    own = 'namespace="shop-dev",slipway_dev_slot="blue"'
    assert trigger["metadata"]["query"] == f"sum(rate(http_requests_total{{{own}}}[1m]))"


LOAD: Config = {"prometheus": {"query": "sum(x)", "threshold": 5}}


def test_without_a_fallback_keda_keeps_what_runs_and_no_series_is_a_zero() -> None:
    spec = scaled({"load": LOAD})
    assert "fallback" not in spec
    assert "ignoreNullValues" not in spec["triggers"][0]["metadata"]


def test_a_fallback_is_kedas_and_keeps_pods_that_are_there() -> None:
    assert scaled({"load": LOAD}, fallback={"replicas": 4})["fallback"] == {
        "failureThreshold": 3,
        "replicas": 4,
        "behavior": "currentReplicasIfHigher",
    }
    exactly = {"failureThreshold": 0, "replicas": 10, "behavior": "static"}
    assert scaled({"load": LOAD}, fallback=exactly)["fallback"] == exactly


def test_with_a_fallback_a_query_without_an_answer_is_a_failure_and_no_zero() -> None:
    load, jobs = scaled({"load": LOAD, "jobs": REDIS}, fallback={"replicas": 4})["triggers"]
    assert load["metadata"]["ignoreNullValues"] == "false"
    assert "ignoreNullValues" not in jobs["metadata"], "an empty list is a 0"


def test_keda_scales_ahead_of_a_known_peak() -> None:
    cron = {"timezone": "Europe/Berlin", "start": "30 7 * * 1-5", "end": "0 18 * * 1-5", "replicas": 6}
    (trigger,) = scaled({"peak": {"cron": cron}})["triggers"]
    del cron["replicas"]
    assert trigger == {"name": "peak", "type": "cron", "metadata": {**cron, "desiredReplicas": "6"}}


def test_keda_follows_cpu_beside_another_trigger_in_the_order_of_the_entry() -> None:
    first, second = scaled({"jobs": REDIS, "busy": {"cpu": {"utilization": 75}}})["triggers"]
    assert first["name"] == "jobs"
    assert second == {"name": "busy", "type": "cpu", "metricType": "Utilization", "metadata": {"value": "75"}}


def test_a_scaled_object_is_the_slots_alone_and_the_deployment_names_no_replicas() -> None:
    run = triggered({"jobs": REDIS}, polling="10s", cooldown="90s")
    made = run.one("ScaledObject", "web-blue").inputs
    assert (made["apiVersion"], made["kind"]) == ("keda.sh/v1alpha1", "ScaledObject")
    spec = made["spec"]
    assert spec["scaleTargetRef"] == TARGET
    assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == (0, 10)
    assert (spec["pollingInterval"], spec["cooldownPeriod"]) == (10, 90)
    assert "advanced" not in spec
    assert "replicas" not in run.one("Deployment", "web-blue").inputs["spec"]
    assert run.of_kind("HorizontalPodAutoscaler") == [], "KEDA makes it"


@pytest.mark.parametrize("length", [3, 49, 50, 58, 63])
def test_the_hpa_that_keda_names_after_a_scaled_object_fits_in_a_label(length: int) -> None:
    service_name = "n" * length
    scaling = {"minReplicas": 1, "maxReplicas": 10, "triggers": {"busy": {"cpu": {"utilization": 75}}}}
    run = deployed(entry(services={service_name: service(scaling=scaling)}), stack())
    (made,) = run.of_kind("ScaledObject")
    name = made.inputs["metadata"]["name"]
    assert len(f"keda-hpa-{name}") <= 63
    assert (name == f"{service_name}-blue") == (length <= 49)
    (deployment,) = run.of_kind("Deployment")
    assert made.inputs["spec"]["scaleTargetRef"]["name"] == deployment.inputs["metadata"]["name"]


def test_keda_is_told_of_a_slot_when_its_deployment_is_there() -> None:
    """It looks for a target that is missing ever more rarely; while a model is trained, up to minutes apart."""
    run = triggered({"jobs": REDIS})
    assert run.one("Deployment", "web-blue").urn in run.one("ScaledObject", "web-blue").depends_on


def test_a_custom_resource_carries_a_pace_under_the_apis_own_names() -> None:
    spec = scaled({"jobs": REDIS}, behavior={"scaleUp": {"stabilization": "30s", "pods": 2, "period": "20s"}})
    assert spec["advanced"] == {
        "horizontalPodAutoscalerConfig": {
            "behavior": {
                "scaleUp": {
                    "stabilizationWindowSeconds": 30,
                    "policies": [{"type": "Pods", "value": 2, "periodSeconds": 20}],
                    "selectPolicy": "Min",
                }
            }
        }
    }


@pytest.mark.parametrize("trigger", [REDIS, {"cpu": {"utilization": 50}}], ids=str)
def test_keda_takes_texts_only(trigger: Config) -> None:
    (found,) = scaled({"t": trigger}, minReplicas=1)["triggers"]
    assert all(isinstance(value, str) for value in found["metadata"].values())
