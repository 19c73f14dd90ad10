"""Proxies are chosen as curl chooses them, and a broken one is one line."""

import pytest

from components.http_proxy import ProxyFault, credentials, is_loopback, of, usable
from tests.each import each

PROXY = "http://proxy.example.com:3128"
EU = "http://metrics.eu.example.com:9090/api"


def goes_direct(without: str, url: str) -> bool:
    return of(url, {"http_proxy": PROXY, "https_proxy": PROXY, "no_proxy": without}) is None


@each(
    ("without", "url", "direct"),
    [
        ("localhost,[::1]", "http://[::1]:9090", True),
        ("localhost,[::1]", "http://localhost:9090", True),
        ("localhost,[::1]", EU, False),
        ("::1", "http://[::1]", True),
        ("[::1]:9090", "http://[::1]:9090", True),
        ("[::1]:9090", "http://[::1]:9091", False),
        ("fe80::/10", "http://[fe80::1]", True),
        ("[fe80::]/10", "http://[fe80::1]", True),
        ("fe80::/10", "http://[2001:db8::1]", False),
        ("2001:DB8::1", "http://[2001:db8:0::1]", True),
        ("192.168.0.0/16", "http://192.168.7.1:9090", True),
        ("192.168.0.0/16", "http://192.169.7.1:9090", False),
        ("192.168.7.9/16", "http://192.168.1.1", True),
        ("192.168.0.0/33", "http://192.168.7.1", False),
        ("10.0.0.1", "http://10.0.0.1:9090", True),
        ("10.0.0.1", "http://10.0.0.10:9090", False),
        ("0.0.1", "http://10.0.0.1", False),
        (".example.com", EU, True),
        (".example.com", "http://example.com", True),
        ("example.com", EU, True),
        ("example.com", "http://badexample.com", False),
        ("*.example.com", EU, True),
        ("EXAMPLE.com", "http://Metrics.Example.COM", True),
        ("example.com.", EU, True),
        ("example.com", "http://metrics.example.com.:9090", True),
        ("metrics.eu.example.com:9090", EU, True),
        ("metrics.eu.example.com:9091", EU, False),
        ("example.com:443", "https://example.com", True),
        ("a.com, example.com", EU, True),
        ("a.com example.com", EU, True),
        ("a.com,,example.com,", EU, True),
        ("*", EU, True),
        ("a.com,*", EU, True),
        (".", EU, False),
        ("[", EU, False),
        ("[::1", EU, False),
        ("localhost", "http://127.0.0.1", False),
        ("", EU, False),
    ],
)
def test_an_entry_of_no_proxy_matches_as_in_curl(without: str, url: str, direct: bool) -> None:
    assert goes_direct(without, url) is direct


@each(
    ("environment", "url", "expected"),
    [
        ({}, EU, None),
        ({"http_proxy": "http://low", "HTTP_PROXY": "http://high"}, EU, "http://low"),
        ({"http_proxy": "", "HTTP_PROXY": "http://high"}, EU, "http://high"),
        ({"HTTPS_PROXY": "http://high"}, EU, None),
        ({"HTTPS_PROXY": "http://high"}, "https://example.com", "http://high"),
        ({"ALL_PROXY": "http://all"}, EU, "http://all"),
        ({"all_proxy": "http://all", "http_proxy": "http://own"}, EU, "http://own"),
        ({"http_proxy": "proxy:3128"}, EU, "http://proxy:3128"),
        ({"http_proxy": " http://proxy:3128 "}, EU, "http://proxy:3128"),
        ({"http_proxy": "http://p", "NO_PROXY": "example.com"}, EU, None),
        ({"http_proxy": "http://p", "no_proxy": "a.com", "NO_PROXY": "example.com"}, EU, "http://p"),
        ({"http_proxy": "http://u:p%40@proxy:3128"}, EU, "http://u:p%40@proxy:3128"),
    ],
)
def test_the_variable_of_the_scheme_counts(environment: dict[str, str], url: str, expected: str | None) -> None:
    assert of(url, environment) == expected


@pytest.mark.parametrize(
    "given",
    [
        "http://",
        "http://proxy:port",
        "http://[::1",
        "http://proxy:99999",
        "http://pro xy",
        "http://proxy\n:1",
        "pro\udcffxy",
    ],
)
def test_a_broken_proxy_is_one_line_that_names_its_variable(given: str) -> None:
    with pytest.raises(ProxyFault) as raised:
        of(EU, {"HTTP_PROXY": given})
    message = str(raised.value)
    assert message.startswith("the variable HTTP_PROXY: ")
    assert "is not the URL of a proxy; write http://host:port, or unset it" in message
    assert message.isascii()
    assert "\n" not in message


def test_a_socks_proxy_is_refused_only_where_it_would_be_used() -> None:
    socks = {"ALL_PROXY": "socks5://127.0.0.1:1080"}
    with pytest.raises(ProxyFault, match=r"^the variable ALL_PROXY: socks5 proxies are not supported; "):
        of(EU, socks)
    assert of(EU, {**socks, "NO_PROXY": "example.com"}) is None
    assert of(EU, {**socks, "http_proxy": PROXY}) == PROXY


def test_a_message_does_not_hold_the_password() -> None:
    with pytest.raises(ProxyFault) as raised:
        usable("here", "http://ann:hunter2@proxy:port")
    assert "hunter2" not in str(raised.value)


def test_credentials_are_decoded() -> None:
    assert credentials("http://ann:p%40ss@proxy:1") == "ann:p@ss"
    assert credentials("http://ann@proxy:1") == "ann:"
    assert credentials(PROXY) is None


@each(
    ("url", "expected"),
    [
        ("https://127.0.0.1:6443", True), ("https://localhost", True), ("https://[::1]:6443", True),
        ("https://127.9.9.9", True), ("https://10.0.0.1", False), ("https://localhost.example.com", False),
    ],
)  # fmt: skip
def test_loopback_is_this_machine(url: str, expected: bool) -> None:
    assert is_loopback(url) is expected
