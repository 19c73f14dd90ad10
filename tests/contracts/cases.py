"""Every catalogue entry in each of its environments, with one slot filled and with both."""

from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import catalog
from models.entry import CatalogueEntry
from models.parsing import parse
from tests.recording import Recorded, Registered, run_main
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
    return parse(CatalogueEntry, catalog.read(name), f"catalog/{name}.yaml: ")


CASES = [
    Case(name, environment, both)
    for name in catalog.names()
    for environment in entry(name).environments
    for both in (False, True)
]


def config_of(case: Case) -> Config:
    """The least that a stack file must say to run a case, without monitoring or ingress settings of its own."""
    given = entry(case.entry)
    builds = case.environment == given.building_environment
    config: Config = {"system": {"entry": case.entry, "environment": case.environment}, "cluster": {"context": "prod"}}
    if builds:
        config["image"] = {"registry": "registry.example.com/ml"}
    blue = {} if builds else {"image": IMAGE}
    releases: Config = {}
    for service in given.services:
        releases[service] = {"slots": {"blue": blue}}
        if case.both and given.service_in(case.environment, service).route is not None:
            releases[service] = {"slots": {"blue": blue, "green": {"image": OTHER_IMAGE}}, "weight": 20}
    return {**config, "release": releases}


@cache
def recorded(case: Case) -> Recorded:
    """Run the real program on a case, once for all contracts."""
    return run_main(config_of(case))


def pod(deployment: Registered) -> dict[str, Any]:
    """A Deployment's pod template."""
    return cast("dict[str, Any]", deployment.inputs["spec"]["template"])


def pod_labels(run: Recorded) -> dict[str, Labels]:
    """The labels of each Deployment's pods."""
    return {d.object_name: pod(d)["metadata"]["labels"] for d in run.of_kind("Deployment")}


def selected(selector: Labels, candidates: dict[str, Labels]) -> set[str]:
    """The names of what a label selector selects."""
    return {name for name, labels in candidates.items() if selector.items() <= labels.items()}


def containers(run: Recorded) -> list[dict[str, Any]]:
    """Every container of every pod, init containers too."""
    specs = [pod(deployment)["spec"] for deployment in run.of_kind("Deployment")]
    return [container for spec in specs for container in (*spec["initContainers"], *spec["containers"])]
