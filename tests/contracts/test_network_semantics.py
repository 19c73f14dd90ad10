"""The evaluator of policies, against cases whose answer the Kubernetes documentation gives."""

from typing import Any

import pytest

from tests.contracts.flows import Connection, End, Outside, Pod, PolicySet, Protocol, matches
from tests.each import each

Spec = dict[str, Any]


def pod(name: str, namespace: str = "shop", address: str = "10.0.0.1", **labels: str) -> Pod:
    own = {"kubernetes.io/metadata.name": namespace}
    ports: dict[tuple[str, Protocol], int] = {("http", "TCP"): 5000, ("dns", "UDP"): 53}
    return Pod(name, namespace, {"app": name, **labels}, address, own, ports)


WEB = pod("web")
DB = pod("db", address="10.0.0.2")
OTHER_PORT = Pod("db", "shop", {"app": "db"}, "10.0.0.9", DB.namespace_labels, {("http", "TCP"): 6000})
ABROAD = pod("web", "default", "10.0.1.1", team="a")
INTERNET = Outside("internet", "203.0.113.7")
INTERNET_6 = Outside("internet over IPv6", "2001:db8::7")


def policy(spec: Spec, namespace: str = "shop") -> Spec:
    return {"metadata": {"namespace": namespace}, "spec": spec}


def flows(*policies: Spec, source: End = WEB, to: End = DB, port: int = 5000, protocol: Protocol = "TCP") -> bool:
    return PolicySet(policies).allow(Connection(source, to, port, protocol))


DENY_IN = policy({"podSelector": {}, "policyTypes": ["Ingress"]})
DENY_OUT = policy({"podSelector": {}, "policyTypes": ["Egress"]})
DENY = policy({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]})


def admitting(*peers: Spec, ports: list[Spec] | None = None, of: Spec | None = None) -> Spec:
    """Admit these to the database at these ports."""
    rule: Spec = {"from": list(peers)} if peers else {}
    if ports is not None:
        rule["ports"] = ports
    return policy({"podSelector": of or {"matchLabels": {"app": "db"}}, "policyTypes": ["Ingress"], "ingress": [rule]})


def releasing(*peers: Spec, ports: list[Spec] | None = None) -> Spec:
    """Let the web server out to these at these ports."""
    rule: Spec = {"to": list(peers)} if peers else {}
    if ports is not None:
        rule["ports"] = ports
    return policy({"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Egress"], "egress": [rule]})


TO_WEB: Spec = {"podSelector": {"matchLabels": {"app": "web"}}}


def test_without_any_policy_everything_flows() -> None:
    assert flows()
    assert flows(source=INTERNET)
    assert flows(to=INTERNET)


@pytest.mark.parametrize(
    ("denying", "into", "out", "inside"),
    [(DENY_IN, False, True, False), (DENY_OUT, True, False, False), (DENY, False, False, False)],
)
def test_a_direction_is_closed_by_the_policies_of_that_direction_alone(
    denying: Spec, into: bool, out: bool, inside: bool
) -> None:
    assert flows(denying, source=INTERNET) is into
    assert flows(denying, source=WEB, to=INTERNET) is out
    assert flows(denying) is inside


def test_a_policy_closes_the_pods_of_its_own_namespace_only() -> None:
    elsewhere = policy({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}, namespace="default")
    assert flows(elsewhere)
    assert not flows(elsewhere, source=ABROAD)


def test_a_policy_closes_only_the_pods_that_it_selects() -> None:
    closed = policy({"podSelector": {"matchLabels": {"app": "db"}}, "policyTypes": ["Ingress"]})
    assert not flows(closed)
    assert flows(closed, source=DB, to=WEB)


def test_policies_add_up_and_their_order_does_not_matter() -> None:
    assert flows(DENY_IN, admitting(TO_WEB))
    assert flows(admitting(TO_WEB), DENY_IN)
    assert not flows(DENY_IN, admitting({"podSelector": {"matchLabels": {"app": "x"}}}))


def test_a_connection_needs_the_leave_of_both_sides() -> None:
    assert not flows(DENY, admitting(TO_WEB))
    assert not flows(DENY, releasing({"podSelector": {}}))
    assert flows(DENY, admitting(TO_WEB), releasing({"podSelector": {}}))


def test_a_pod_always_reaches_itself() -> None:
    assert flows(DENY, source=DB, to=DB)


def test_without_policy_types_a_policy_is_for_ingress_and_for_egress_where_it_has_such_rules() -> None:
    assert not flows(policy({"podSelector": {}}))
    assert flows(policy({"podSelector": {}}), to=INTERNET)
    assert not flows(policy({"podSelector": {}, "egress": [{"ports": [{"port": 53}]}]}), to=INTERNET)
    assert flows(policy({"podSelector": {}, "egress": []}), to=INTERNET)


@pytest.mark.parametrize("everybody", [{}, {"from": []}, {"ports": []}, {"from": [], "ports": []}])
def test_a_rule_without_peers_admits_everybody_and_without_ports_at_every_port(everybody: Spec) -> None:
    spec: Spec = {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [everybody]}
    for source in (WEB, ABROAD, INTERNET, INTERNET_6):
        assert flows(policy(spec), source=source, port=22)


def test_a_list_without_rules_admits_nobody() -> None:
    assert not flows(policy({"podSelector": {}, "policyTypes": ["Ingress"], "ingress": []}))


def test_a_pod_selector_alone_means_the_policys_own_namespace() -> None:
    assert flows(admitting(TO_WEB))
    assert not flows(admitting(TO_WEB), source=ABROAD)


