"""Settings of the server: one JSON file (the slot's ConfigMap) and the ports."""

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

DEFAULT_FILE = Path("/etc/slipway/settings.json")
DEFAULT_PORT = 5000
PORT, MANAGEMENT_PORT = "PORT", "SLIPWAY_MANAGEMENT_PORT"
HIGHEST_PORT = 65535


class SettingsError(ValueError):
    """The settings are invalid; the message is one line that names file, key, value and rule."""


class Settings(BaseModel):
    """Everything that may differ between two configurations of one image. Unknown keys are rejected, to catch typos."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, alias_generator=to_camel)

    model_name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")] | None = Field(
        default=None, description="Name of the model in /v2/models/{name}; by default the role's own."
    )
    model_path: Annotated[str, Field(min_length=1)] = Field(
        default="/models", description="Folder with model.onnx, metadata.json and SHA256SUMS."
    )
    queue_limit: Annotated[int, Field(ge=0, le=10_000)] = Field(
        default=64, description="Requests that may wait for a worker thread; one more is answered 429."
    )
    request_timeout_seconds: Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)] = Field(
        default=30, description="Seconds from admission to answer, upload included."
    )
    drain_seconds: Annotated[float, Field(ge=1, le=3600, allow_inf_nan=False)] = Field(
        default=10, description="Seconds from SIGTERM to exit; must fit into the pod's grace period after preStop."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Lowest level that is logged; probes are logged at debug."
    )
    variant: Literal["float", "int8"] = Field(
        default="float", description="Which of the role's model files serves: model.onnx or the quantised one."
    )
    top_k: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=3, description="Labels in an answer of /predict, best first."
    )


def load(environment: Mapping[str, str]) -> Settings:
    """Read the settings file named by SLIPWAY_SETTINGS.

    Without the variable, a missing default file means default settings, so that the image also runs outside a cluster.

    Raises:
        SettingsError: the file is unreadable, is not a JSON object, has an unknown key, or has a value outside its
            limits.
    """
    named = environment.get("SLIPWAY_SETTINGS")
    path = Path(named) if named else DEFAULT_FILE
    if not named and not path.exists():
        return Settings()
    try:
        content: object = json.loads(path.read_bytes())
    except OSError as error:
        raise SettingsError(f"settings {path}: cannot be read ({error.strerror}); mount the file there") from error
    except ValueError as error:
        raise SettingsError(f"settings {path}: is not JSON ({error})") from error
    if not isinstance(content, dict):
        raise SettingsError(f"settings {path}: must be a JSON object, not {type(content).__name__}")
    try:
        return Settings.model_validate(cast("dict[str, Any]", content))
    except ValidationError as error:
        faults = "; ".join(_fault(detail) for detail in error.errors())
        raise SettingsError(f"settings {path}: {faults}") from error


@dataclass(frozen=True)
class Ports:
    """The TCP ports to listen on.

    main: For clients and the kubelet's probes.
    management: For Prometheus. None if the main port serves the metrics too.
    """

    main: int = DEFAULT_PORT
    management: int | None = None


def ports(environment: Mapping[str, str]) -> Ports:
    """Return the ports to listen on, from PORT and SLIPWAY_MANAGEMENT_PORT.

    Raises:
        SettingsError: a variable is not a port number, or both name the same port.
    """
    main, management = (_port(environment, variable) for variable in (PORT, MANAGEMENT_PORT))
    main = main or DEFAULT_PORT
    if main == management:
        raise SettingsError(f"{MANAGEMENT_PORT}: {management} is also {PORT}; use another number")
    return Ports(main, management)


def _port(environment: Mapping[str, str], variable: str) -> int | None:
    given = environment.get(variable)
    if given is None:
        return None
    if not (given.isdecimal() and 0 < int(given) <= HIGHEST_PORT):
        raise SettingsError(f"{variable}: {given!r} is not a port; use a number from 1 to {HIGHEST_PORT}")
    return int(given)


def _fault(detail: Mapping[str, Any]) -> str:
    key = ".".join(str(part) for part in detail["loc"])
    if detail["type"] != "extra_forbidden":
        return f"{key}: {detail['input']!r}: {detail['msg']}"
    known = [to_camel(name) for name in Settings.model_fields]
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    return f"{key}: unknown key; " + (f"did you mean {near[0]}?" if near else f"known keys: {', '.join(known)}")
