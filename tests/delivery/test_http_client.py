"""Each HTTP client of ``slipway`` takes the same way, whatever the variables for proxies hold."""

from typing import Any

import httpx
import pytest

from delivery.errors import MetricsUnavailable
from delivery.http_client import http_client
from delivery.judge import webhook
from delivery.metrics.prometheus import Prometheus
from models.gate import Webhook

URL = "http://metrics.example.com:9090"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def way(url: str = URL) -> str:
    """Return the host of the proxy that a client for a URL uses, or ``direct``."""
    with http_client(url, timeout=1) as client:
        pool: Any = vars(client._transport)["_pool"]  # pyright: ignore[reportPrivateUsage]
        return pool._proxy_url.host.decode() if hasattr(pool, "_proxy_url") else "direct"


@pytest.mark.parametrize(
    "without",
    ["localhost,[::1]", "fe80::/10", "[fe80::]/10,::1", "[::1]:80", "[", "[::1", "a:b:c", "://", ":", "*.", "ü"],
)
def test_no_entry_of_no_proxy_stops_a_request(monkeypatch: pytest.MonkeyPatch, without: str) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example.com:3128")
    monkeypatch.setenv("NO_PROXY", without)
    assert way() == "proxy.example.com"
    monkeypatch.setenv("NO_PROXY", f"{without},.example.com")
    assert way() == "direct"


def test_httpx_reads_no_proxy_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "localhost,[::1]")
    with pytest.raises(httpx.InvalidURL):
        httpx.Client()
    assert way() == "direct"


@pytest.mark.parametrize("proxy", ["http://proxy:port", "socks5://127.0.0.1:1080", "ftp://proxy", "pro\udcffxy"])
def test_a_proxy_that_cannot_be_used_is_one_line_for_metrics_and_no_answer_for_a_webhook(
    monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(MetricsUnavailable) as raised:
        Prometheus(URL).value("up")
    assert str(raised.value).startswith(f"{URL} does not answer: the variable ALL_PROXY: ")
    said = webhook.ask(Webhook.model_validate({"url": f"{URL}/token-7"}), {})
    assert said.result == "inconclusive"
    assert said.said.startswith("webhook: no answer (the variable ALL_PROXY: ")
    assert "token-7" not in said.said
