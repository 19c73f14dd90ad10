from pathlib import Path

import pytest

from local import cgroups
from local.errors import LocalError
from tests.local.cgroupfs import Cgroup2


def v1(mount: Path) -> Path:
    for controller in ("cpuset", "memory", "pids"):
        (mount / controller).mkdir(parents=True)
        (mount / controller / "cgroup.procs").write_text("1\n")
    for file, value in (("cpuset.cpus", "0-1"), ("cpuset.mems", "0")):
        (mount / "cpuset" / file).write_text(value)
    (mount / "cpu,cpuacct").mkdir()  # no hierarchy: nothing is in it
    return mount


OFFERED = "cpuset cpu io memory hugetlb pids rdma misc"


@pytest.fixture
def v2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cgroup2:
    """What systemd leaves: it has enabled three controllers for its own groups."""
    kernel = Cgroup2(tmp_path / "cgroup", OFFERED).install(monkeypatch)
    for name in ("cpu", "memory", "pids"):
        (kernel.mount / "cgroup.subtree_control").write_text(f"+{name}")
    (kernel.mount / "cgroup.procs").write_text("1\n")
    return kernel


def test_v1_has_one_cgroup_per_controller(tmp_path: Path) -> None:
    mount = v1(tmp_path / "cgroup")
    cgroups.create(mount)
    assert sorted(path.parent.name for path in mount.glob("*/slipway")) == ["cpuset", "memory", "pids"]
    assert (mount / "cpuset/slipway/cpuset.cpus").read_text() == "0-1"
    assert cgroups.daemons_file(mount) == mount / "pids/slipway/daemons/cgroup.procs"


def test_v2_has_one_cgroup_with_every_controller_that_the_kubelet_needs(v2: Cgroup2) -> None:
    """The kubelet refuses a root without one of those that the kernel offers; systemd enables three of them."""
    cgroups.create(v2.mount)
    assert cgroups.daemons_file(v2.mount) == v2.mount / "slipway/daemons/cgroup.procs"
    needed = {"cpu", "cpuset", "memory", "hugetlb", "pids", "io"}
    for group in (v2.mount, v2.mount / "slipway"):
        assert set((group / "cgroup.subtree_control").read_text().split()) == needed
    assert set((v2.mount / "slipway/daemons/cgroup.controllers").read_text().split()) == needed


def test_a_second_up_finds_daemons_running_and_changes_nothing(v2: Cgroup2) -> None:
    cgroups.create(v2.mount)
    cgroups.daemons_file(v2.mount).write_text("41")
    cgroups.create(v2.mount)
    assert cgroups.members(v2.mount) == [41]


def test_a_controller_that_the_kernel_does_not_have_is_not_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel = Cgroup2(tmp_path / "cgroup", "cpuset cpu memory pids").install(monkeypatch)
    cgroups.create(kernel.mount)
    assert not [line for line in kernel.writes if "hugetlb" in line or "io" in line.split("+")[-1]]


@pytest.mark.parametrize(("offered", "refused"), [("cpuset cpu memory pids", "cpu"), ("cpuset memory pids", "")])
def test_a_needed_controller_that_cannot_be_enabled_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offered: str, refused: str
) -> None:
    kernel = Cgroup2(tmp_path / "cgroup", offered, frozenset({refused} - {""})).install(monkeypatch)
    with pytest.raises(LocalError, match="does not enable the cgroup controllers cpu, which the kubelet requires"):
        cgroups.create(kernel.mount)


def test_under_v2_daemons_and_builds_weigh_less_than_the_pods(v2: Cgroup2) -> None:
    """The kubelet gives the pods of two processors 79; the kernel's default of 100 would win against them."""
    cgroups.create(v2.mount)
    for name in ("daemons", "builds"):
        assert (v2.mount / "slipway" / name / "cpu.weight").read_text() == "39"


def put_in(mount: Path) -> None:
    ours = cgroups.daemons_file(mount).parent.parent
    (ours / "kubepods/burstable/pod1").mkdir(parents=True)
    with cgroups.daemons_file(mount).open("w") as file:
        file.write("41\n40\n")
    with (ours / "kubepods/burstable/pod1/cgroup.procs").open("w") as file:
        file.write("77\n0\n")  # 0: of another pid namespace


def test_members_are_those_of_every_cgroup_below_ours_under_v1(tmp_path: Path) -> None:
    mount = v1(tmp_path / "cgroup")
    cgroups.create(mount)
    put_in(mount)
    assert cgroups.members(mount) == [40, 41, 77]


def test_members_are_those_of_every_cgroup_below_ours_under_v2(v2: Cgroup2) -> None:
    cgroups.create(v2.mount)
    put_in(v2.mount)
    assert cgroups.members(v2.mount) == [40, 41, 77]


def test_processes_outside_are_no_members(tmp_path: Path) -> None:
    assert cgroups.members(v1(tmp_path / "cgroup")) == []


def test_removal_takes_children_first_and_names_what_the_kernel_holds(v2: Cgroup2) -> None:
    cgroups.create(v2.mount)
    (v2.mount / "slipway/kubepods").mkdir()
    cgroups.daemons_file(v2.mount).write_text("41")
    assert cgroups.remove(v2.mount) == [v2.mount / "slipway/daemons", v2.mount / "slipway"]
    assert not (v2.mount / "slipway/kubepods").exists()
    cgroups.daemons_file(v2.mount).write_text("")
    assert cgroups.remove(v2.mount) == []


@pytest.mark.parametrize(("processors", "weight"), [(2, 400), (None, 200), (64, 10000)])
def test_the_cluster_counts_for_more_than_one_process_of_the_machine(
    v2: Cgroup2, monkeypatch: pytest.MonkeyPatch, processors: int | None, weight: int
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: processors)
    cgroups.create(v2.mount)
    assert (v2.mount / "slipway/cpu.weight").read_text() == str(weight)


def test_under_v1_it_does_so_by_shares(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    mount = v1(tmp_path / "cgroup")
    (mount / "cpuset/slipway").mkdir()
    (mount / "cpuset/slipway/cpu.shares").write_text("1024")  # the kernel makes it with the folder
    cgroups.create(mount)
    assert (mount / "cpuset/slipway/cpu.shares").read_text() == "4096"


def test_a_machine_without_cgroups_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="no cgroup hierarchy is mounted"):
        cgroups.create(tmp_path)


def test_removing_nothing_leaves_nothing(tmp_path: Path) -> None:
    assert cgroups.remove(v1(tmp_path / "cgroup")) == []
