"""Deploy small systems under the recording engine, each configuration once per process."""

import os
import pickle
from dataclasses import dataclass
from pathlib import Path

import pulumi

from components.system import System, SystemArgs
from models.entry import CatalogueEntry
from models.resolve import resolve
from models.stack import StackSettings
from tests.recording import Live, Recorded, Registered, record
from tests.samples import Config, accepted, entry, put, release, service, stack

ROUTE: Config = {"host": "web.example.com", "path": "/predict", "stableHosts": ["partner.example.com"]}


TEST = "PYTEST_CURRENT_TEST"
"""The variable in which pytest names the running test and its phase."""


@dataclass
class Remembered:
    """The run of one configuration, pickled so that no test can change what another gets."""

    pickled: bytes
    test: str
    """The test that got it last."""


_remembered: dict[str, Remembered] = {}


def deployed(
    entry_data: Config | None = None,
    stack_data: Config | None = None,
    *,
    into: Recorded | None = None,
    live: Live | None = None,
) -> Recorded:
    """Run a system of its own, without the program around it; ``into`` and ``live`` as in ``record``.

    Different tests that deploy the same configuration share one run. A test that deploys a configuration twice gets
    two runs, because it compares them. With ``into`` or ``live`` nothing is shared: a test that patches the program
    gives one of them.
    """
    given = (entry() if entry_data is None else entry_data, stack() if stack_data is None else stack_data)
    if into is not None or live is not None:
        return _run(*given, into=into, live=live)
    environment = {name: value for name, value in os.environ.items() if name != TEST}
    key = repr((given, environment, Path.cwd()))
    test = os.environ.get(TEST, "").rpartition(" ")[0]
    known = _remembered.get(key)
    if known is None or known.test == test:
        run = _run(*given)
        _remembered[key] = Remembered(pickle.dumps(run), test)
        return run
    known.test = test
    return pickle.loads(known.pickled)  # noqa: S301 -- pickled by this process


def _run(entry_data: Config, stack_data: Config, *, into: Recorded | None = None, live: Live | None = None) -> Recorded:
    spec = resolve(accepted(StackSettings, stack_data), accepted(CatalogueEntry, entry_data))

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
