"""Small systems: what they declare, from the renderer, and what is registered, under the recording engine."""

import pulumi

from components.system import System, SystemArgs
from models.entry import CatalogueEntry
from models.resolve import resolve
from models.stack import StackSettings
from models.system import SystemSpec
from tests.declared import Declared, Objects, declared
from tests.recording import Live, Recorded, record
from tests.samples import Config, accepted, entry, put, release, service, stack

ROUTE: Config = {"host": "web.example.com", "path": "/predict", "stableHosts": ["partner.example.com"]}


def system(entry_data: Config | None = None, stack_data: Config | None = None) -> SystemSpec:
    """Return the system of an entry in a stack."""
    given = stack() if stack_data is None else stack_data
    described = entry() if entry_data is None else entry_data
    return resolve(accepted(StackSettings, given), accepted(CatalogueEntry, described))


def deployed(entry_data: Config | None = None, stack_data: Config | None = None) -> Objects[Declared]:
    """Return what a system declares, from the renderer."""
    return declared(system(entry_data, stack_data))


def registered(
    entry_data: Config | None = None,
    stack_data: Config | None = None,
    *,
    into: Recorded | None = None,
    live: Live | None = None,
) -> Recorded:
    """Register a system without the program around it; ``into`` and ``live`` as in ``record``."""
    spec = system(entry_data, stack_data)

    def program() -> None:
        pulumi.export("services", System(spec.name, SystemArgs(spec=spec)).services)

    return record(program, into=into, live=live)


def with_service(**blocks: object) -> Objects[Declared]:
    """Return what a system of one service with these blocks declares; its built image is in blue."""
    return deployed(of_service(**blocks))


def of_service(**blocks: object) -> Config:
    """Return an entry of one service with these blocks."""
    return entry(services={"web": service(**blocks)})


def released(**changes: object) -> Objects[Declared]:
    """Return what a routed service with both slots filled, changed so, declares."""
    return deployed(*in_release(**changes))


def in_release(**changes: object) -> tuple[Config, Config]:
    """Return entry and stack of a routed service with both slots filled, changed so."""
    return of_service(route=ROUTE), put(stack(), "release.web", release(**changes))


def ingress_backends(run: Objects[Declared]) -> dict[str, str]:
    """Per ``host``, the Service that its Ingress names; canaries as ``host (canary)``."""
    found: dict[str, str] = {}
    for ingress in run.of_kind("Ingress"):
        canary = " (canary)" if "nginx.ingress.kubernetes.io/canary" in annotations(ingress) else ""
        for rule in ingress.inputs["spec"]["rules"]:
            (path,) = rule["http"]["paths"]
            found[rule["host"] + canary] = path["backend"]["service"]["name"]
    return found


def annotations(resource: Declared) -> dict[str, str]:
    """A manifest's annotations."""
    return resource.inputs["metadata"].get("annotations", {})
