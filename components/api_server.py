"""The program's own requests to the API server, which identify a namespace's owner and explain failures."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from components.api_client import ApiClient, ApiError, Json, Unreachable
from components.reasons import LOG_LINES, Pod

_SECONDS = 5
"""Timeout of one request: the explanation must not prolong a failed update by minutes."""
_FORBIDDEN = 403
_ALIKE = (
    ("service", "/api/v1", "services"),
    ("serviceaccount", "/api/v1", "serviceaccounts"),
    ("claim", "/api/v1", "persistentvolumeclaims"),
    ("deployment", "/apis/apps/v1", "deployments"),
    ("statefulset", "/apis/apps/v1", "statefulsets"),
)
"""Kinds of which two systems could give an object the same name."""


class Forbidden(Exception):
    """The account may not read the object."""


class Away(Exception):
    """The API server does not answer this account; the message says why."""


@dataclass(frozen=True)
class ApiServer:
    """The API server of one kube context."""

    context: str

    def pods(self, namespace: str, selector: str) -> list[Pod]:
        """Return pods as the API server's JSON. Raise as :class:`ApiClient` does."""
        found = self._client.get(f"/api/v1/namespaces/{namespace}/pods", seconds=_SECONDS, labelSelector=selector)
        return [] if found is None else list(found["items"])

    def log(self, namespace: str, pod: str, container: str) -> str:
        """Return a container's last log lines, or an empty string if there are none."""
        path, query = f"/api/v1/namespaces/{namespace}/pods/{pod}/log", {"tailLines": str(LOG_LINES)}
        try:
            return self._client.call("GET", path, query=query | {"container": container}, seconds=_SECONDS) or ""
        except ApiError:
            return ""

    def namespace(self, name: str) -> Json | None:
        """Return a namespace as the API server's JSON, or None if it does not exist.

        Raises:
            Forbidden: the account may not read the namespace.
            Away: the API server does not answer, or answers with another error.
        """
        try:
            return self._client.get(f"/api/v1/namespaces/{name}", seconds=_SECONDS)
        except ApiError as error:
            said = f"it answered {error.status} {error.reason}"
            raise Forbidden if error.status == _FORBIDDEN else Away(said) from error
        except Unreachable as error:
            raise Away(str(error)) from error

    def objects(self, namespace: str) -> Iterator[tuple[str, Json]]:
        """Yield (kind, ``metadata``) of objects whose names could collide, without kinds that may not be read."""
        for kind, group, resource in _ALIKE:
            try:
                found = self._client.get(f"{group}/namespaces/{namespace}/{resource}", seconds=_SECONDS)
            except ApiError:
                continue
            for item in found["items"] if found else ():
                yield kind, {"name": item["metadata"]["name"], "labels": item["metadata"].get("labels") or {}}

    def workload(self, kind: str, namespace: str, name: str) -> Json:
        """Return a Deployment or StatefulSet as the API server's JSON. Raise LookupError if it does not exist."""
        path = f"/apis/apps/v1/namespaces/{namespace}/{kind.lower()}s/{name}"
        found = self._client.get(path, seconds=_SECONDS)
        if found is None:
            raise LookupError(f"{kind} {namespace}/{name}: not found")
        return found

    @cached_property
    def _client(self) -> ApiClient:
        return ApiClient(self.context)
