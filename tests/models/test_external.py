"""Servers outside the system: an address without a password in it, and the networks behind it."""

import pytest

from models.external import External, ObjectStorage, Server
from tests.models.tables import (
    ADDRESS,
    AT_LEAST_1,
    EMPTY,
    NO_NETWORK,
    REQUIRED,
    Accepted,
    Refused,
    accepting,
    refusing,
)
from tests.samples import PLANTED, accepted, refused

ACCEPTED: Accepted = [
    (External, {"url": "http://collector.tracing:4318"}),
    (External, {"url": "https://s3.example.com/base/"}),
    (External, {"url": "http://192.0.2.7:9000", "networks": ["192.0.2.7/32"]}),
    (External, {"url": "http://[2001:db8::7]:9000", "networks": ["2001:db8::7/128", "0.0.0.0/0"]}),
    (ObjectStorage, {"url": "https://s3.example.com", "region": "eu-central-1"}),
    (Server, {"url": "redis://cache.example.com"}),
    (Server, {"url": "rediss://cache.example.com:6380", "targetPort": 6379}),
    (Server, {"url": "postgresql://database.example.com/shop"}),
    (Server, {"url": "https://billing.example.com"}),
]
REFUSED: Refused = [
    (External, {}, f"url: {REQUIRED}"),
    (External, {"url": ""}, f"url: '': {ADDRESS}"),
    (External, {"url": "s3.example.com"}, f"url: 's3.example.com': {ADDRESS}"),
    (External, {"url": "ftp://s3.example.com"}, f"url: 'ftp://s3.example.com': {ADDRESS}"),
    (External, {"url": "http://"}, f"url: 'http://': {ADDRESS}"),
    (External, {"url": "http://:80"}, f"url: 'http://:80': {ADDRESS}"),
    (External, {"url": "http://s3:0"}, f"url: 'http://s3:0': {ADDRESS}"),
    (External, {"url": "http://s3:65536"}, f"url: 'http://s3:65536': {ADDRESS}"),
    (External, {"url": "http://s3:port"}, f"url: 'http://s3:port': {ADDRESS}"),
    (External, {"url": "http://[2001:db8::7"}, f"url: 'http://[2001:db8::7': {ADDRESS}"),
    (External, {"url": "http://s3 .example.com"}, f"url: 'http://s3 .example.com': {ADDRESS}"),
    (External, {"url": "http://reader@s3.example.com"}, f"url: 'http://[secret]@s3.example.com': {ADDRESS}"),
    (External, {"url": "http://:password@s3.example.com"}, f"url: 'http://[secret]@s3.example.com': {ADDRESS}"),
    (External, {"url": "http://s3", "networks": []}, f"networks: {EMPTY}"),
    (External, {"url": "redis://cache.example.com"}, f"url: 'redis://cache.example.com': {ADDRESS}"),
    (External, {"url": "http://s3", "targetPort": 0}, f"targetPort: 0: {AT_LEAST_1}"),
    (
        External,
        {"url": "http://s3", "networks": ["10.0.0.1/8"]},
        f"networks.0: '10.0.0.1/8': {NO_NETWORK}: 10.0.0.1/8 has host bits set",
    ),
    (ObjectStorage, {"url": "http://s3", "region": ""}, "region: '': must not be empty"),
    (ObjectStorage, {"url": "http://s3", "regoin": "eu"}, "regoin: unknown key; did you mean 'region'?"),
]


test_what_keeps_the_rules_is_accepted = accepting(ACCEPTED)
test_what_breaks_a_rule_is_refused_in_one_line = refusing(REFUSED)


@pytest.mark.parametrize(
    ("url", "port"),
    [("http://a", 80), ("https://a", 443), ("http://a:9000/x", 9000), ("https://[2001:db8::7]:8443", 8443)],
)
def test_the_port_is_the_urls_own_or_its_schemes(url: str, port: int) -> None:
    assert accepted(External, {"url": url}).port == port


@pytest.mark.parametrize(
    ("url", "port"),
    [("redis://a", 6379), ("rediss://a", 6379), ("postgresql://a", 5432), ("redis://a:7000", 7000), ("https://a", 443)],
)
def test_further_servers_have_their_protocols_ports(url: str, port: int) -> None:
    assert accepted(Server, {"url": url}).port == port


def test_the_port_behind_a_service_is_what_policies_see() -> None:
    assert accepted(External, {"url": "http://a:80", "targetPort": 8080}).port == 8080


@pytest.mark.parametrize("url", ["mysql://a", "redis://"])
def test_a_server_of_a_protocol_that_we_do_not_know_is_refused(url: str) -> None:
    (fault,) = refused(Server, {"url": url})
    assert fault == (
        f"given: url: '{url}': an address has the form http://host[:port] or https://host[:port] or "
        "redis://host[:port] or rediss://host[:port] or postgresql://host[:port], without a user or password"
    )


def test_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    (fault,) = refused(External, {"url": f"https://reader:{PLANTED}@s3.example.com"})
    assert fault.startswith("given: url: 'https://[secret]@s3.example.com': an address has the form ")


def test_without_networks_any_address_will_do() -> None:
    assert accepted(External, {"url": "http://a"}).networks == ("0.0.0.0/0", "::/0")
