"""Where each pod's metrics are, and which labels its series get: as the ServiceMonitor has it."""

import dataclasses
from typing import Any

import pytest

from delivery.metrics.places import Endpoint, Place, places, runs
from delivery.metrics.sources import Target
from models.cluster import ClusterSettings
from tests.delivery.metrics.test_direct import ALONE, BEHIND
from tests.each import each
from tests.samples import Config, profile

PORTS = [{"name": "web", "containerPort": 5000}, {"name": "management", "containerPort": 9000}]
SLOT = {"slipway.dev/slot": "green"}


def pod(labels: Config, **spec: Any) -> Config:
    """A running pod of the green slot."""
    return {
        "metadata": {
            "name": "digits-green-1", "uid": "u", "labels": SLOT | labels, "creationTimestamp": "2026-12-01T10:00:00Z"
        },
        "spec": {"containers": [{"name": "server", "ports": PORTS}], **spec},
        "status": {"phase": "Running", "podIP": "10.0.0.1"},
    }  # fmt: skip


def servers(target: Target = ALONE, path: str = "/metrics") -> Place:
    (found,) = places(target, ClusterSettings(context="prod"), path, {"server"})
    return found


def at(place: Place, found: Config) -> str | None:
    endpoint = place.endpoint(found)
    return endpoint and endpoint.address.partition("digits-green-1:")[2]


OWN_PORT = dataclasses.replace(ALONE, profile=profile("triton"))
BESIDE = {"containers": [{"name": "server"}], "initContainers": [{"name": "auth", "ports": PORTS}]}


@each(
    ("target", "labels", "spec", "expected"),
    [
        (ALONE, {"slipway.dev/metrics": "management"}, {}, "9000/proxy/m"),
        (ALONE, {}, {}, "5000/proxy/m"),
        (OWN_PORT, {}, {}, "8002/proxy/m"),
        (OWN_PORT, {"slipway.dev/metrics": "management"}, {}, "9000/proxy/m"),
        (ALONE, {}, BESIDE, "5000/proxy/m"),
        (ALONE, {}, {"containers": [{"name": "server"}]}, None),
    ],
)
def test_the_port_is_that_of_the_pods_label_of_the_profile_or_the_main_one(
    target: Target, labels: Config, spec: Config, expected: str | None
) -> None:
    assert at(servers(target, "/m"), pod(labels, **spec)) == expected


@pytest.mark.parametrize(
    "status", [{"phase": "Pending"}, {"phase": "Failed", "podIP": "10.0.0.1"}, {"phase": "Running"}]
)
def test_a_pod_that_does_not_run_is_not_read(status: Config) -> None:
    assert not runs(pod({}) | {"status": status})
    assert runs(pod({}))


def test_a_series_gets_the_labels_of_its_target_and_keeps_its_own_under_another_name() -> None:
    endpoint = servers().endpoint(pod({}))
    assert endpoint is not None
    assert endpoint.labelled({"__name__": "a_total", "service": "own", "code": "200"}) == {
        "__name__": "a_total",
        "code": "200",
        "exported_service": "own",
        "namespace": "ml",
        "service": "digits-green",
        "slipway_dev_slot": "green",
        "pod": "digits-green-1",
        "instance": "digits-green-1:5000",
    }


def proxy(target: Target = BEHIND, **cluster: object) -> Place:
    settings = ClusterSettings.model_validate({"context": "prod", **cluster})
    (found,) = places(target, settings, "/metrics", {"proxy"})
    return found


def shown(place: Place) -> tuple[str, Config, int | None, str]:
    return place.namespace, dict(place.selector), place.port, place.path


def test_the_proxy_is_found_as_its_helm_chart_installs_it_or_as_the_stack_says() -> None:
    assert shown(proxy(ingressNamespace="traefik")) == (
        "traefik", {"app.kubernetes.io/name": "traefik"}, 9100, "/metrics"
    )  # fmt: skip
    nginx = {"app.kubernetes.io/name": "ingress-nginx", "app.kubernetes.io/component": "controller"}
    assert shown(proxy(dataclasses.replace(BEHIND, proxy="ingress-nginx"))) == (
        "ingress-nginx", nginx, 10254, "/metrics"
    )  # fmt: skip
    own = {"namespace": "edge", "labels": {"app": "proxy"}, "port": 9, "path": "/stats"}
    assert shown(proxy(proxyPods=own)) == ("edge", {"app": "proxy"}, 9, "/stats")


def test_a_proxy_that_is_no_pod_is_read_at_its_url() -> None:
    place = proxy(proxyMetricsUrl="http://127.0.0.1:8082/metrics")
    assert place.itself == Endpoint(
        process="proxy/http://127.0.0.1:8082/metrics", address="http://127.0.0.1:8082/metrics", labels={}, created=0.0
    )


def test_only_what_the_gate_counts_with_is_read() -> None:
    settings = ClusterSettings(context="prod")
    assert [place.counter for place in places(BEHIND, settings, "/m", {"proxy", "server"})] == ["server", "proxy"]
    assert places(ALONE, settings, "/m", {"proxy"}) == []
