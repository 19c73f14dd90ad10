"""How the live Service is reached without the Ingress, and that nothing else is."""

from typing import Any

import pytest

from tests.components.deploying import annotations, deployed, with_service
from tests.samples import Config, entry, put, release, service, stack


def live(exposure: Config) -> dict[str, Any]:
    return with_service(exposure=exposure).one("Service", "web").inputs["spec"]


def test_by_default_a_service_is_reached_in_the_cluster_alone_at_port_80() -> None:
    assert live({}) == {
        "type": "ClusterIP",
        "selector": {"app.kubernetes.io/name": "web", "slipway.dev/slot": "blue"},
        "ports": [{"name": "web", "port": 80, "targetPort": "web", "protocol": "TCP"}],
    }


@pytest.mark.parametrize("kind", ["NodePort", "LoadBalancer"])
def test_an_exposed_service_has_the_entrys_type_port_and_policy(kind: str) -> None:
    spec = live({"type": kind, "port": 8443, "externalTrafficPolicy": "Local"})
    assert (spec["type"], spec["ports"][0]["port"], spec["externalTrafficPolicy"]) == (kind, 8443, "Local")
    assert spec["ports"][0]["targetPort"] == "web"


def test_what_the_entry_leaves_open_is_left_to_the_api_server() -> None:
    spec = live({"type": "LoadBalancer"})
    assert set(spec) == {"type", "selector", "ports"}
    assert "nodePort" not in spec["ports"][0]


def test_a_node_port_and_the_kind_of_balancer_may_be_chosen() -> None:
    spec = live({"type": "LoadBalancer", "nodePort": 30123, "loadBalancerClass": "example.com/internal"})
    assert spec["loadBalancerClass"] == "example.com/internal"
    assert spec["ports"][0]["nodePort"] == 30123


def test_only_the_named_networks_may_connect() -> None:
    spec = live({"type": "LoadBalancer", "sourceRanges": ["192.0.2.0/24", "2001:db8::/32"]})
    assert spec["loadBalancerSourceRanges"] == ["192.0.2.0/24", "2001:db8::/32"]


def test_a_clouds_annotations_stand_beside_ours() -> None:
    cloud = {"service.beta.kubernetes.io/health-check-uri": "/health", "pulumi.com/skipAwait": "false"}
    run = with_service(exposure={"type": "LoadBalancer", "annotations": cloud})
    assert annotations(run.one("Service", "web")) == {
        "service.beta.kubernetes.io/health-check-uri": "/health",
        "pulumi.com/skipAwait": "true",
    }


def test_the_slots_private_services_are_never_exposed() -> None:
    exposure = {"type": "LoadBalancer", "direct": True, "port": 8443, "annotations": {"example.com/a": "b"}}
    web = service(exposure=exposure, route={"host": "web.example.com"})
    run = deployed(entry(services={"web": web}), put(stack(), "release.web", release()))
    for name in ("web-blue", "web-green"):
        private = run.one("Service", name)
        assert private.inputs["spec"]["type"] == "ClusterIP"
        assert private.inputs["spec"]["ports"][0]["port"] == 80
        assert "example.com/a" not in annotations(private)
