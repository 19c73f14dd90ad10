"""Paths of a cluster that is written to a temporary folder and never started."""

from pathlib import Path

import pytest

from local import configs, pki
from local.paths import Paths


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    """Credentials and configuration as `up` writes them; making 20 keys takes a moment, so once for all tests."""
    root = tmp_path_factory.mktemp("c")
    paths = Paths(project=root / "project", state=root / "state", cache=root / "cache")
    paths.create()
    pki.create(paths.pki)
    configs.write_all(paths)
    return paths


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """An empty place."""
    return Paths(project=tmp_path / "project", state=tmp_path / "state", cache=tmp_path / "cache")
