"""Deploy small systems under the recording engine."""

import pulumi

from components.system import System, SystemArgs
from models.entry import CatalogueEntry
from models.stack import StackSettings
from models.system import resolve
from tests.recording import Live, Recorded, Registered, record
from tests.samples import Config, accepted, entry, put, release, service, stack

ROUTE: Config = {"host": "web.example.com", "path": "/predict", "stableHosts": ["partner.example.com"]}


def deployed(
    entry_data: Config | None = None,
    stack_data: Config | None = None,
    *,
    into: Recorded | None = None,
    live: Live | None = None,
) -> Recorded:
    """Run a system of its own, without the program around it; ``into`` and ``live`` as in ``record``."""
    settings = accepted(StackSettings, stack() if stack_data is None else stack_data)
    spec = resolve(settings, accepted(CatalogueEntry, entry() if entry_data is None else entry_data))

    def program() -> None:
        pulumi.export("services", System(spec.name, SystemArgs(spec=spec)).services)

    return record(program, into=into, live=live)


def with_service(**blocks: object) -> Recorded:
    """Run a system of one service with these blocks, its built image in blue."""
    return deployed(entry(services={"web": service(**blocks)}))


def released(**changes: object) -> Recorded:
    """Run a routed service with both slots filled, changed so."""
    data = put(stack(), "release.web", release(**changes))
    return deployed(entry(services={"web": service(route=ROUTE)}), data)


def ingress_backends(run: Recorded) -> dict[str, str]:
    """Per ``host``, the Service that its Ingress names; canaries as ``host (canary)``."""
    found: dict[str, str] = {}
    for ingress in run.of_kind("Ingress"):
        canary = " (canary)" if "nginx.ingress.kubernetes.io/canary" in annotations(ingress) else ""
        for rule in ingress.inputs["spec"]["rules"]:
            (path,) = rule["http"]["paths"]
            found[rule["host"] + canary] = path["backend"]["service"]["name"]
    return found


def annotations(resource: Registered) -> dict[str, str]:
    """A manifest's annotations."""
    return resource.inputs["metadata"].get("annotations", {})
