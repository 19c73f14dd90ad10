"""What a role is to the framework: how to load it, its routes, its warm-up, and what it cannot do without.

The framework does the rest: admission queue, time limits, worker threads, readiness, drain, metrics, logs, traces.
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
    """Where a declared call goes."""

    host: str
    port: int


@dataclass(frozen=True, kw_only=True)
class WarmUp:
    """A request that the framework sends to the application itself before the pod is ready; not 2xx: not ready."""

    path: str
    method: str = "POST"
    content_type: str = "application/json"
    body: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Context:
    """What `load` may use. It is taken anew for each attempt to load, and for each change of the mounted files."""

    settings: Settings
    identity: Identity
    threads: Threads
    telemetry: Telemetry
    environment: Mapping[str, str] = field(default_factory=lambda: MappingProxyType[str, str]({}))
    files: ConfigFiles = field(default_factory=ConfigFiles)

    @property
    def model_folder(self) -> Path:
        """Where the model is: an image folder, a volume, or what the init container filled."""
        return Path(self.settings.model_path)

    def address(self, callee: str) -> Address:
        """Host and port of a service or store that the deployment declares as called, from `<CALLEE>_ADDRESS`.

        Raises:
            ModelUnusableError: the variable is missing or is no host:port.
        """
        variable = callee.upper().replace("-", "_") + "_ADDRESS"
        given = self.variable(variable)
        host, _, port = given.rpartition(":")
        if not (host and port.isdecimal()):
            raise ModelUnusableError(f"{variable}: {given!r} is no address; give host:port")
        return Address(host, int(port))

    def variable(self, name: str) -> str:
        """A variable of the pod's environment, a declared secret for one.

        Raises:
            ModelUnusableError: it is missing or empty; the message names the variable only.
        """
        given = self.environment.get(name)
        if not given:
            raise ModelUnusableError(f"{name}: is not set; declare the call or the secret in the service's entry")
        return given

    def file(self, name: str) -> bytes:
        """A mounted configuration file.

        Raises:
            ModelUnusableError: no such file is mounted.
        """
        try:
            return self.files.contents[name]
        except KeyError:
            there = ", ".join(sorted(self.files.contents)) or "nothing"
            raise ModelUnusableError(
                f"configuration file {name}: is not mounted (there is {there}); declare it in the service's entry"
            ) from None


def _nothing_to_send(_: object) -> Sequence[WarmUp]:
    return ()


@dataclass(frozen=True, kw_only=True)
class Payload(Generic[M]):
    """One role: `PAYLOAD = Payload(…)` in the module `serving.payloads.<role>`. M is whatever `load` gives.

    load: Blocking, in a thread of its own. Gives the model, or clients of stores, or both. Raises ModelUnusableError
        (one line: where, what, what to do) or UnreachableError; it is called again, at growing intervals, until it
        succeeds, and the pod is not ready before.
    routes: The role's endpoints; /health, /healthz, /metrics and /v2 are there anyway.
    warm_up: Requests for the whole application before it is ready; each must be answered 2xx.
    check: Blocking, about once a second while up. Raises UnreachableError while something that every answer needs is
        away: the pod is not ready (and says why, once) until it passes again. Keep its own time limit ≤ 2 s.
    tensors: The model as seen by /v2/models/{model}; None: the role has no such endpoints.
    batches: What computes those tensors for several requests at once, all outputs of each; None: one after the other.
    reload: Blocking. Mounted files changed: gives the M that serves from now on; None: `load` is called again. The
        new M is warmed before it replaces the old one; after an error the old one goes on serving.
    close: Blocking or `async`, at the end of a drain, and for an M that a reload replaced, once nothing uses it.
    workers: Threads for `Service.compute`, where jobs wait for others instead of computing; None: from the CPU limit.
    default_model_name: Name in /v2/models/{model} unless the settings say another.
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
