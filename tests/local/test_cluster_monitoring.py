"""What the local Prometheus scrapes, and under which labels: those that the operator gives in a real cluster."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from components import labels
from components.manifests import monitor, pod
from local import addresses, cluster, monitoring, node
from local.paths import Paths
from models.monitoring import Monitoring
from serving.telemetry import metrics
from tests.samples import SLIPWAY

PROJECT = Path(__file__).resolve().parents[2]
MANIFEST = Path(cluster.__file__).parent / "manifests/monitoring.yaml"
ENDPOINT = {
    "__meta_kubernetes_namespace": "classifier-dev",
    "__meta_kubernetes_service_name": "classifier-green",
    "__meta_kubernetes_service_label_app_kubernetes_io_name": "classifier",
    "__meta_kubernetes_service_label_slipway_dev_role": "slot",
    "__meta_kubernetes_service_label_slipway_dev_slot": "green",
    "__meta_kubernetes_pod_container_port_name": "management",
    "__meta_kubernetes_pod_label_slipway_dev_metrics": "management",
    "__meta_kubernetes_pod_name": "classifier-green-5d9f-abcde",
    "__meta_kubernetes_pod_container_name": "server",
    "__meta_kubernetes_pod_phase": "Running",
}


def scraped(found: Mapping[str, str]) -> dict[str, str] | None:
    """The labels that Prometheus gives to a discovered endpoint, None where it drops it."""
    known = dict(found)
    for rule in monitoring.slot_relabelings():
        text = ";".join(known.get(label, "") for label in rule.get("source_labels", ()))
        match = re.fullmatch(str(rule.get("regex", "(.*)")), text)
        action = rule.get("action", "replace")
        if action == "replace":
            assert match
            known[str(rule["target_label"])] = str(rule.get("replacement", text))
        elif (match is None) == (action == "keep"):
            return None
    return {label: value for label, value in known.items() if not label.startswith("__")}


def of_prometheus(paths: Paths) -> dict[str, Any]:
    return cast("dict[str, Any]", yaml.safe_load((paths.etc / monitoring.CONFIG).read_text()))


def test_a_slot_s_pod_gets_the_labels_that_the_operator_gives() -> None:
    assert scraped(ENDPOINT) == {
        "namespace": "classifier-dev",
        "service": "classifier-green",
        "job": "classifier-green",
        "pod": "classifier-green-5d9f-abcde",
        "container": "server",
        "endpoint": "management",
        "slipway_dev_slot": "green",
    }


def test_a_pod_without_a_management_port_is_scraped_at_its_main_port() -> None:
    """Such is a slot that is pinned to an older revision, and any server that has one port."""
    old = {key: text for key, text in ENDPOINT.items() if key != "__meta_kubernetes_pod_label_slipway_dev_metrics"}
    assert scraped(old) is None
    found = scraped({**old, "__meta_kubernetes_pod_container_port_name": "web"})
    assert found == {**cast("dict[str, str]", scraped(ENDPOINT)), "endpoint": "web"}


@pytest.mark.parametrize(
    "difference",
    [
        {"__meta_kubernetes_service_label_slipway_dev_role": ""},  # the live Service: it would count pods twice
        {"__meta_kubernetes_pod_container_port_name": "web"},
        {"__meta_kubernetes_pod_container_port_name": "grpc"},
        {"__meta_kubernetes_pod_phase": "Succeeded"},
        {"__meta_kubernetes_pod_phase": "Failed"},
    ],
)
def test_what_no_service_monitor_selects_is_not_scraped(difference: dict[str, str]) -> None:
    assert scraped({**ENDPOINT, **difference}) is None


def test_port_labels_and_path_are_those_of_the_service_monitors() -> None:
    spec: Any = monitor.service_monitor_spec(service="s", monitoring=Monitoring(), profile=SLIPWAY, management=True)
    old, new = spec["endpoints"]
    assert old["port"] == monitoring.PORT_NAME == pod.PORT_NAME
    assert new["targetPort"] == monitoring.MANAGEMENT_NAME == pod.MANAGEMENT_NAME
    assert old["path"] == new["path"] == "/metrics"
    assert monitoring.METRICS == labels.METRICS
    assert spec["targetLabels"] == [monitoring.SLOT]
    assert {monitoring.ROLE: monitoring.SLOT_ROLE}.items() <= labels.of_private_service("x", "s", "blue").items()
    assert monitor.scraped(monitoring.SLOT) in cast("dict[str, str]", scraped(ENDPOINT))


def test_everything_is_asked_each_second_and_answers_within_it(prepared: Paths) -> None:
    assert of_prometheus(prepared)["global"] == {"scrape_interval": "1s", "scrape_timeout": "900ms"}


def test_traefik_is_scraped_where_it_listens(prepared: Paths) -> None:
    job = next(job for job in of_prometheus(prepared)["scrape_configs"] if job["job_name"] == "traefik")
    (target,) = job["static_configs"][0]["targets"]
    assert f"http://{target}" == prepared.addresses.traefik_url


def test_every_stack_of_the_local_cluster_asks_this_prometheus_and_counts_at_traefik() -> None:
    files = [yaml.safe_load(file.read_text()) for file in PROJECT.glob("Pulumi.*.yaml")]
    settings = [file["config"]["slipway:cluster"] for file in files]
    local = [found for found in settings if found["context"] == addresses.CONTEXT]
    assert len(local) >= 6
    assert {(found["prometheusUrl"], found["proxyMetrics"]) for found in local} == {
        (addresses.Addresses().prometheus_url, "traefik")
    }


def test_one_latency_limit_can_be_asked_of_traefik_and_of_the_servers(prepared: Paths) -> None:
    (traefik,) = (daemon for daemon in node.daemons(prepared) if daemon.name == "traefik")
    (buckets,) = (text for text in traefik.arguments if "prometheus.buckets=" in text)
    assert tuple(map(float, buckets.partition("=")[2].split(","))) == metrics.LATENCY_BUCKETS


def test_prometheus_listens_on_the_bridge_and_keeps_its_data_in_the_state(prepared: Paths) -> None:
    (prometheus,) = monitoring.daemons(prepared)
    assert "--web.listen-address=10.88.0.1:9090" in prometheus.arguments
    assert f"--storage.tsdb.path={prepared.state}/prometheus" in prometheus.arguments
    assert of_prometheus(prepared)["storage"]["tsdb"]["retention"] == {"time": "2h", "size": "256MB"}


def test_nobody_can_stop_prometheus_or_write_to_it_over_the_network(prepared: Paths) -> None:
    (prometheus,) = monitoring.daemons(prepared)
    switches = ("lifecycle", "admin-api", "remote-write-receiver", "otlp-receiver")
    assert [text for text in prometheus.arguments if any(f"enable-{switch}" in text for switch in switches)] == []


def test_prometheus_may_look_and_not_touch(prepared: Paths) -> None:
    (role,) = (item for item in yaml.safe_load_all(MANIFEST.read_text()) if item["kind"] == "ClusterRole")
    assert {verb for rule in role["rules"] for verb in rule["verbs"]} == {"list", "watch"}
    assert {resource for rule in role["rules"] for resource in rule["resources"]} == {
        "services",
        "pods",
        "endpointslices",
    }
    (slots,) = (job for job in of_prometheus(prepared)["scrape_configs"] if job["job_name"] == "slots")
    (discovery,) = slots["kubernetes_sd_configs"]
    identity = yaml.safe_load(Path(discovery["kubeconfig_file"]).read_text())
    assert identity["users"][0]["name"] == "prometheus"
