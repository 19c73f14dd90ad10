"""The figures that the five published systems give, in what prod declares; docs/systems.md names each test's row."""

from typing import Any

import pytest

from tests.contracts.cases import Case, objects_of, of_program
from tests.declared import Declared, Objects
from tests.samples import WITHOUT_MANAGEMENT

MANAGEMENT = {"name": "management", "containerPort": 9090}
AMOUNTS = ({"cpu": "1", "memory": "2Gi"}, {"cpu": "2", "memory": "4Gi"})


def prod(entry: str) -> Objects[Declared]:
    return objects_of(Case(entry, "prod", both=False))


def deployment(run: Objects[Declared], service: str) -> dict[str, Any]:
    return run.one("Deployment", f"{service}-blue").inputs["spec"]


def pod(run: Objects[Declared], service: str) -> dict[str, Any]:
    return deployment(run, service)["template"]["spec"]


def server(run: Objects[Declared], service: str) -> dict[str, Any]:
    (container,) = pod(run, service)["containers"]
    return container


def amounts(run: Objects[Declared], service: str) -> tuple[dict[str, str], dict[str, str]]:
    resources = server(run, service)["resources"]
    return tuple({key: resources[kind][key] for key in ("cpu", "memory")} for kind in ("requests", "limits"))  # pyright: ignore[reportReturnType]


def scaler(run: Objects[Declared], service: str) -> dict[str, Any]:
    return run.one("HorizontalPodAutoscaler", f"{service}-blue").inputs["spec"]


def metric(spec: dict[str, Any], kind: str) -> dict[str, Any]:
    (found,) = [metric for metric in spec["metrics"] if metric["type"] == kind]
    return found


def live(run: Objects[Declared], service: str) -> dict[str, Any]:
    return run.one("Service", service).inputs


@pytest.mark.parametrize(
    ("entry", "service", "port"),
    [("parsing", "parsing", 7860), ("classifier", "classifier", 5000), ("nlu", "nlu", 7860), ("gpu", "model", 8080)],
)
def test_ports_requests_and_limits_are_the_published_ones(entry: str, service: str, port: int) -> None:
    run = prod(entry)
    assert server(run, service)["ports"] == [{"name": "web", "containerPort": port}, MANAGEMENT]
    assert amounts(run, service) == AMOUNTS


def test_parsing_runs_two_and_rolls_one_by_one() -> None:
    run = prod("parsing")
    assert scaler(run, "parsing")["minReplicas"] == 2
    assert deployment(run, "parsing")["strategy"]["rollingUpdate"] == {"maxUnavailable": 1, "maxSurge": 1}
    assert metric(scaler(run, "parsing"), "Resource")["resource"]["name"] == "cpu"


def test_parsing_keeps_its_model_on_a_claim_that_its_replicas_share() -> None:
    run = prod("parsing")
    assert run.one("PersistentVolumeClaim", "hub").inputs["spec"]["accessModes"] == ["ReadWriteMany"]
    for service in ("parsing", "worker"):
        (fetch,) = pod(run, service)["initContainers"]
        assert fetch["command"][-2:] == ["--cache", "/var/cache/modelscope/hub"]


def test_parsing_is_behind_a_cloud_balancer_that_asks_for_its_health_and_is_pulled_from_a_private_registry() -> None:
    run = prod("parsing")
    balancer = live(run, "parsing")
    prefix = "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-health-check"
    assert balancer["spec"]["type"] == "LoadBalancer"
    assert balancer["metadata"]["annotations"][f"{prefix}-type"] == "http"
    assert balancer["metadata"]["annotations"][f"{prefix}-uri"] == "/health"
    assert pod(run, "parsing")["imagePullSecrets"] == [{"name": "registry"}]


def test_parsings_worker_scales_on_the_length_of_its_queue() -> None:
    (trigger,) = prod("parsing").one("ScaledObject", "worker-blue").inputs["spec"]["triggers"]
    assert trigger["type"] == "redis"
    assert trigger["metadata"]["listName"] == "parsing"


def test_faces_features_takes_a_gpu_on_gpu_nodes_behind_a_service_on_80() -> None:
    run = prod("faces")
    assert amounts(run, "features") == ({"cpu": "500m", "memory": "1Gi"}, {"cpu": "2", "memory": "4Gi"})
    resources = server(run, "features")["resources"]
    assert resources["requests"]["nvidia.com/gpu"] == resources["limits"]["nvidia.com/gpu"] == "1"
    assert server(run, "features")["ports"] == [{"name": "web", "containerPort": 5000}, MANAGEMENT]
    service = live(run, "features")["spec"]
    assert service["type"] == "ClusterIP"
    assert [(port["port"], port["targetPort"]) for port in service["ports"]] == [(80, "web")]


def test_faces_features_scales_from_two_to_ten_at_70_percent_of_cpu() -> None:
    spec = scaler(prod("faces"), "features")
    assert (spec["minReplicas"], spec["maxReplicas"]) == (2, 10)
    assert metric(spec, "Resource")["resource"]["target"]["averageUtilization"] == 70


