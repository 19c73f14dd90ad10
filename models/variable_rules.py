"""The variables of a container: each is set once, and none replaces one that Slipway sets for that container."""

from collections.abc import Iterable, Iterator

from models.declarations import Declarations
from models.jobs import JobSpec
from models.service import ServiceOverlay, SlotSpec
from models.stores import StoreSpec

_OWN_SERVER = ("PORT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_OBJECT_STORAGE = ("AWS_ENDPOINT_URL", "AWS_REGION")
_NO_OVERLAY = ServiceOverlay()


def faults(
    where: str, entry: Declarations, spec: SlotSpec | StoreSpec | JobSpec, overlay: ServiceOverlay = _NO_OVERLAY
) -> Iterator[str]:
    """Yield one line for each variable that is given twice. The API server would refuse it in mid-deployment."""
    env = spec.env if overlay.env is None else overlay.env
    given = [(key, "env") for key in env]
    if not isinstance(spec, StoreSpec):
        given += [(address_variable(name), f"calls {name}") for name in spec.calls]
        given += [(url_variable(name), f"externals {name}") for name in spec.externals]
    if isinstance(spec, SlotSpec):
        given += [(key, "drain.env") for key in (overlay.drain or spec.drain).env or {}]
    given += of_secrets(entry, spec.secrets if overlay.secrets is None else overlay.secrets)
    own = _own(spec)
    for key, owner in given:
        if key in own:
            yield f"{where}: the variable {key} of {owner} is one that Slipway sets; choose another name"
    yield from twice(where, given)


def of_secrets(entry: Declarations, names: Iterable[str]) -> list[tuple[str, str]]:
    """Return each variable of the secrets, with its owner. Unknown secrets are left to another rule."""
    known = [name for name in names if name in entry.secrets]
    return [(key, f"secrets {name}") for name in known for key in entry.secrets[name].keys]


def twice(where: str, given: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield one line for each variable with two owners."""
    owners: dict[str, str] = {}
    for key, owner in given:
        if key in owners:
            yield f"{where}: the variable {key} is set twice, by {owners[key]} and by {owner}; remove one"
        owners.setdefault(key, owner)


def _own(spec: SlotSpec | StoreSpec | JobSpec) -> tuple[str, ...]:
    """Return the variables that Slipway sets in a container and that the entry may not set.

    In a container with another server, that is only HOME.
    """
    if isinstance(spec, JobSpec):
        return _OBJECT_STORAGE if spec.object_storage else ()
    if isinstance(spec, StoreSpec):
        return ()
    return (*(_OWN_SERVER if spec.owned else ()), *(("HOME",) if spec.home else ()))


def address_variable(callee: str) -> str:
    """Return the name of the environment variable that holds a callee's address."""
    return f"{callee.upper().replace('-', '_')}_ADDRESS"


def url_variable(external: str) -> str:
    """Return the name of the environment variable that holds the URL of an external server."""
    return f"{external.upper().replace('-', '_')}_URL"
