"""How the live Service is reached from outside; the rules are the API server's own."""

from models.exposure import Exposure
from tests.models.tables import (
    AT_LEAST_1,
    INTEGER,
    LABEL,
    LIST,
    NETWORK,
    NO_NETWORK,
    TEXT,
    Accepted,
    Refused,
    accepting,
    refusing,
)
from tests.samples import accepted

RANGES = {"sourceRanges": ["192.0.2.0/24", "2001:db8::/32"]}

ACCEPTED: Accepted = [
    (Exposure, {}),
    (Exposure, {"type": "ClusterIP", "port": 8080}),
    (Exposure, {"type": "NodePort", "externalTrafficPolicy": "Local", "direct": True}),
    (Exposure, {"type": "LoadBalancer", "externalTrafficPolicy": "Cluster", **RANGES}),
    (Exposure, {"annotations": {"service.beta.kubernetes.io/alibaba-cloud-loadbalancer-health-check-flag": "on"}}),
]
REFUSED: Refused = [
    (Exposure, {"type": "NodePort", "direct": "yes"}, "direct: 'yes': must be true or false"),
    (Exposure, {"direct": True}, "direct requires type NodePort or LoadBalancer; set type, or remove it"),
    (
        Exposure,
        {"type": "ExternalName"},
        "type: 'ExternalName': must be 'ClusterIP', 'NodePort' or 'LoadBalancer'",
    ),
    (
        Exposure,
        {"type": "loadBalancer"},
        "type: 'loadBalancer': must be 'ClusterIP', 'NodePort' or 'LoadBalancer'",
    ),
    (Exposure, {"port": 0}, f"port: 0: {AT_LEAST_1}"),
    (Exposure, {"port": "80"}, f"port: '80': {INTEGER}"),
    (
        Exposure,
        {"externalTrafficPolicy": "Local"},
        "externalTrafficPolicy requires type NodePort or LoadBalancer; set type, or remove it",
    ),
    (
        Exposure,
        {"type": "NodePort", "externalTrafficPolicy": "local"},
        "externalTrafficPolicy: 'local': must be 'Cluster' or 'Local'",
    ),
    (Exposure, RANGES, "sourceRanges and loadBalancerClass require type LoadBalancer; set type, or remove them"),
    (
        Exposure,
        {"type": "NodePort", **RANGES},
        "sourceRanges and loadBalancerClass require type LoadBalancer; set type, or remove them",
    ),
    (Exposure, {"type": "LoadBalancer", "sourceRanges": ["192.0.2.7"]}, f"sourceRanges.0: '192.0.2.7': {NETWORK}"),
    (
        Exposure,
        {"type": "LoadBalancer", "sourceRanges": ["192.0.2.7/24"]},
        f"sourceRanges.0: '192.0.2.7/24': {NO_NETWORK}: 192.0.2.7/24 has host bits set",
    ),
    (Exposure, {"type": "LoadBalancer", "sourceRanges": "192.0.2.0/24"}, f"sourceRanges: '192.0.2.0/24': {LIST}"),
    (Exposure, {"annotations": {"a b": "x"}}, f"annotations.a b: 'a b': {LABEL}"),
    (Exposure, {"annotations": {"flag": True}}, f"annotations.flag: True: {TEXT}"),
]


test_what_keeps_the_rules_is_accepted = accepting(ACCEPTED)
test_what_breaks_a_rule_is_refused_in_one_line = refusing(REFUSED)


def test_whatever_is_no_cluster_ip_is_public() -> None:
    kinds = {kind: accepted(Exposure, {"type": kind}).public for kind in ("ClusterIP", "NodePort", "LoadBalancer")}
    assert kinds == {"ClusterIP": False, "NodePort": True, "LoadBalancer": True}
