"""Between the two tries of a cluster test: what the first one left is removed, and nothing else."""

import json
from collections.abc import Callable
from typing import cast

import pytest

from tests.cluster import beginning
from tests.cluster.beginning import Beginning
from tests.cluster.stack import Done, Stack

pytestmark = pytest.mark.slow


class Cluster:
    """Answers commands as a cluster with these namespaces and stacks would."""

    def __init__(self) -> None:
        self.env: dict[str, str] = {}
        self.namespaces, self.stacks = {"default", "classifier-dev"}, {"dev", "faces-dev"}
        self.healthy = True
        self.said: list[str] = []

    def run(self, *command: str, **_: object) -> Done:
        self.said.append(" ".join(command))
        out = ""
        if command[:3] == ("kubectl", "get", "namespaces"):
            out = " ".join(sorted(self.namespaces))
        elif command[:3] == ("pulumi", "stack", "ls"):
            out = json.dumps([{"name": f"organization/slipway/{name}"} for name in sorted(self.stacks)])
        code = int(command[1] == "cancel")  # there is no update to cancel
        return Done(command, code, out, "")

    def local(self, *command: str, **_: object) -> Done:
        self.said.append(" ".join(("local", *command)))
        return Done(command, int(command == ("status",) and not self.healthy), "", "")

    def up(self) -> None:
        self.said.append("up of dev")

    def changes(self) -> list[str]:
        reads = ("kubectl get", "pulumi stack ls", "local status")
        return [
            line.removesuffix(" --non-interactive --color never") for line in self.said if not line.startswith(reads)
        ]


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    made = Cluster()
    monkeypatch.setattr(beginning, "run", made.run)
    monkeypatch.setattr(beginning, "local", made.local)
    return made


@pytest.fixture
def noted(cluster: Cluster) -> Callable[[], None]:
    found = Beginning.noted(cast("Stack", cluster))
    cluster.said.clear()
    return found.restored


def test_namespaces_and_stacks_that_a_test_left_are_removed(cluster: Cluster, noted: Callable[[], None]) -> None:
    cluster.namespaces.add("parsing-dev")
    cluster.stacks.add("parsing-dev")
    noted()
    assert cluster.changes() == [
        "kubectl delete namespace parsing-dev --timeout=300s",
        "pulumi cancel --yes -s parsing-dev",
        "pulumi stack rm parsing-dev --force --yes --preserve-config",
        "pulumi cancel --yes -s dev",
        "up of dev",
    ]


def test_what_was_there_before_the_tests_stays(cluster: Cluster, noted: Callable[[], None]) -> None:
    noted()
    assert cluster.changes() == ["pulumi cancel --yes -s dev", "up of dev"]


def test_a_cluster_that_is_not_healthy_is_repaired_first(cluster: Cluster, noted: Callable[[], None]) -> None:
    cluster.healthy = False
    noted()
    assert cluster.changes()[0] == "local up --no-deploy"