def test_a_namespace_selector_alone_means_all_of_its_pods_and_no_address() -> None:
    default: Spec = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "default"}}}
    assert flows(admitting(default), source=ABROAD)
    assert not flows(admitting(default))
    assert flows(admitting({"namespaceSelector": {}}), source=ABROAD)
    assert flows(admitting({"namespaceSelector": {}}))
    assert not flows(admitting({"namespaceSelector": {}}), source=INTERNET)


def test_both_selectors_in_one_peer_must_both_hold_and_in_two_peers_one_of_them() -> None:
    default: Spec = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "default"}}}
    team: Spec = {"podSelector": {"matchLabels": {"team": "a"}}}
    stranger = pod("x", "default", "10.0.1.2")
    assert flows(admitting({**default, **team}), source=ABROAD)
    assert not flows(admitting({**default, **team}), source=stranger)
    assert flows(admitting(default, team), source=stranger)


@each(
    ("block", "admitted"),
    [
        ({"cidr": "203.0.113.0/24"}, [INTERNET]),
        ({"cidr": "203.0.113.0/24", "except": ["203.0.113.0/29"]}, []),
        ({"cidr": "203.0.113.0/24", "except": ["203.0.113.8/29"]}, [INTERNET]),
        ({"cidr": "203.0.113.8/29"}, []),
        ({"cidr": "0.0.0.0/0"}, [WEB, ABROAD, INTERNET]),
        ({"cidr": "::/0"}, [INTERNET_6]),
        ({"cidr": "2001:db8::/32"}, [INTERNET_6]),
    ],
)
def test_a_block_admits_the_addresses_in_it_but_for_its_exceptions(block: Spec, admitted: list[End]) -> None:
    ends: list[End] = [WEB, ABROAD, INTERNET, INTERNET_6]
    assert [end for end in ends if flows(admitting({"ipBlock": block}), source=end)] == admitted


@each(
    ("ports", "admitted"),
    [
        ([{"port": 5000}], [(5000, "TCP")]),
        ([{"port": 5000, "protocol": "UDP"}], [(5000, "UDP")]),
        ([{"protocol": "UDP"}], [(5000, "UDP"), (53, "UDP")]),
        ([{"port": 5000}, {"port": 53}], [(5000, "TCP"), (53, "TCP")]),
        ([{"port": 50, "endPort": 60}], [(53, "TCP")]),
        ([{"port": 53, "endPort": 53}], [(53, "TCP")]),
        ([{"port": 54, "endPort": 4999}], []),
        ([{"port": "http"}], [(5000, "TCP")]),
        ([{"port": "http", "protocol": "UDP"}], []),
        ([{"port": "dns", "protocol": "UDP"}], [(53, "UDP")]),
        ([{"port": "metrics"}], []),
        ([], [(5000, "TCP"), (5000, "UDP"), (53, "TCP"), (53, "UDP")]),
    ],
)
def test_ports_are_numbers_ranges_or_names_of_one_protocol(
    ports: list[Spec], admitted: list[tuple[int, Protocol]]
) -> None:
    every: list[tuple[int, Protocol]] = [(5000, "TCP"), (5000, "UDP"), (53, "TCP"), (53, "UDP")]
    rule = admitting(TO_WEB, ports=ports)
    assert [at for at in every if flows(rule, port=at[0], protocol=at[1])] == admitted


def test_a_name_is_resolved_at_the_destination_in_both_directions() -> None:
    into = admitting(TO_WEB, ports=[{"port": "http"}])
    out = releasing({"podSelector": {}}, ports=[{"port": "http"}])
    for rule in (into, out):
        assert flows(rule)
        assert flows(rule, to=OTHER_PORT, port=6000)
        assert not flows(rule, to=OTHER_PORT, port=5000), "the name stands for 6000 there"


def test_a_name_means_nothing_outside_the_cluster() -> None:
    assert not flows(releasing({"ipBlock": {"cidr": "0.0.0.0/0"}}, ports=[{"port": "http"}]), to=INTERNET)
    assert flows(releasing({"ipBlock": {"cidr": "0.0.0.0/0"}}, ports=[{"port": 5000}]), to=INTERNET)


@each(
    ("selector", "expected"),
    [
        ({}, True),
        ({"matchLabels": {}}, True),
        ({"matchLabels": {"a": "1"}}, True),
        ({"matchLabels": {"a": "2"}}, False),
        ({"matchLabels": {"a": "1", "c": "1"}}, False),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1", "2"]}]}, True),
        ({"matchExpressions": [{"key": "c", "operator": "In", "values": ["1"]}]}, False),
        ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]}, False),
        ({"matchExpressions": [{"key": "c", "operator": "NotIn", "values": ["1"]}]}, True),
        ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["2"]}]}, True),
        ({"matchExpressions": [{"key": "a", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "c", "operator": "Exists"}]}, False),
        ({"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}, False),
        ({"matchExpressions": [{"key": "c", "operator": "DoesNotExist"}]}, True),
        ({"matchLabels": {"a": "1"}, "matchExpressions": [{"key": "b", "operator": "In", "values": ["9"]}]}, False),
        ({"matchLabels": {"a": "9"}, "matchExpressions": [{"key": "b", "operator": "Exists"}]}, False),
    ],
)
def test_a_label_selector_selects_what_holds_all_that_it_says(selector: Spec, expected: bool) -> None:
    assert matches(selector, {"a": "1", "b": "2"}) is expected


def test_an_operator_that_does_not_exist_is_an_error_and_not_a_guess() -> None:
    with pytest.raises(ValueError, match="'Gt' is no operator"):
        matches({"matchExpressions": [{"key": "a", "operator": "Gt", "values": ["1"]}]}, {"a": "2"})