def test_faces_features_has_minutes_to_start_and_a_verified_model_from_object_storage() -> None:
    run = prod("faces")
    probe = server(run, "features")["startupProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] == 300
    (fetch,) = pod(run, "features")["initContainers"]
    assert fetch["command"][2:4] == ["serving.fetch", "s3://models/faces/1"]


def test_every_service_of_faces_is_scraped_every_30_seconds_and_no_longer_where_clients_come_in() -> None:
    monitors = prod("faces").of_kind("ServiceMonitor")
    assert {monitor.object_name for monitor in monitors} == {"capture", "preprocess", "features", "compare", "store"}
    for monitor in monitors:
        old, new = monitor.inputs["spec"]["endpoints"]
        pace = {"path": "/metrics", "interval": "30s"}
        assert old == {"port": "web", **pace, "relabelings": [WITHOUT_MANAGEMENT]}
        assert new == {"targetPort": "management", **pace}


def test_faces_features_is_placed_on_gpu_nodes_over_zones_before_others_and_stays_available() -> None:
    run = prod("faces")
    spec = pod(run, "features")
    required = spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    (term,) = required["nodeSelectorTerms"]
    assert term["matchExpressions"] == [{"key": "nvidia.com/gpu.present", "operator": "In", "values": ["true"]}]
    assert spec["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
    assert spec["priorityClassName"] == "inference"
    assert "topology.kubernetes.io/zone" in [c["topologyKey"] for c in spec["topologySpreadConstraints"]]
    assert run.one("PodDisruptionBudget", "features-blue").inputs["spec"]["maxUnavailable"] == 1


def test_faces_gateway_keeps_the_clients_address_and_limits_its_rate_and_its_vectors_are_on_fast_storage() -> None:
    run = prod("faces")
    assert live(run, "capture")["spec"]["externalTrafficPolicy"] == "Local"
    annotations = run.one("Ingress", "capture").inputs["metadata"]["annotations"]
    assert annotations["nginx.ingress.kubernetes.io/limit-rps"] == "50"
    assert [ingress.object_name for ingress in run.of_kind("Ingress")] == ["capture"]
    assert run.one("PersistentVolumeClaim", "vectors-data").inputs["spec"]["storageClassName"] == "fast"
    claims = of_program(Case("faces", "prod", both=False)).of_kind("PersistentVolumeClaim")
    assert {claim.protect for claim in claims} == {True}


def test_classifier_runs_three_behind_a_balancer_and_keeps_its_users_with_their_version() -> None:
    run = prod("classifier")
    assert scaler(run, "classifier")["minReplicas"] == 3
    assert live(run, "classifier")["spec"]["type"] == "LoadBalancer"
    annotations = run.one("Ingress", "classifier").inputs["metadata"]["annotations"]
    assert annotations["nginx.ingress.kubernetes.io/affinity"] == "cookie"


def test_nlu_scales_on_cpu_and_on_requests_in_one_object_and_the_adapters_rule_comes_along() -> None:
    run = prod("nlu")
    spec = scaler(run, "nlu")
    assert (spec["minReplicas"], spec["maxReplicas"]) == (2, 8)
    assert metric(spec, "Resource")["resource"]["target"]["averageUtilization"] == 60
    requests = metric(spec, "Pods")["pods"]
    assert requests["metric"]["name"] == "http_requests_total"
    assert requests["target"] == {"type": "AverageValue", "averageValue": "20"}
    rules = run.one("ConfigMap", "adapter-rules").inputs["data"]["config.yaml"]
    assert "[120s]" in rules or "[2m]" in rules


def test_nlu_has_the_published_time_to_start_and_its_files_from_a_config_map_and_one_pod_always_stays() -> None:
    run = prod("nlu")
    probes = {kind: server(run, "nlu")[f"{kind}Probe"] for kind in ("startup", "readiness", "liveness")}
    assert probes["startup"]["periodSeconds"] * probes["startup"]["failureThreshold"] == 90
    assert (probes["readiness"]["periodSeconds"], probes["readiness"]["timeoutSeconds"]) == (15, 3)
    assert (probes["liveness"]["periodSeconds"], probes["liveness"]["timeoutSeconds"]) == (30, 5)
    (files,) = [volume for volume in pod(run, "nlu")["volumes"] if volume["name"] == "files"]
    assert set(run.one("ConfigMap", files["configMap"]["name"]).inputs["data"]) == {"config.json", "vocab.txt"}
    assert run.one("PodDisruptionBudget", "nlu-blue").inputs["spec"]["minAvailable"] == 1


def test_gpu_scales_on_cpu_and_on_an_external_rate_and_keeps_its_replicas_apart() -> None:
    run = prod("gpu")
    spec = scaler(run, "model")
    assert (spec["minReplicas"], spec["maxReplicas"]) == (2, 10)
    assert metric(spec, "Resource")["resource"]["target"]["averageUtilization"] == 70
    rate = metric(spec, "External")["external"]
    assert rate["metric"]["name"] == "requests_per_second"
    assert rate["target"] == {"type": "AverageValue", "averageValue": "500"}
    assert "preferredDuringSchedulingIgnoredDuringExecution" in pod(run, "model")["affinity"]["podAntiAffinity"]
    assert server(run, "model")["readinessProbe"]["httpGet"]["path"] == "/healthz"


def test_gpu_has_a_canary_of_20_percent_at_its_published_host_and_path() -> None:
    run = objects_of(Case("gpu", "prod", both=True))
    canary = run.one("Ingress", "model-canary").inputs
    assert canary["metadata"]["annotations"]["nginx.ingress.kubernetes.io/canary-weight"] == "20"
    (rule,) = canary["spec"]["rules"]
    assert (rule["host"], rule["http"]["paths"][0]["path"]) == ("model.example.com", "/predict")


def test_gpu_raises_an_alarm_when_inference_is_slow_and_when_the_error_budget_burns() -> None:
    rule = prod("gpu").one("PrometheusRule", "model").inputs["spec"]
    alerts = {alert["alert"]: alert for group in rule["groups"] for alert in group["rules"] if "alert" in alert}
    slow = alerts["HighInferenceLatency"]
    assert slow["for"] == "5m" or slow["for"] == "300s"
    assert slow["expr"].replace("\n", " ").rstrip().endswith("> 0.5")
    assert slow["labels"]["severity"] == "critical"
    assert {"summary", "description"} <= slow["annotations"].keys()
    assert len(alerts) > 1
