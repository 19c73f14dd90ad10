"""What a preview says about the pods of a service: the standard that they need, and what their server is not told."""

from collections.abc import Iterator

from models.errors import enumerated
from models.service import ServiceSpec

_ROOT: dict[int | str, str] = {0: " as root", "image": " as the image's user, which may be root"}


def of_pods(name: str, spec: ServiceSpec, *, existing_namespace: bool) -> Iterator[tuple[str, bool]]:
    """Yield each notice about a service's pods, and whether it is a warning."""
    if security := spec.pod_security:
        added = f" with {enumerated(security.capabilities)}" if security.capabilities else ""
        root = "" if spec.user is None else _ROOT.get(spec.user, "")
        where = (
            "the namespace's owner must permit it" if existing_namespace else "the whole namespace enforces only that"
        )
        yield (
            (
                f"{name}: its pods need the Pod Security Standard {security.standard} and run{root}{added}: "
                f"{security.why} (podSecurity); {where}"
            ),
            True,
        )
