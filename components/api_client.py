"""The Kubernetes API client of the program and the driver: paths and JSON, without typed objects.

The package ``kubernetes`` runs the kubeconfig's credential plugins and keeps the connection open. Its import
takes half a second, so it is imported on first use and never for ``--help``.
"""

import copy
import json
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from components import http_proxy, kubeconfig, kubeconfig_files
from models.errors import ConfigurationError

Json = dict[str, Any]

_NOT_FOUND, _FIRST_ERROR = 404, 400
_ESCAPED = re.compile("[\x7f-\uffff]")
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
        self.status, self.reason, self.said = status, reason, said


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
            method: GET, POST, PUT, DELETE or PATCH (server-side apply).
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
            body=_yaml(body) if body and method == "PATCH" else body,
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
        """Return the JSON at a path, or None for 404.

        Raises:
            Unreachable: also if the answer is not JSON.
            ApiError: as :meth:`call`.
        """
        return json_of(self.call("GET", path, query=query, seconds=seconds), f"GET {path}")

    @cached_property
    def _patient(self) -> Any:  # noqa: ANN401 -- the client carries no types
        from kubernetes import client, config  # noqa: PLC0415 -- see above

        try:
            content = kubeconfig.extracted(self.context, kubeconfig_files.paths())
            configuration = cast("Any", client).Configuration()
            cast("Any", config).load_kube_config_from_dict(
                content, context=kubeconfig.CONTEXT, client_configuration=configuration
            )
            _route(configuration, content["clusters"][0]["cluster"])
            return cast("Any", client).ApiClient(configuration)
        except ConfigurationError as error:
            prefix = f"{kubeconfig_files.FIELD}: "
            raise NoContext("; ".join(fault.removeprefix(prefix) for fault in error.faults)) from error
        except (cast("Any", config).ConfigException, http_proxy.ProxyFault, OSError) as error:
            raise NoContext(" ".join(str(error).split())) from error

    @cached_property
    def _hasty(self) -> Any:  # noqa: ANN401 -- the client carries no types
        from kubernetes import client  # noqa: PLC0415 -- see above

        configuration = copy.deepcopy(self._patient.configuration)
        configuration.retries = False
        return cast("Any", client).ApiClient(configuration)


def json_of(said: str | None, request: str) -> Json | None:
    """Return the JSON of an answer, or None if there is none.

    Raises:
        Unreachable: the answer is not JSON: something else answers, such as a proxy's login page.
    """
    try:
        return None if said is None else cast("Json", json.loads(said))
    except ValueError as error:
        shown = " ".join(str(said).split())[:_SHOWN]
        raise Unreachable(f"{request}: the answer is not JSON: {shown!r}") from error


def _yaml(body: Json) -> str:
    """Return JSON that is also YAML.

    JSON escapes a character beyond U+FFFF as two surrogates, which YAML refuses, so it stays as it is. Others are
    escaped, because YAML contains some of them only in escaped form.
    """
    text = json.dumps(body, ensure_ascii=False)
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _route(configuration: Any, cluster: Json) -> None:  # noqa: ANN401 -- the client carries no types
    """Set the proxy that kubectl and the plugin use: the kubeconfig's, or else the environment's except for loopback.

    By itself, the package applies ``NO_PROXY`` to the kubeconfig's proxy too, sends requests for loopback through the
    environment's proxy, and drops the proxy's password.
    """
    from urllib3.util import make_headers  # noqa: PLC0415 -- with the client

    own = cluster.get("proxy-url")
    if own:
        proxy = http_proxy.usable("the kubeconfig's proxy-url", own)
    else:
        proxy = None if http_proxy.is_loopback(configuration.host) else http_proxy.of(configuration.host)
    configuration.proxy, configuration.no_proxy = proxy, ""
    if proxy and (credentials := http_proxy.credentials(proxy)):
        configuration.proxy_headers = make_headers(proxy_basic_auth=credentials)
