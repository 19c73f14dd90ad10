"""What every tier shares."""

import gc
import hashlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import settings

from components import kubeconfig as one_context
from components.api_server import ApiServer
from tests.recording import Recorded, run_main
from tests.samples import CLUSTER

pytest_plugins = ["pytester", "tests.first_failure"]

settings.register_profile("slipway", deadline=None)  # a busy machine is no fault of a test
settings.load_profile("slipway")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let goldens be rewritten on purpose."""
    parser.addoption("--update-goldens", action="store_true", help="rewrite tests/goldens/*.yaml from the program")


def pytest_sessionstart() -> None:
    """Collect no garbage while tests are collected: nearly all that is made then stays."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Take the collected tests and the imported libraries out of the garbage collector's sight.

    They live until the process ends. Without this, every full collection walks all of them, half a second each time.
    """
    gc.collect()
    gc.freeze()
    gc.enable()


def pytest_sessionfinish() -> None:
    """Undo it for plugins that look for referrers at the end."""
    gc.unfreeze()


@pytest.fixture(autouse=True, scope="session")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A kubeconfig that knows the contexts of the shipped stack files, and nothing of this machine."""
    path = tmp_path_factory.mktemp("kube") / "config"
    contexts = [{"name": name} for name in ("slipway-local", "staging", "prod")]
    path.write_text(yaml.safe_dump({"contexts": contexts}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KUBECONFIG", str(path))
        yield path


@pytest.fixture(autouse=True, scope="session")
def empty_cluster() -> Iterator[None]:
    """A cluster without a namespace of anybody's, and no file of a run in the project."""

    def namespace(_server: ApiServer, name: str) -> dict[str, Any] | None:
        return {"metadata": {"name": name, "uid": CLUSTER}} if name == "kube-system" else None

    def unwritten(*_: object) -> None:
        pass

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ApiServer, "namespace", namespace)
        patch.setattr(one_context, "write", unwritten)
        yield


@pytest.fixture(autouse=True, scope="session")
def remembered_scrypt() -> Iterator[None]:
    """Compute the name of each secret once per process: it is slow on purpose, and the same values recur in tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hashlib, "scrypt", cache(hashlib.scrypt))
        yield


@pytest.fixture
def program() -> Callable[..., Recorded]:
    """Run the real ``__main__.py`` under mocks with a ``slipway:`` namespace."""
    return run_main
