"""Every catalogue entry in each of its environments, with one slot filled and with both."""

import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, update_wrapper
from typing import Any, cast

import catalog
from models.entry import CatalogueEntry
from models.parsing import parse
from models.resolve import resolve
from models.stack import StackSettings
from tests.declared import D_co, Declared, Objects, declared
from tests.each import Rule, Test, each
from tests.recording import Recorded, run_main
from tests.samples import IMAGE, OTHER_IMAGE, Config

Labels = dict[str, str]


@dataclass(frozen=True)
class Case:
    """One entry in one environment."""

    entry: str
    environment: str
    both: bool

    def __str__(self) -> str:
        return f"{self.entry}-{self.environment}-{'canary' if self.both else 'live'}"


@cache
def entry(name: str) -> CatalogueEntry:
    """Read and validate a shipped entry."""
    return catalog.entry(name)


CASES = [
    Case(name, environment, both)
    for name in catalog.names()
    for environment in entry(name).environments
    for both in (False, True)
]


PLANTED = "planted-0d6e"
"""The value of every secret: it may stand in Secret objects alone."""


def config_of(case: Case) -> Config:
    """The least that a stack file must say to run a case, without monitoring or ingress settings of its own."""
    given = entry(case.entry)
    builds = case.environment == given.building_environment
    config: Config = {"system": {"entry": case.entry, "environment": case.environment}, "cluster": {"context": "prod"}}
    if builds:
        config["image"] = {"registry": "registry.example.com/ml"}
    else:
        config["images"] = dict.fromkeys(given.images, IMAGE)
    if given.secrets:
        config["objectStorage"] = {"url": "https://s3.example.com"}
        config["secrets"] = {
            name: {"values": dict.fromkeys(secret.names, json.dumps({"auths": PLANTED}))}
            for name, secret in given.secrets.items()
        }
    releases: Config = {}
    for service in given.services:
        if case.both and given.service_in(case.environment, service).route is not None:
            releases[service] = {"slots": {"blue": {}, "green": {"image": OTHER_IMAGE}}, "weight": 20}
    return {**config, "release": releases}


@cache
def objects_of(case: Case) -> Objects[Declared]:
    """Return what a case declares, rendered once for all contracts."""
    return declared(resolve(parse(StackSettings, config_of(case), "slipway:"), entry(case.entry)))


@cache
def of_program(case: Case) -> Recorded:
    """Run the real program on a case."""
    return run_main(config_of(case))


def in_every_case(contract: Rule) -> Test:
    """Hold every case to a contract.

    The contract's arguments say what it asks: ``run`` is what the case declares, ``registered`` what the real program
    registers in it, ``case`` the case itself.
    """
    asked = inspect.signature(contract).parameters
    given: dict[str, Callable[[Case], object]] = {
        "run": objects_of,
        "registered": of_program,
        "case": lambda case: case,
    }

    def held(case: Case) -> None:
        contract(**{name: given[name](case) for name in asked})

    return each("case", CASES)(update_wrapper(held, contract))


def pod(workload: Declared) -> dict[str, Any]:
    """A workload's pod template."""
    return cast("dict[str, Any]", workload.inputs["spec"]["template"])


def workloads(run: Objects[D_co]) -> list[D_co]:
    """Whatever makes pods."""
    return [resource for kind in ("Deployment", "StatefulSet", "Job") for resource in run.of_kind(kind)]


def pod_labels(run: Objects[Declared]) -> dict[str, Labels]:
    """The labels of each workload's pods."""
    return {workload.object_name: pod(workload)["metadata"]["labels"] for workload in workloads(run)}


def selected(selector: Labels, candidates: dict[str, Labels]) -> set[str]:
    """The names of what a label selector selects."""
    return {name for name, labels in candidates.items() if selector.items() <= labels.items()}


def containers_of(workload: Declared) -> list[dict[str, Any]]:
    """Every container of a workload's pods, init containers too."""
    spec = pod(workload)["spec"]
    return [*spec.get("initContainers", []), *spec["containers"]]


def containers(run: Objects[Declared]) -> list[dict[str, Any]]:
    """Every container of every pod."""
    return [container for workload in workloads(run) for container in containers_of(workload)]
