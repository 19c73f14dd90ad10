"""Read the local cluster's API with the probe's certificate. All writes go through kubectl or Pulumi."""

import re
import ssl
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import httpx

from local import patience
from local.errors import LocalError
from local.paths import Paths

Json = dict[str, Any]  # an API object; the server defines its shape
_TRIES = 4  # the API server's own timeout ends each after a minute
_OVERLOADED = re.compile(
    r"\((Timeout|ServerTimeout|TooManyRequests|ServiceUnavailable)\)|etcdserver: request timed out"
)


def get(paths: Paths, path: str) -> Json | None:
    """Return the JSON at a path of the API, or None if there is no such object; raise LocalError if that fails."""
    at = paths.addresses
    context = ssl.create_default_context(cafile=paths.pki / "ca.crt")
    context.load_cert_chain(paths.pki / "probe.crt", paths.pki / "probe.key")
    try:
        answer = httpx.get(at.api_url + path, verify=context, timeout=patience.limit(10), trust_env=False)
    except (httpx.HTTPError, OSError) as failure:
        raise LocalError(f"kube-apiserver: GET {path}: {failure}: see `python -m local status`") from failure
    if answer.status_code == HTTPStatus.NOT_FOUND:
        return None
    if answer.is_error:
        raise LocalError(f"kube-apiserver: GET {path}: {answer.status_code} {answer.text.strip()[:200]!r}")
    return answer.json()


def condition(item: Json, kind: str) -> bool:
    """Return whether an object's status says that a condition is true."""
    conditions: list[Json] = item.get("status", {}).get("conditions", [])
    return any(entry["type"] == kind and entry["status"] == "True" for entry in conditions)


def insisting(act: Callable[[], None]) -> None:
    """Run an idempotent action, and retry it while the API server is overloaded. Raises LocalError as ``act`` does."""
    for left in reversed(range(_TRIES)):
        try:
            act()
        except LocalError as error:
            if not left or not _OVERLOADED.search(str(error)):
                raise
        else:
            return
