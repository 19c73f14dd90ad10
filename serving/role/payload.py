"""The definition of a role for the framework: how to load it, its routes, its warm-up and its dependencies.

The framework provides the rest: admission queue, time limits, worker threads, readiness, drain, metrics, logs, traces.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Generic, NamedTuple, TypeVar

from starlette.routing import BaseRoute

from serving.cpu import Threads
from serving.errors import ModelUnusableError
from serving.identity import Identity
from serving.models.tensors import TensorModel
from serving.role.config_files import ConfigFiles
from serving.role.service import Service
from serving.settings import Settings
from serving.telemetry.metrics import Telemetry
from serving.work.batching import Batches

M = TypeVar("M")


class Address(NamedTuple):
    """Host and port of a declared call."""

    host: str
    port: int


@dataclass(frozen=True, kw_only=True)
class WarmUp:
    """A request that the framework sends to the application; the pod is not ready until it is answered with 2xx."""

    path: str
    method: str = "POST"
    content_type: str = "application/json"
    body: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Context:
    """Everything that `load` may use; created anew for each load attempt and each change of the mounted files."""

    settings: Settings
    identity: Identity
    threads: Threads
    telemetry: Telemetry
    environment: Mapping[str, str] = field(default_factory=lambda: MappingProxyType[str, str]({}))
    files: ConfigFiles = field(default_factory=ConfigFiles)

    @property
    def model_folder(self) -> Path:
        """The folder of the model: part of the image, a volume, or filled by the init container."""
        return Path(self.settings.model_path)

    def address(self, callee: str) -> Address:
        """Return host and port of a declared call to a service or store, from `<CALLEE>_ADDRESS`.

        Raises:
            ModelUnusableError: the variable is missing or is not host:port.
        """
        variable = callee.upper().replace("-", "_") + "_ADDRESS"
        given = self.variable(variable)
        host, _, port = given.rpartition(":")
        if not (host and port.isdecimal()):
            raise ModelUnusableError(f"{variable}: {given!r} is not an address; use host:port")
        return Address(host, int(port))

    def variable(self, name: str) -> str:
        """Return a variable of the pod's environment, for example a declared secret.

        Raises:
            ModelUnusableError: the variable is missing or empty; the message does not contain its value.
        """
        given = self.environment.get(name)
        if not given:
            raise ModelUnusableError(f"{name}: is not set; declare the call or the secret in the service's entry")
        return given

    def file(self, name: str) -> bytes:
        """Return the content of a mounted configuration file.

        Raises:
            ModelUnusableError: no such file is mounted.
        """
        try:
            return self.files.contents[name]
        except KeyError:
            there = ", ".join(sorted(self.files.contents)) or "nothing"
            raise ModelUnusableError(
                f"configuration file {name}: is not mounted (mounted: {there}); declare it in the service's entry"
            ) from None


def _nothing_to_send(_: object) -> Sequence[WarmUp]:
    return ()


@dataclass(frozen=True, kw_only=True)
class Payload(Generic[M]):
    """One role: `PAYLOAD = Payload(…)` in the module `serving.payloads.<role>`. M is the type that `load` returns.

    load: Blocking, in its own thread. Returns the model, clients of stores, or both. Raises ModelUnusableError (one
        line: where, what, remedy) or UnreachableError. It is called again at growing intervals until it succeeds; until
        then the pod is not ready.
    routes: The role's endpoints; /health, /healthz, /metrics and /v2 always exist.
    warm_up: Requests sent to the whole application before it is ready; each must be answered with 2xx.
    check: Blocking, called about once a second. Raises UnreachableError while a dependency of every answer is
        unreachable: the pod is not ready (and logs the reason once) until the check passes. Its own time limit must be
        at most 2 s.
    tensors: The model as /v2/models/{model} shows it; None: the role has no model endpoints.
    batches: Computes those tensors for several requests at once, with all outputs; None: one request at a time.
    reload: Blocking, called when mounted files changed. Returns the M that serves from now on; None: `load` is called
        again. The new M is warmed up before it replaces the old one; after an error the old one keeps serving.
    close: Blocking or `async`. Called at the end of a drain, for a replaced M once no request uses it, and for an M
        that failed its check or its warm-up.
    workers: Threads for `Service.compute`, for jobs that wait instead of compute; None: derived from the CPU limit.
    default_model_name: Name in /v2/models/{model} unless the settings set another.
    healthy: The `status` of /health while ready; published clients of a role may expect another word.
    pod_metrics: Whether GET /metrics at the main port answers clients that name the pod by its address, with the label
        names of the published server (`serving.http.pod_metrics`).
    """

    load: Callable[["Context"], M]
    routes: Callable[[Service[M]], Sequence[BaseRoute]]
    warm_up: Callable[[M], Sequence[WarmUp]] = _nothing_to_send
    check: Callable[[M], None] | None = None
    tensors: Callable[[M], TensorModel] | None = None
    batches: Callable[[M], Batches[Any, Any]] | None = None
    reload: Callable[[M, "Context"], M] | None = None
    close: Callable[[M], Awaitable[None] | None] | None = None
    workers: int | None = None
    default_model_name: str = "model"
    healthy: str = "ok"
    pod_metrics: bool = False
