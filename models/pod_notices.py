"""What a preview says about a service whose pods cannot run under the *restricted* Pod Security Standard."""

from collections.abc import Iterator

from models.errors import enumerated
from models.service import ServiceSpec

_ROOT: dict[int | str, str] = {0: " as root", "image": " as the image's user, which may be root"}


def notices(name: str, spec: ServiceSpec, *, existing_namespace: bool) -> Iterator[tuple[str, bool]]:
    """Yield each line about a service's pods; all are warnings."""
    if security := spec.pod_security:
        added = f" with {enumerated(security.capabilities)}" if security.capabilities else ""
        root = "" if spec.user is None else _ROOT.get(spec.user, "")
        where = (
            "the namespace's owner must permit it"
            if existing_namespace
            else "so the whole namespace enforces no stricter standard"
        )
        line = f"need the Pod Security Standard {security.standard} and run{root}{added}: {security.why} (podSecurity)"
        yield f"{name}: its pods {line}; {where}", True
