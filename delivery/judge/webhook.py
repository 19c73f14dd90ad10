"""An external verdict on a release, requested over HTTP."""

from collections.abc import Mapping
from typing import Any

import httpx

from components.http_proxy import ProxyFault
from delivery.http_client import http_client
from models.delivery import CheckResult
from models.gate import Webhook

_PASSES = 200
_LONGEST_SAID = 200
"""Characters of an answer that are shown, so that it fits on one line."""


def ask(webhook: Webhook, body: Mapping[str, Any], transport: httpx.BaseTransport | None = None) -> CheckResult:
    """POST the release as JSON. Only a 200 passes and only a 4xx fails; anything else is inconclusive.

    No message contains the URL, because it may hold a token.
    """
    try:
        with http_client(str(webhook.url), timeout=webhook.timeout, transport=transport) as client:
            answer = client.post(webhook.url, json=dict(body))
    except ProxyFault as error:
        return CheckResult(result="inconclusive", said=f"webhook: no answer ({error})")
    except httpx.HTTPError as error:
        return CheckResult(result="inconclusive", said=f"webhook: no answer ({type(error).__name__})")
    text = " ".join(answer.text.split())[:_LONGEST_SAID]
    said = f"webhook: {answer.status_code} {text}".rstrip()
    if answer.status_code == _PASSES:
        return CheckResult(result="pass", said=said)
    return CheckResult(result="fail" if answer.is_client_error else "inconclusive", said=said)
