"""Lists pods and reads their metrics through the API server, with short timeouts, from several threads at once."""

import json
from collections.abc import Mapping
from typing import cast

import httpx

from components import labels
from components.api_client import ApiClient, ApiError, Json, Unreachable
from components.http_proxy import ProxyFault, is_loopback
from delivery.errors import MetricsForbidden, MetricsUnavailable
from delivery.http_client import http_client

READ_SECONDS = 0.9
"""Timeout of one read, as long as one-second scrapes allow."""
_FORBIDDEN, _FIRST_ERROR = 403, 400
_STATUS = '"kind":"Status"'
"""Part of every error of the API server itself. Any other error was returned by the pod."""


class Pods:
    """The pods of one kube context.

    Every method raises MetricsUnavailable if there is no answer, and MetricsForbidden if the account lacks the right.
    """

    def __init__(self, context: str) -> None:
        self._context, self._client = context, ApiClient(context)

    def listed(self, path: str, selector: Mapping[str, str]) -> list[Json]:
        """Return the selected pods of a namespace, none if the namespace does not exist."""
        said = self._call(path, "list", {"labelSelector": labels.label_selector(selector)})
        try:
            return cast("list[Json]", json.loads(said)["items"]) if said is not None else []
        except (ValueError, KeyError, TypeError) as error:
            raise MetricsUnavailable(f"{path}: the API server's answer is not a list of pods") from error

    def text(self, address: str) -> str:
        """Return the metrics at a path below the API server, or at a URL."""
        if not address.startswith("/"):
            return _fetched(address)
        said = self._call(address, "get", {})
        if said is None:
            raise MetricsUnavailable(f"{address}: the pod is gone, or has no such path")
        return said

    def _call(self, path: str, verb: str, query: dict[str, str]) -> str | None:
        try:
            return self._client.call("GET", path, query=query, seconds=READ_SECONDS, once=True)
        except Unreachable as lost:
            raise MetricsUnavailable(f"{path}: no answer within {READ_SECONDS:g} s: {lost}") from lost
        except ApiError as error:
            if error.status == _FORBIDDEN and _STATUS in error.said.replace(" ", ""):
                raise MetricsForbidden(self._denied(path, verb)) from error
            raise MetricsUnavailable(f"{path}: {error}") from error

    def _denied(self, path: str, verb: str) -> str:
        namespace = path.split("/")[4]
        what = "pods/proxy" if verb == "get" else "pods"
        return (
            f"slipway:cluster.metrics is direct, but the account of context {self._context} may not {verb} {what} in "
            f"namespace {namespace}; grant it (docs/direct-metrics.md), or set metrics: prometheus and metricsUrl"
        )


def _fetched(url: str) -> str:
    """Return the text at a URL; one on this machine is never asked through a proxy of the environment."""
    direct = httpx.HTTPTransport() if is_loopback(url) else None
    try:
        with http_client(url, timeout=READ_SECONDS, transport=direct) as client:
            answer = client.get(url)
    except (httpx.HTTPError, ProxyFault) as error:
        raise MetricsUnavailable(f"{url} does not answer: {str(error) or type(error).__name__}") from error
    if answer.status_code >= _FIRST_ERROR:
        raise MetricsUnavailable(f"{url} returns status {answer.status_code}")
    return answer.text
