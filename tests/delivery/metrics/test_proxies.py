"""Which series are whose, by the names that proxies give them."""

import dataclasses

import pytest

from delivery.metrics.proxies import mentions
from delivery.metrics.sources import Source, Target
from delivery.metrics.sources import answers as sources_of
from tests.each import each
from tests.samples import SLIPWAY

TARGET = Target(
    namespace="ml",
    service="digits",
    slots={"live": "blue", "candidate": "green"},
    routed=True,
    driver="nginx",
    proxy="traefik",
    profile=SLIPWAY,
)
GATEWAY = dataclasses.replace(TARGET, driver="gateway")
INGRESS_NGINX = dataclasses.replace(TARGET, proxy="ingress-nginx")
ROUTE = "httproute-ml-digits-gw-entrance-slipway-ep-web-1-23308165f2e23ceb2a26"


def answers(target: Target) -> Source:
    found = sources_of(target)
    assert found
    return found


@pytest.mark.parametrize(
    ("series", "slot"),
    [
        ("ml-digits-digits-blue-web@kubernetesingressnginx", "blue"),
        ("ml-digits-digits-blue-web-canary@kubernetesingressnginx", "green"),
        ("ml-digits-digits-green-web@kubernetesingressnginx", "green"),
        ("ml-digits-digits-green-web-canary@kubernetesingressnginx", "blue"),
        ("ml-digits-stable-digits-web@kubernetesingressnginx", None),
        ("ml-other-other-blue-web@kubernetesingressnginx", None),
        ("other-digits-digits-blue-web@kubernetesingressnginx", None),
    ],
)
@pytest.mark.parametrize("label", ["service", "exported_service"])
def test_traefik_names_the_canary_after_the_live_slots_service(series: str, slot: str | None, label: str) -> None:
    scraped = {"service": "traefik-metrics", label: series}
    assert answers(TARGET).slot_of(scraped) == slot


@each(
    ("series", "slot"),
    [
        (f"{ROUTE}-svc-ml-digits-blue-0@kubernetesgateway", "blue"),
        (f"{ROUTE}-svc-ml-digits-green-1@kubernetesgateway", "green"),
        (f"{ROUTE.replace('web-1', 'web-0')}-svc-ml-digits-green-0@kubernetesgateway", "green"),
        ("httproute-ml-digits-stable-gw-entrance-slipway-ep-web-0-2330-svc-ml-digits-0@kubernetesgateway", None),
        (f"{ROUTE}-svc-other-digits-blue-0@kubernetesgateway", None),
        (f"{ROUTE}-wrr@kubernetesgateway", None),
        (f"{ROUTE.replace('digits-gw', 'digits-beta-gw')}-svc-ml-digits-blue-0@kubernetesgateway", None),
    ],
)
def test_traefik_names_a_gateways_backends_after_rule_and_service(series: str, slot: str | None) -> None:
    assert answers(GATEWAY).slot_of({"service": series}) == slot


def nginx(service: str, canary: str, namespace: str = "ml") -> dict[str, str]:
    return {
        "exported_namespace": namespace,
        "namespace": "ingress-nginx",
        "exported_service": service,
        "canary": canary,
    }


@each(
    ("series", "slot"),
    [
        (nginx("digits-blue", ""), "blue"),
        (nginx("digits-blue", "-"), "blue"),
        (nginx("digits-blue", "ml-digits-green-web"), "green"),
        (nginx("digits-green", ""), "green"),
        (nginx("digits-green", "ml-digits-blue-web"), "blue"),
        (nginx("digits-blue", "ml-other-web"), None),
        (nginx("digits-blue", "", "other"), None),
        ({"namespace": "ml", "service": "digits-blue", "canary": ""}, "blue"),
    ],
)
def test_ingress_nginx_tells_the_canary_by_the_upstream_that_it_took(series: dict[str, str], slot: str | None) -> None:
    assert answers(INGRESS_NGINX).slot_of(series) == slot


def test_each_counter_has_its_own_name_for_the_status() -> None:
    assert answers(TARGET).failed({"code": "502"})
    assert not answers(TARGET).failed({"code": "404", "status": "500"})
    assert answers(INGRESS_NGINX).failed({"status": "503"})
    assert answers(dataclasses.replace(TARGET, proxy=None)).failed({"status": "500"})


def test_a_slot_without_a_role_has_none() -> None:
    assert dataclasses.replace(TARGET, slots={"candidate": "blue"}).role_of("green") is None
    assert TARGET.role_of(None) is None


@each(
    ("target", "line", "mentioned"),
    [
        (TARGET, 'x{service="ml-digits-digits-blue-web-canary@kubernetesingressnginx"} 1', True),
        (TARGET, 'x{service="ml-other-other-blue-web@kubernetesingressnginx"} 1', False),
        (GATEWAY, f'x{{service="{ROUTE}-svc-ml-digits-blue-0@kubernetesgateway"}} 1', True),
        (GATEWAY, 'x{service="httproute-ml-other-gw-e-svc-ml-other-blue-0@kubernetesgateway"} 1', False),
        (INGRESS_NGINX, 'x{canary="",ingress="digits",namespace="ml"} 1', True),
        (INGRESS_NGINX, 'x{canary="",ingress="digits-two",namespace="ml"} 1', False),
    ],
)
def test_a_line_of_another_service_needs_no_parsing(target: Target, line: str, mentioned: bool) -> None:
    assert target.proxied is not None
    assert (mentions(target.proxied).search(line) is not None) is mentioned
