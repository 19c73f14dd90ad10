"""Whom a system's pods reach outside it: object storage, tracer, further servers, the API server."""

import pytest

from tests.components.reaching import (
    API,
    IN_STORAGE,
    IN_TRACER,
    INTERNET,
    INTERNET_6,
    QUEUE,
    ROUTE,
    S3,
    TRACER,
    TRAIN,
    WEB,
    policies,
    registered,
    shop,
    system,
    where,
    with_everything,
)
from tests.samples import Config, job, put, release


def test_object_storage_is_open_to_those_who_fetch_a_model_or_say_that_they_use_it() -> None:
    data = put(shop(model=S3), "environments.dev.jobs.train", job(objectStorage=True))
    rules = policies(registered(data, with_everything()))
    assert where(rules, WEB) == where(rules, TRAIN) == {("storage", 9000)}
    assert where(rules, API) == where(rules, QUEUE) == set()


@pytest.mark.parametrize("uri", ["file:///opt/slipway/model", f"oci://registry.example.com/m@sha256:{'a1' * 32}"])
def test_a_model_that_is_not_fetched_from_object_storage_opens_nothing(uri: str) -> None:
    assert where(system(model={**S3, "uri": uri}), WEB) == set()


def test_a_slot_with_a_model_of_its_own_reaches_the_same_storage() -> None:
    slots = release()
    slots["slots"]["green"]["model"] = {"uri": "s3://models/digits/2"}
    rules = policies(registered(shop(model=S3, route=ROUTE), with_everything(release={"web": slots})))
    assert where(rules, WEB) == {("storage", 9000)}


@pytest.mark.parametrize(
    ("server", "port"),
    [
        ({"url": "https://s3.example.com"}, 443),
        ({"url": "http://s3.example.com"}, 80),
        ({"url": "https://s3.example.com:9000"}, 9000),
        ({"url": "http://minio.storage", "targetPort": 9000}, 9000),
    ],
    ids=str,
)
def test_a_server_without_networks_is_reached_at_any_address_at_its_port_alone(server: Config, port: int) -> None:
    rules = policies(registered(shop(model=S3), with_everything(objectStorage=server)))
    assert where(rules, WEB) == {(name, port) for name in ("storage", "tracer", "internet", "internet 6")}


def test_every_service_reaches_the_tracer_and_nothing_else_does() -> None:
    rules = policies(registered(shop(), with_everything(tracing=TRACER)))
    assert where(rules, WEB) == where(rules, API) == {("tracer", 4318)}
    assert where(rules, QUEUE) == where(rules, TRAIN) == set()


def test_further_servers_are_open_to_those_that_name_them() -> None:
    data = put(shop(externals=["bank"]), "environments.dev.jobs.train", job(externals=["bank", "post"]))
    servers = {
        "bank": {"url": "https://bank.example.com", "networks": ["203.0.113.7/32"]},
        "post": {"url": "http://post.example.com", "networks": ["2001:db8:f::7/128"]},
    }
    rules = policies(registered(data, with_everything(externals=servers)))
    assert where(rules, WEB) == {("internet", 443)}
    assert where(rules, TRAIN) == {("internet", 443), ("internet 6", 80)}
    assert where(rules, API) == set()


PERMISSIONS = {"permissions": [{"resources": ["configmaps"], "verbs": ["get"]}]}


def test_a_service_with_permissions_reaches_the_api_server_before_and_after_translation() -> None:
    anywhere = system(account=PERMISSIONS)
    assert where(anywhere, WEB) == {
        (end.name, port) for end in (IN_STORAGE, IN_TRACER, INTERNET, INTERNET_6) for port in (443, 6443)
    }
    assert where(anywhere, API) == set()
    known = system({"apiServerNetworks": ["203.0.113.0/24"]}, account=PERMISSIONS)
    assert where(known, WEB) == {("internet", 443), ("internet", 6443)}
