"""The pure functions: the settings file, the quota, the network rules and the canary's annotations."""

import json
from typing import Any, cast

import pytest

from components.manifests import guards, ingress, network
from components.manifests.settings import SettingsFile, config_map_name, settings_file
from models.cluster import ClusterSettings
from models.release import ServiceRelease
from models.server import ServerSettings
from models.service import ServiceSpec
from tests.samples import Config, accepted, release, service

SPEC = accepted(ServiceSpec, service(drain={"preStop": "6s", "drain": "31s", "grace": "45s", "requestTimeout": "29s"}))
CLUSTER = ClusterSettings(context="prod")


def test_the_settings_file_holds_what_the_server_reads() -> None:
    assert json.loads(settings_file(SPEC, None).text) == {
        "modelName": "digits",
        "modelPath": "/models",
        "queueLimit": 64,
        "requestTimeoutSeconds": 29,
        "drainSeconds": 31,
        "logLevel": "info",
        "topK": 3,
    }


def test_a_releases_settings_replace_the_entrys_and_nothing_else() -> None:
    own = json.loads(settings_file(SPEC, ServerSettings(queue_limit=5, log_level="debug", top_k=1)).text)
    assert (own["queueLimit"], own["logLevel"], own["topK"]) == (5, "debug", 1)
    assert own["drainSeconds"] == 31


def test_other_settings_are_another_config_map_and_the_same_are_the_same() -> None:
    one, same, other = (settings_file(SPEC, ServerSettings(queue_limit=limit)) for limit in (5, 5, 6))
    assert config_map_name("web", "blue", one) == config_map_name("web", "blue", same)
    assert config_map_name("web", "blue", one) != config_map_name("web", "blue", other)
    assert one.content_hash in config_map_name("web", "blue", one)


def test_two_slots_never_share_a_config_map() -> None:
    file = SettingsFile(text="{}")
    assert config_map_name("web", "blue", file) != config_map_name("web", "green", file)


def sized(replicas: Config, surge: int, cpu: str, memory: str) -> ServiceSpec:
    amounts = {"cpu": cpu, "memory": memory, "ephemeral-storage": "1Gi"}
    resources = {"requests": amounts, "limits": amounts}
    return accepted(ServiceSpec, service(scaling=replicas, rollout={"maxSurge": surge}, resources=resources))


def test_the_quota_is_two_full_slots_with_a_surge_on_each() -> None:
    ranged = {"minReplicas": 2, "maxReplicas": 4, "metrics": {"cpu": {"utilization": 70}}}
    assert guards.quota([sized(ranged, 1, "250m", "512Mi")]) == {
        "pods": "10",
        "limits.cpu": "2500m",
        "limits.ephemeral-storage": "10Gi",
        "limits.memory": "5Gi",
        "requests.cpu": "2500m",
        "requests.ephemeral-storage": "10Gi",
        "requests.memory": "5Gi",
    }


def test_the_quota_adds_up_services() -> None:
    hard = guards.quota([sized({"replicas": 1}, 1, "1", "1Gi"), sized({"replicas": 2}, 2, "500m", "1Gi")])
    assert (hard["pods"], hard["requests.cpu"], hard["limits.memory"]) == ("12", "8", "12Gi")


def admitted(policy: Any, namespaces: list[str], port: object = "http") -> set[str]:
    """Evaluate an ingress policy as Kubernetes does: who reaches a selected pod at a port."""
    found: set[str] = set()
    for rule in cast("list[dict[str, Any]]", policy.get("ingress", [])):
        ports = [p["port"] for p in rule.get("ports", [])]
        if ports and port not in ports:
            continue
        peers = rule.get("from_")
        for namespace in namespaces:
            labels = {"kubernetes.io/metadata.name": namespace}
            if not peers or any(p["namespace_selector"]["match_labels"].items() <= labels.items() for p in peers):
                found.add(namespace)
    return found


EVERYONE = ["ingress-nginx", "monitoring", "default", "kube-system", "shop-dev"]
ROUTE = {"host": "web.example.com"}


@pytest.mark.parametrize(
    ("blocks", "cluster", "expected"),
    [
        ({"route": ROUTE}, {}, {"ingress-nginx", "monitoring"}),
        ({"route": None}, {}, {"monitoring"}),
        ({"route": ROUTE, "monitoring": None}, {}, {"ingress-nginx"}),
        ({"route": ROUTE}, {"monitoring": False}, {"ingress-nginx"}),
        ({"route": None, "monitoring": None}, {}, set[str]()),
        ({"route": None}, {"monitoring": False}, set[str]()),
        (
            {"route": ROUTE},
            {"ingressNamespace": "default", "monitoringNamespace": "kube-system"},
            {"default", "kube-system"},
        ),
    ],
)
def test_only_who_must_reach_a_service_does(blocks: Config, cluster: Config, expected: set[str]) -> None:
    policy = network.service_ingress(
        service="web",
        spec=accepted(ServiceSpec, service(**blocks)),
        cluster=accepted(ClusterSettings, {"context": "prod", **cluster}),
    )
    assert admitted(policy, EVERYONE) == expected
    assert admitted(policy, EVERYONE, port=22) == set()
    assert policy.get("pod_selector") == {"match_labels": {"app.kubernetes.io/name": "web"}}
    assert policy.get("policy_types") == ["Ingress"]


def test_the_default_admits_nobody_and_lets_nothing_out() -> None:
    policy = network.default_deny()
    assert admitted(policy, EVERYONE) == set()
    assert policy == {"pod_selector": {}, "policy_types": ["Ingress", "Egress"]}


def test_names_are_resolved_over_both_protocols_and_nothing_else_leaves() -> None:
    policy: Any = network.dns_egress()
    assert policy["policy_types"] == ["Egress"]
    (rule,) = policy["egress"]
    assert [(port["protocol"], port["port"]) for port in rule["ports"]] == [("UDP", 53), ("TCP", 53)]


HEADER = {"name": "X-Canary"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"weight": 20}, {"canary-weight": "20"}),
        ({"weight": 0}, {"canary-weight": "0"}),
        ({"weight": 100}, {"canary-weight": "100"}),
        ({"match": {"header": HEADER}}, {"canary-weight": "0", "canary-by-header": "X-Canary"}),
        (
            {"match": {"header": {**HEADER, "value": "yes"}}},
            {"canary-weight": "0", "canary-by-header": "X-Canary", "canary-by-header-value": "yes"},
        ),
        (
            {"match": {"header": {**HEADER, "pattern": "^b"}}},
            {"canary-weight": "0", "canary-by-header": "X-Canary", "canary-by-header-pattern": "^b"},
        ),
        ({"match": {"cookie": "canary"}, "weight": 5}, {"canary-weight": "5", "canary-by-cookie": "canary"}),
        (
            {"match": {"header": HEADER, "cookie": "canary"}, "weight": 5},
            {"canary-weight": "5", "canary-by-header": "X-Canary", "canary-by-cookie": "canary"},
        ),
    ],
    ids=str,
)
def test_the_canarys_annotations_say_what_the_release_says(changes: Config, expected: dict[str, str]) -> None:
    prefix = "nginx.ingress.kubernetes.io/"
    annotations = ingress.canary_annotations(accepted(ServiceRelease, release(**changes)))
    assert annotations == {f"{prefix}canary": "true", **{f"{prefix}{key}": value for key, value in expected.items()}}
