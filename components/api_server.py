"""What the program itself asks the API server, beside what the provider does: whose a namespace is, and what failed."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from components.reasons import LOG_LINES, Json, Pod

_SECONDS = 5
"""For one question: an update that has failed already must not last minutes longer for its explanation."""
_NOT_FOUND, _FORBIDDEN = 404, 403


class Forbidden(Exception):
    """The account may not read it."""


class Away(Exception):
    """The API server does not answer this account; the text says why."""


@dataclass(frozen=True)
class ApiServer:
    """The API server of one kube context."""

    context: str

    def pods(self, namespace: str, selector: str) -> list[Pod]:
        """List pods as the API server's JSON."""
        api = self._core()
        listed = api.list_namespaced_pod(namespace, label_selector=selector, _request_timeout=_SECONDS)
        return cast("list[Pod]", [api.api_client.sanitize_for_serialization(pod) for pod in listed.items])

    def log(self, namespace: str, pod: str, container: str) -> str:
        """Return a container's last log lines, or nothing where there are none."""
        from kubernetes.client import ApiException  # noqa: PLC0415 -- half a second that only trouble costs

        try:
            return self._core().read_namespaced_pod_log(
                pod, namespace, container=container, tail_lines=LOG_LINES, _request_timeout=_SECONDS
            )
        except ApiException:
            return ""

    def namespace(self, name: str) -> Json | None:
        """Return a namespace as the API server's JSON, or None where there is none.

        Raises:
            Forbidden: the account may not read it.
            Away: no answer, or one that says nothing about the namespace.
        """
        from kubernetes.client import ApiException  # noqa: PLC0415 -- as above
        from kubernetes.config import ConfigException  # noqa: PLC0415 -- as above
        from urllib3.exceptions import HTTPError  # noqa: PLC0415 -- as above

        try:
            api = self._core()
            found = api.read_namespace(name, _request_timeout=_SECONDS)
            return cast("Json", api.api_client.sanitize_for_serialization(found))
        except ApiException as error:
            said = cast("Any", error)
            if said.status == _NOT_FOUND:
                return None
            raise Forbidden if said.status == _FORBIDDEN else Away(f"it says {said.status} {said.reason}") from error
        except (ConfigException, HTTPError, OSError) as error:
            raise Away(" ".join(str(error).split())) from error

    def objects(self, namespace: str) -> Iterator[tuple[str, Json]]:
        """Yield (kind, ``metadata``) of what a system could have named alike, without kinds that may not be read."""
        from kubernetes import client  # noqa: PLC0415 -- as above

        core, apps = self._core(), cast("Any", client.AppsV1Api(self._client))
        for kind, listing in (
            ("service", core.list_namespaced_service),
            ("serviceaccount", core.list_namespaced_service_account),
            ("claim", core.list_namespaced_persistent_volume_claim),
            ("deployment", apps.list_namespaced_deployment),
            ("statefulset", apps.list_namespaced_stateful_set),
        ):
            with suppress(client.ApiException):
                for found in listing(namespace, _request_timeout=_SECONDS).items:
                    yield kind, {"name": found.metadata.name, "labels": found.metadata.labels or {}}

    def workload(self, kind: str, namespace: str, name: str) -> Json:
        """Return a Deployment or StatefulSet as the API server's JSON."""
        from kubernetes import client  # noqa: PLC0415 -- as above

        api: Any = client.AppsV1Api(self._client)
        read = api.read_namespaced_stateful_set if kind == "StatefulSet" else api.read_namespaced_deployment
        found = read(name, namespace, _request_timeout=_SECONDS)
        return cast("Json", api.api_client.sanitize_for_serialization(found))

    def _core(self) -> Any:  # noqa: ANN401 -- the client carries no types
        from kubernetes import client  # noqa: PLC0415 -- as above

        return client.CoreV1Api(self._client)

    @cached_property
    def _client(self) -> Any:  # noqa: ANN401 -- the client carries no types
        from kubernetes import config  # noqa: PLC0415 -- as above

        return cast("Any", config).new_client_from_config(context=self.context)
