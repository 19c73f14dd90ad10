"""The Kubernetes API client of the program and the driver: paths and JSON, without typed objects.

The package ``kubernetes`` reads the kubeconfig, runs its credential plugins and keeps the connection open. Its import
takes half a second, so it is imported on first use and never for ``--help``.
"""

import copy
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

Json = dict[str, Any]

_NOT_FOUND, _FIRST_ERROR = 404, 400
_SHOWN = 300
"""Characters of the API server's answer that a one-line error shows."""


class Unreachable(Exception):
    """The API server does not answer; the message says why."""


class NoContext(Unreachable):
    """The kubeconfig has no such context, or it cannot be used."""


class ApiError(Exception):
    """The API server answered with an error."""

    def __init__(self, status: int, reason: str, said: str) -> None:
        super().__init__(f"{status} {reason}: {said[:_SHOWN]!r}")
        self.status, self.reason = status, reason


@dataclass(frozen=True)
class ApiClient:
    """The API server of one kube context."""

    context: str

    def call(  # noqa: PLR0913 -- what a request has
        self,
        method: str,
        path: str,
        body: Json | None = None,
        *,
        query: dict[str, str] | None = None,
        seconds: float,
        once: bool = False,
    ) -> str | None:
        """Return the text of the answer, or None for 404.

        Args:
            method: GET, POST, PUT or PATCH (server-side apply).
            path: URL path, which begins with ``/api``.
            body: Request body, sent as JSON.
            query: Query parameters of the URL.
            seconds: Timeout for the connection, and between two reads.
            once: Do not retry when a connection fails.

        Raises:
            Unreachable: the API server does not answer.
            NoContext: the kubeconfig has no such context, or it cannot be used.
            ApiError: the API server answers with an error other than 404.
        """
        from urllib3.exceptions import HTTPError  # noqa: PLC0415 -- with the client

        api = self._hasty if once else self._patient
        kind = "application/apply-patch+yaml" if method == "PATCH" else "application/json"
        headers = {"Accept": "*/*"} | ({"Content-Type": kind} if body else {})
        request = api.param_serialize(
            method,
            path,
            query_params=list((query or {}).items()),
            header_params=headers,
            body=body,
            auth_settings=["BearerToken"],
        )
        try:
            answer = api.call_api(*request, _request_timeout=seconds)
            said: bytes = answer.read()
        except (HTTPError, OSError) as lost:
            raise Unreachable(" ".join(str(lost).split())) from lost
        if answer.status == _NOT_FOUND:
            return None
        text = said.decode(errors="replace")
        if answer.status >= _FIRST_ERROR:
            raise ApiError(answer.status, answer.reason, text)
        return text

    def get(self, path: str, *, seconds: float, **query: str) -> Json | None:
        """Return the JSON at a path, or None for 404. Raise as :meth:`call` does."""
        said = self.call("GET", path, query=query, seconds=seconds)
        return None if said is None else cast("Json", json.loads(said))

    @cached_property
    def _patient(self) -> Any:  # noqa: ANN401 -- the client carries no types
        from kubernetes import config  # noqa: PLC0415 -- see above

        try:
            return cast("Any", config).new_client_from_config(context=self.context)
        except (cast("Any", config).ConfigException, OSError) as error:
            raise NoContext(" ".join(str(error).split())) from error

    @cached_property
    def _hasty(self) -> Any:  # noqa: ANN401 -- the client carries no types
        from kubernetes import client  # noqa: PLC0415 -- see above

        configuration = copy.deepcopy(self._patient.configuration)
        configuration.retries = False
        return cast("Any", client).ApiClient(configuration)
