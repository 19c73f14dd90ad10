"""The program's own requests to the API server, which identify a namespace's owner and explain failures."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from components.api_client import ApiClient, ApiError, Json, Unreachable
from components.log_cause import LOG_LINES
from components.manifests.manifest import API_VERSIONS
from components.workload_pods import Pod, when

_SECONDS = 5
"""Timeout of one request: the explanation must not prolong a failed update by minutes."""
_FORBIDDEN, _CONFLICT = 403, 409
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

    def replica_sets(self, namespace: str, selector: str) -> list[Json]:
        """Return ReplicaSets as the API server's JSON; nothing without the permission to read them.

        Raises:
            Unreachable: the API server does not answer.
        """
        path = f"/apis/apps/v1/namespaces/{namespace}/replicasets"
        return self._permitted(path, labelSelector=selector)

    def warnings(self, namespace: str, kind: str, name: str) -> list[Json]:
        """Return the warnings about an object and the kills of its containers, the newest last.

        Without the permission to read events, return nothing: status and logs explain most failures, too.

        Raises:
            Unreachable: the API server does not answer.
        """
        about = f"involvedObject.kind={kind},involvedObject.name={name}"
        found = self._permitted(f"/api/v1/namespaces/{namespace}/events", fieldSelector=about)
        return sorted((one for one in found if one.get("type") != "Normal" or _kills(one)), key=when)

    def _permitted(self, path: str, **query: str) -> list[Json]:
        """Return the items of a list, or nothing if the account may not read them."""
        try:
            found = self._client.get(path, seconds=_SECONDS, **query)
        except ApiError:
            return []
        return [] if found is None else list(found["items"])

    def workloads(self, kind: str, namespace: str) -> dict[str, Json]:
        """Return all Deployments or StatefulSets of a namespace by name. Raise as :class:`ApiClient` does."""
        found = self._client.get(self._path(kind, namespace, "").rstrip("/"), seconds=_SECONDS)
        return {one["metadata"]["name"]: one for one in (found or {"items": []})["items"]}

    def log(self, namespace: str, pod: str, container: str, *, previous: bool) -> str:
        """Return a container's last log lines, or those of its previous run; an empty string if there are none."""
        path, query = f"/api/v1/namespaces/{namespace}/pods/{pod}/log", {"tailLines": str(LOG_LINES)}
        query |= {"container": container, "previous": str(previous).lower()}
        try:
            return self._client.call("GET", path, query=query, seconds=_SECONDS) or ""
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

    def find(self, kind: str, namespace: str, name: str) -> Json | None:
        """Return an object of a kind in an API group as JSON, or None if it or its kind does not exist."""
        return self._client.get(self._path(kind, namespace, name), seconds=_SECONDS)

    def replace(self, kind: str, namespace: str, name: str, content: Json) -> bool:
        """Write a whole object; return False if it changed since it was read, or does not exist any more."""
        try:
            path = self._path(kind, namespace, name)
            return self._client.call("PUT", path, content, seconds=_SECONDS) is not None
        except ApiError as error:
            if error.status == _CONFLICT:
                return False
            raise

    def delete(self, kind: str, namespace: str, name: str) -> None:
        """Delete an object if it exists."""
        self._client.call("DELETE", self._path(kind, namespace, name), seconds=_SECONDS)

    @staticmethod
    def _path(kind: str, namespace: str, name: str) -> str:
        return f"/apis/{API_VERSIONS[kind]}/namespaces/{namespace}/{kind.lower()}s/{name}"

    @cached_property
    def _client(self) -> ApiClient:
        return ApiClient(self.context)


def _kills(event: Json) -> bool:
    return event.get("reason") == "Killing"
