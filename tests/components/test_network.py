"""Who enters whom, by the policies of small systems: each thing that opens a way, alone."""

from typing import Any

import pytest

from tests.components.reaching import (
    API,
    EVERYBODY,
    INTERNET,
    INTERNET_6,
    PORTS,
    QUEUE,
    ROUTE,
    S3,
    TRACER,
    TRAIN,
    WEB,
    pod,
    policies,
    registered,
    shop,
    system,
    where,
    who,
    with_everything,
)
from tests.contracts.flows import Connection, Outside, PolicySet
from tests.declared import Declared, Objects
from tests.each import each
from tests.samples import Config, entry, job, put, service, stack


def test_nobody_reaches_anybody_unless_something_says_so() -> None:
    rules = system()
    for end in (WEB, API, QUEUE, TRAIN):
        assert [who(rules, end, port, protocol) for port in PORTS for protocol in ("TCP", "UDP")] == [[]] * 18
        assert where(rules, end) == set()


def test_the_policy_that_denies_closes_both_directions_without_help_of_another() -> None:
    run = registered(shop(), with_everything())
    rules = PolicySet(p.inputs for p in run.of_kind("NetworkPolicy") if p.object_name == "default-deny")
    assert who(rules, WEB) == []
    assert not rules.allow(Connection(WEB, INTERNET, 53, "UDP"))


def test_every_pod_resolves_names_over_both_protocols_at_any_address() -> None:
    rules = system()
    for source in (WEB, API, QUEUE, TRAIN, pod("of nobody")):
        for place in (INTERNET, INTERNET_6, Outside("node-local cache", "169.254.20.10"), pod("dns", "kube-system")):
            assert rules.allow(Connection(source, place, 53, "UDP"))
            assert rules.allow(Connection(source, place, 53, "TCP"))
            assert not rules.allow(Connection(source, place, 54, "UDP"))


MONITORED: Config = {"monitoring": True}
GATEWAY: Config = {"traffic": "gateway", "gateway": {"name": "public", "namespace": "partner"}}


@each(
    ("blocks", "cluster", "expected"),
    [
        ({"route": ROUTE}, {}, ["ingress-nginx"]),
        ({}, MONITORED, ["monitoring"]),
        ({"route": ROUTE}, MONITORED, ["ingress-nginx", "monitoring"]),
        ({"route": ROUTE, "monitoring": None}, MONITORED, ["ingress-nginx"]),
        ({"route": ROUTE}, {"ingressNamespace": "default"}, ["default"]),
        ({"route": ROUTE}, GATEWAY, ["ingress-nginx"]),
        ({"route": ROUTE}, {**GATEWAY, "ingressNamespace": "default"}, ["default"]),
        ({}, {**MONITORED, "monitoringNamespace": "partner"}, ["partner"]),
        ({"exposure": {"namespaces": ["partner", "default"]}}, {}, ["default", "partner"]),
        ({"route": ROUTE, "exposure": {"namespaces": ["partner"]}}, {}, ["ingress-nginx", "partner"]),
    ],
)
def test_namespaces_enter_a_service_at_its_own_port_alone(blocks: Config, cluster: Config, expected: list[str]) -> None:
    rules = system(cluster, **blocks)
    found = who(rules, WEB)
    assert [name for name in found if name != "web"] == [f"pod of {name}" for name in expected]
    assert ("web" in found) is ("default" in expected), "a pod of that name in another namespace is a stranger"
    assert who(rules, WEB, 22) == who(rules, WEB, 5000, "UDP") == []


DIRECT: Config = {"metrics": "direct"}
SERVERS: Config = {"apiServerNetworks": ["203.0.113.0/24"]}


@each(
    ("blocks", "cluster", "expected"),
    [
        ({}, {**DIRECT, **SERVERS}, ["internet"]),
        ({"monitoring": None}, {**DIRECT, **SERVERS}, ["internet"]),
        ({}, {**DIRECT, **SERVERS, **MONITORED}, ["pod of monitoring", "internet"]),
        ({}, SERVERS, []),
        ({}, DIRECT, []),
    ],
)
def test_the_api_server_enters_where_the_metrics_are_if_it_reads_them_and_its_addresses_are_named(
    blocks: Config, cluster: Config, expected: list[str]
) -> None:
    assert who(system(cluster, **blocks), WEB) == expected


def test_a_callee_is_entered_by_its_callers_at_its_own_port_and_calls_nobody_back() -> None:
    rules = system(calls=["api", "queue"])
    assert who(rules, API) == ["web"]
    assert who(rules, QUEUE, 6379) == ["web"]
    assert where(rules, WEB) == {("api", 5000), ("queue", 6379)}
    assert where(rules, API) == where(rules, QUEUE) == set()


def test_a_job_reaches_what_it_calls_and_is_entered_by_nobody() -> None:
    data = put(shop(), "environments.dev.jobs.train", job(calls=["api", "queue"]))
    rules = policies(registered(data, with_everything()))
    assert where(rules, TRAIN) == {("api", 5000), ("queue", 6379)}
    assert (who(rules, API), who(rules, QUEUE, 6379)) == (["train"], ["train"])


