"""Threads come from the cgroup's limit, in both versions, inside and outside of containers."""

import os
from pathlib import Path

import pytest

from serving.cpu import Threads, available_cpus


@pytest.fixture(autouse=True)
def host_with_64_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    def affinity(_: int) -> set[int]:
        return set(range(64))

    monkeypatch.setattr(os, "sched_getaffinity", affinity)


def tree(root: Path, files: dict[str, str]) -> tuple[Path, Path]:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root / "cgroup", root / "self"


def test_v2_in_a_container_reads_the_limit_at_the_mount(tmp_path: Path) -> None:
    assert available_cpus(*tree(tmp_path, {"self": "0::/\n", "cgroup/cpu.max": "150000 100000\n"})) == 1.5


def test_v2_takes_the_tightest_limit_on_the_way_up(tmp_path: Path) -> None:
    files = {
        "self": "0::/kubepods/pod1/main\n",
        "cgroup/kubepods/cpu.max": "max 100000\n",
        "cgroup/kubepods/pod1/cpu.max": "200000 100000\n",
        "cgroup/kubepods/pod1/main/cpu.max": "400000 100000\n",
    }
    assert available_cpus(*tree(tmp_path, files)) == 2


@pytest.mark.parametrize("controllers", ["cpu,cpuacct", "cpu"])
def test_v1_reads_quota_and_period(tmp_path: Path, controllers: str) -> None:
    files = {
        "self": f"7:memory:/kubepods\n5:{controllers}:/kubepods/pod1\n0::/\n",
        f"cgroup/{controllers}/kubepods/pod1/cpu.cfs_quota_us": "300000\n",
        f"cgroup/{controllers}/kubepods/pod1/cpu.cfs_period_us": "100000\n",
        f"cgroup/{controllers}/cpu.cfs_quota_us": "-1\n",
    }
    assert available_cpus(*tree(tmp_path, files)) == 3


def test_v1_in_a_container_finds_its_own_limit_at_the_mount_although_the_path_is_the_hosts(tmp_path: Path) -> None:
    files = {
        "self": "5:cpu,cpuacct:/kubepods/burstable/pod1/abc\n",
        "cgroup/cpu,cpuacct/cpu.cfs_quota_us": "50000\n",
        "cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
    }
    assert available_cpus(*tree(tmp_path, files)) == 0.5


@pytest.mark.parametrize("files", [{}, {"self": "0::/\n", "cgroup/cpu.max": "max 100000\n"}, {"self": "rubbish\n"}])
def test_without_a_limit_the_affinity_counts(tmp_path: Path, files: dict[str, str]) -> None:
    assert available_cpus(*tree(tmp_path, files)) == 64


@pytest.mark.parametrize(
    ("cpus", "workers", "intra_op"), [(0.1, 1, 1), (1, 1, 1), (1.9, 1, 1), (2, 2, 1), (4, 4, 1), (9, 4, 2), (64, 4, 16)]
)
def test_workers_times_intra_op_threads_never_exceed_the_limit(cpus: float, workers: int, intra_op: int) -> None:
    assert Threads.for_cpus(cpus) == Threads(workers=workers, intra_op=intra_op)
    assert workers * intra_op <= max(1, cpus)
