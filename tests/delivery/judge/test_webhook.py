"""Somebody else's verdict: yes, no, or no answer."""

import json

import httpx
import pytest

from delivery.judge.webhook import ask
from models.gate import Webhook
from tests.each import each

HOOK = Webhook.model_validate({"url": "http://checks.example.com/hook/planted-7f3a", "timeout": "3s"})


def answering(status: int, text: str = "") -> httpx.MockTransport:
    return httpx.MockTransport(lambda _: httpx.Response(status, text=text))


@each(
    ("status", "result"),
    [(200, "pass"), (400, "fail"), (403, "fail"), (404, "fail"), (204, "inconclusive"), (302, "inconclusive"),
     (500, "inconclusive"), (503, "inconclusive")],
)  # fmt: skip
def test_only_200_passes_and_only_a_4xx_fails(status: int, result: str) -> None:
    assert ask(HOOK, {}, answering(status)).result == result


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError])
def test_who_does_not_answer_has_not_said_no(error: type[httpx.HTTPError]) -> None:
    def broken(_: httpx.Request) -> httpx.Response:
        raise error("away")

    result = ask(HOOK, {}, httpx.MockTransport(broken))
    assert (result.result, result.said) == ("inconclusive", f"webhook: no answer ({error.__name__})")


def test_the_release_is_posted_as_json_within_the_declared_time() -> None:
    got: list[httpx.Request] = []

    def take(request: httpx.Request) -> httpx.Response:
        got.append(request)
        return httpx.Response(200)

    ask(HOOK, {"service": "digits", "weight": 10}, httpx.MockTransport(take))
    (request,) = got
    assert (request.method, str(request.url)) == ("POST", HOOK.url)
    assert json.loads(request.content) == {"service": "digits", "weight": 10}
    assert set(request.extensions["timeout"].values()) == {3}


def test_the_answer_is_one_short_line_without_the_address() -> None:
    said = ask(HOOK, {}, answering(403, "drift is\ntoo  large " + 500 * "x")).said
    assert said.startswith("webhook: 403 drift is too large xxx")
    assert len(said) < 250
    assert "planted" not in said
