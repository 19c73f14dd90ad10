from collections.abc import Callable
from pathlib import Path

import pytest

from local import cgroups
from local.errors import LocalError


def v1(mount: Path) -> Path:
    for controller in ("cpuset", "memory", "pids"):
        (mount / controller).mkdir(parents=True)
        (mount / controller / "cgroup.procs").write_text("1\n")
    for file, value in (("cpuset.cpus", "0-1"), ("cpuset.mems", "0")):
        (mount / "cpuset" / file).write_text(value)
    (mount / "cpu,cpuacct").mkdir()  # no hierarchy: nothing is in it
    return mount


def v2(mount: Path) -> Path:
    mount.mkdir()
    (mount / "cgroup.controllers").write_text("cpu memory pids")
    (mount / "cgroup.procs").write_text("1\n")
    return mount


def test_v1_has_one_cgroup_per_controller(tmp_path: Path) -> None:
    mount = v1(tmp_path / "cgroup")
    cgroups.create(mount)
    assert sorted(path.parent.name for path in mount.glob("*/slipway")) == ["cpuset", "memory", "pids"]
    assert (mount / "cpuset/slipway/cpuset.cpus").read_text() == "0-1"
    assert cgroups.daemons_file(mount) == mount / "pids/slipway/daemons/cgroup.procs"


def test_v2_has_one_cgroup(tmp_path: Path) -> None:
    mount = v2(tmp_path / "cgroup")
    cgroups.create(mount)
    assert cgroups.daemons_file(mount) == mount / "slipway/daemons/cgroup.procs"


@pytest.mark.parametrize("version", [v1, v2])
def test_members_are_those_of_every_cgroup_below_ours(tmp_path: Path, version: Callable[[Path], Path]) -> None:
    mount = version(tmp_path / "cgroup")
    cgroups.create(mount)
    ours = cgroups.daemons_file(mount).parent.parent
    (ours / "kubepods/burstable/pod1").mkdir(parents=True)
    cgroups.daemons_file(mount).write_text("41\n40\n")
    (ours / "kubepods/burstable/pod1/cgroup.procs").write_text("77\n0\n")  # 0: of another pid namespace
    assert cgroups.members(mount) == [40, 41, 77]


def test_processes_outside_are_no_members(tmp_path: Path) -> None:
    assert cgroups.members(v1(tmp_path / "cgroup")) == []


def test_removal_takes_children_first_and_names_what_the_kernel_holds(tmp_path: Path) -> None:
    mount = v2(tmp_path / "cgroup")
    cgroups.create(mount)
    (mount / "slipway/kubepods").mkdir()
    held = mount / "slipway/daemons"
    (held / "file-that-keeps-it").touch()
    assert cgroups.remove(mount) == [held, mount / "slipway"]
    assert not (mount / "slipway/kubepods").exists()


@pytest.mark.parametrize(
    ("processors", "file", "weight"),
    [(2, "cpu.shares", 4096), (2, "cpu.weight", 400), (None, "cpu.weight", 200), (64, "cpu.weight", 10000)],
)
def test_pods_count_for_more_than_one_process_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, processors: int | None, file: str, weight: int
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: processors)
    mount = v2(tmp_path / "cgroup")
    (mount / "slipway").mkdir()
    (mount / "slipway" / file).write_text("1")  # the kernel makes it with the folder
    cgroups.create(mount)
    assert (mount / "slipway" / file).read_text() == str(weight)


def test_a_machine_without_cgroups_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="no cgroup hierarchy is mounted"):
        cgroups.create(tmp_path)


def test_removing_nothing_leaves_nothing(tmp_path: Path) -> None:
    assert cgroups.remove(v1(tmp_path / "cgroup")) == []
