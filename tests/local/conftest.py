"""Paths of a cluster that is written to a temporary folder and never started, and a machine that is ready."""

import datetime as dt
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from local import configs, pki
from local.machine import Folder, Machine
from local.paths import Paths


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    """Credentials and configuration as `up` writes them; making 20 keys takes a moment, so once for all tests."""
    root = tmp_path_factory.mktemp("c")
    paths = Paths(project=root / "project", state=root / "state", cache=root / "cache")
    paths.create()
    pki.create(paths.pki, paths.addresses)
    configs.write_all(paths)
    return paths


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """An empty place."""
    return Paths(project=tmp_path / "project", state=tmp_path / "state", cache=tmp_path / "cache")


@pytest.fixture
def machine() -> Machine:
    """A machine without a fault."""
    folders = tuple(
        Folder(variable=variable, path=Path("/srv/me"), free_gib=50.0, filesystem="ext4", executable=True)
        for variable in ("SLIPWAY_STATE", "SLIPWAY_CACHE")
    )
    return Machine(
        root=True,
        python=(3, 13),
        architecture="x86_64",
        cgroup="v2",
        controllers=frozenset({"cpu", "cpuset", "memory", "hugetlb", "io", "pids", "rdma"}),
        nested=False,
        kernel="6.12.1",
        kernel_modules=True,
        features=frozenset({"overlay", "br_netfilter"}),
        memory_gib=16.0,
        folders=folders,
        missing_packages=(),
        installer="apt-get",
        locked_tables=(),
        taken=(),
        routed={IPv4Network("192.168.1.0/24"): "eth0"},
        other_kubernetes=None,
        now=dt.datetime(2027, 1, 1, tzinfo=dt.UTC),
        certified_from=None,
    )
