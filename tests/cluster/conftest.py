"""Fixtures of the cluster tests: the embedded cluster that `make up` started, with the dev stack deployed."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from serving.payloads.digits.data import held_out
from tests.cluster import flaky
from tests.cluster.beginning import Beginning
from tests.cluster.second_try import SecondTry
from tests.cluster.stack import Stack, exported_environment, local, run
from tests.cluster.traffic import Ingress

_FACTS = pytest.StashKey[list[str]]()
_BEGINNING = pytest.StashKey[Beginning]()
_TIMEOUT = 900
"""Time limit of one test in seconds. A bad rollout may take two minutes, a restart of the cluster longer."""


def pytest_configure(config: pytest.Config) -> None:
    """Run a failed test a second time (flaky.md)."""

    def renew() -> None:
        if beginning := config.stash.get(_BEGINNING, None):
            beginning.restored()

    commit = run("git", "rev-parse", "--short", "HEAD").stdout.strip()
    plugin = SecondTry(Path(__file__).parent, flaky.LIST, commit, renew)
    config.pluginmanager.register(plugin, "slipway-second-try")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run tests that stop the cluster last, and give every test the time that real work takes."""
    items.sort(key=lambda item: "test_life" in item.nodeid)
    for item in items:
        if "tests/cluster" in item.nodeid:
            item.add_marker(pytest.mark.timeout(_TIMEOUT))


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Stack:
    status = local("status", "--json")
    if status.returncode or not json.loads(status.stdout)["healthy"]:
        pytest.exit("the embedded cluster is not healthy: run make up first", returncode=1)
    made = Stack(env=exported_environment(), folder=tmp_path_factory.mktemp("stack"))
    request.config.stash[_BEGINNING] = Beginning.noted(made)
    return made


@pytest.fixture
def restored(stack: Stack) -> Iterator[Stack]:
    """The dev stack, restored to its committed stack file after the test."""
    yield stack
    stack.up()


@pytest.fixture(scope="session")
def ingress(stack: Stack) -> Ingress:
    service = stack.service()
    return Ingress(service["url"], service["host"])


@pytest.fixture(scope="session")
def pictures() -> list[tuple[bytes, str]]:
    """Digits that no model was trained on, as (PNG, label)."""
    return held_out()


@pytest.fixture(scope="session")
def facts(request: pytest.FixtureRequest) -> list[str]:
    """A list of measured figures, printed at the end of the run; no test depends on them."""
    return request.config.stash.setdefault(_FACTS, [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the measured figures."""
    terminalreporter.section("measured")
    for fact in config.stash.setdefault(_FACTS, []):
        terminalreporter.write_line(fact)


@pytest.fixture(autouse=True)
def kubeconfig() -> Path:
    """Tier 1 hides this machine's kubeconfig; tier 2 uses the embedded cluster's."""
    return Path()