def test_an_entered_pod_is_found_at_the_port_that_it_opens_while_a_rollout_changes_the_number() -> None:
    rules = system(route=ROUTE)
    old = pod("web", ports={("web", "TCP"): 4999})
    assert who(rules, old, 4999) == ["pod of ingress-nginx"]
    assert who(rules, old, 5000) == []


def test_egress_names_no_port_by_name() -> None:
    run = registered(shop(calls=["api", "queue"], model=S3), with_everything(tracing=TRACER))
    rules = [rule for policy in run.of_kind("NetworkPolicy") for rule in policy.inputs["spec"].get("egress", [])]
    ports = [port["port"] for rule in rules for port in rule["ports"]]
    assert set(ports) == {53, 4318, 5000, 6379, 9000}


EXPOSED = [end.name for end in EVERYBODY if end not in (WEB, API, QUEUE, TRAIN)]
"""Everybody but the pods of the system itself, which call nobody."""


@pytest.mark.parametrize(
    "exposure",
    [
        {"type": "LoadBalancer"},
        {"type": "NodePort"},
        {"type": "NodePort", "externalTrafficPolicy": "Local"},
        {"type": "LoadBalancer", "externalTrafficPolicy": "Local"},
        {"type": "LoadBalancer", "sourceRanges": ["203.0.113.0/24"]},
        {"type": "LoadBalancer", "sourceRanges": ["203.0.113.0/24"], "externalTrafficPolicy": "Cluster"},
    ],
    ids=str,
)
def test_a_public_service_is_entered_by_everybody_where_pods_cannot_see_who_connects(exposure: Config) -> None:
    rules = system(exposure=exposure)
    assert who(rules, WEB) == EXPOSED
    assert who(rules, WEB, 22) == who(rules, API) == []


def test_whoever_admits_everybody_does_so_by_saying_nothing_and_not_by_a_list_that_happens_to_be_empty() -> None:
    for exposure in ({"type": "NodePort"}, {"type": "LoadBalancer", "externalTrafficPolicy": "Local"}):
        run = registered(shop(exposure=exposure), with_everything())
        (rule,) = run.one("NetworkPolicy", "flows-web").inputs["spec"]["ingress"]
        assert rule == {"ports": [{"protocol": "TCP", "port": "web"}]}


def test_a_public_service_is_entered_by_its_ranges_alone_where_pods_see_who_connects() -> None:
    ranges = ["203.0.113.0/24", "2001:db8:f::/48"]
    exposure = {"type": "LoadBalancer", "direct": True, "externalTrafficPolicy": "Local", "sourceRanges": ranges}
    assert who(system(exposure=exposure), WEB) == ["internet", "internet 6"]
    exposure["sourceRanges"] = ranges[1:]
    assert who(system(exposure=exposure), WEB) == ["internet 6"]
    assert who(system(exposure=exposure, route=ROUTE), WEB) == ["pod of ingress-nginx", "internet 6"]


REDIS = {"redis": {"store": "queue", "list": "celery", "length": 5}}
CRON = {"cron": {"timezone": "UTC", "start": "0 7 * * *", "end": "0 18 * * *", "replicas": 2}}


@pytest.mark.parametrize(
    ("triggers", "cluster", "expected"),
    [
        ({"jobs": REDIS}, {}, ["pod of keda"]),
        ({"peak": CRON, "jobs": REDIS}, {}, ["pod of keda"]),
        ({"jobs": REDIS}, {"kedaNamespace": "partner"}, ["pod of partner"]),
        ({"peak": CRON}, {}, []),
    ],
)
def test_keda_enters_the_stores_that_its_triggers_ask_and_no_others(
    triggers: Config, cluster: Config, expected: list[str]
) -> None:
    rules = system(cluster, scaling={"minReplicas": 1, "maxReplicas": 3, "triggers": triggers})
    assert who(rules, QUEUE, 6379) == expected
    assert who(rules, WEB) == []


def names(run: Objects[Declared]) -> list[str]:
    return [policy.object_name for policy in run.of_kind("NetworkPolicy")]


def test_there_is_a_policy_that_denies_one_for_names_and_one_for_each_workload() -> None:
    run = registered(shop(), with_everything())
    assert names(run) == ["default-deny", "dns", "flows-web", "flows-api", "flows-queue", "flows-train"]


def test_a_service_may_be_called_as_our_own_policies_are() -> None:
    called = names(registered(entry(services={"dns": service(), "default-deny": service()}), stack()))
    assert called == ["default-deny", "dns", "flows-dns", "flows-default-deny"]


def test_long_names_that_differ_at_their_end_have_policies_of_their_own() -> None:
    long = [f"{'a' * 59}-{end}" for end in ("one", "two")]
    called = names(registered(entry(services={name: service() for name in long}), stack()))
    assert len(set(called)) == 4
    assert all(len(name) <= 63 for name in called)


def test_every_workloads_policy_says_both_directions() -> None:
    run = registered(shop(), with_everything())
    specs: list[Any] = [policy.inputs["spec"] for policy in run.of_kind("NetworkPolicy")]
    assert [spec["policyTypes"] for spec in specs if spec["podSelector"]] == [["Ingress", "Egress"]] * 4
