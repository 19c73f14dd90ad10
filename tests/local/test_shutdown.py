"""What ends the cluster when the machine shuts down, and whose the cluster is."""

import os
import pwd
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from local import configs, owner, shutdown
from local.addresses import Addresses
from local.errors import LocalError
from local.owner import Owner
from local.paths import Paths


class Systemd:
    """systemctl and systemd-run of a machine."""

    def __init__(self) -> None:
        self.units: dict[str, list[str]] = {}
        self.ran: list[list[str]] = []

    def which(self, name: str) -> str:
        return f"/usr/bin/{name}"

    def run(self, command: Sequence[str]) -> str:
        self.ran.append(list(command))
        if command[0] == "systemd-run":
            (unit,) = [word.partition("=")[2] for word in command if word.startswith("--unit=")]
            if unit in self.units:
                raise LocalError(f"Failed to start transient service unit: Unit {unit} already exists.")
            self.units[unit] = list(command)
        elif command[1] == "is-active" and command[-1] not in self.units:
            raise LocalError("inactive")
        elif command[1] == "stop":
            del self.units[command[-1]]
        return ""


@pytest.fixture
def systemd(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Systemd:
    machine = Systemd()
    monkeypatch.setattr(shutdown, "run", machine.run)
    monkeypatch.setattr(shutdown, "_SYSTEMD", tmp_path)
    monkeypatch.setattr(shutdown.shutil, "which", machine.which)
    return machine


def test_systemd_ends_the_cluster_before_it_waits_for_its_daemons(systemd: Systemd, prepared: Paths) -> None:
    shutdown.arm(prepared)
    shutdown.arm(prepared)  # a second `up`
    (command,) = systemd.units.values()
    script = prepared.etc / "end-cluster.sh"
    assert f"--property=ExecStop=/bin/sh {script}" in command
    assert {"--property=Type=oneshot", "--property=RemainAfterExit=yes"} <= set(command)
    assert script.is_file()
    shutdown.disarm()
    shutdown.disarm()
    assert systemd.units == {}


def test_a_machine_without_systemd_gets_no_unit(systemd: Systemd, prepared: Paths, tmp_path: Path,
                                                monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr(shutdown, "_SYSTEMD", tmp_path / "none")
    shutdown.arm(prepared)
    shutdown.disarm()
    assert systemd.ran == []


def test_the_script_kills_what_is_in_the_cluster_s_cgroups_and_nothing_else(tmp_path: Path) -> None:
    inside, outside = (subprocess.Popen(["sleep", "60"]) for _ in range(2))
    group = tmp_path / "pids/slipway/kubepods/pod 1"
    group.mkdir(parents=True)
    (group / "cgroup.procs").write_text(f"{inside.pid}\n")
    (tmp_path / "pids/cgroup.procs").write_text(f"{outside.pid}\n")
    try:
        subprocess.run(["/bin/sh", "-c", shutdown.script(tmp_path)], check=False, capture_output=True)
        assert inside.wait(timeout=10) == -signal.SIGKILL
        assert outside.poll() is None
    finally:
        for process in (inside, outside):
            process.kill()
            process.wait()


def test_under_v2_the_kernel_kills_the_group_at_once(tmp_path: Path) -> None:
    (tmp_path / "slipway").mkdir()
    (tmp_path / "slipway/cgroup.kill").write_text("")
    subprocess.run(["/bin/sh", "-c", shutdown.script(tmp_path)], check=True)
    assert (tmp_path / "slipway/cgroup.kill").read_text() == "1\n"


NOBODY = pwd.getpwnam("nobody")


@pytest.mark.parametrize("given", ["", "0", "no number", "4294967294"])
def test_without_sudo_or_for_root_there_is_no_other_owner(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert owner.invoking({"SUDO_UID": given}) is None


def test_with_sudo_the_cluster_is_in_the_home_of_who_typed_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    for name in ("SLIPWAY_STATE", "SLIPWAY_CACHE"):
        monkeypatch.delenv(name, raising=False)
    roots = tmp_path_factory.mktemp("r")  # short, for the sockets' sake
    monkeypatch.setenv("HOME", str(roots))  # as sudo sets it
    monkeypatch.setenv("SUDO_UID", str(NOBODY.pw_uid))
    home = Path(NOBODY.pw_dir)
    assert Paths.from_environment().state == home / ".local/state/slipway"
    assert Paths.from_environment().cache == home / ".cache/slipway"
    old = roots / ".local/state/slipway"
    old.mkdir(parents=True)
    (old / ".slipway-state").touch()  # a cluster of an earlier version, which `down` must find
    assert Paths.from_environment().state == old
    monkeypatch.delenv("SUDO_UID")
    assert Paths.from_environment().state == old


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_who_typed_sudo_owns_what_he_needs_and_what_root_made_on_the_way_to_it(tmp_path: Path) -> None:
    user = Owner(uid=NOBODY.pw_uid, gid=NOBODY.pw_gid, home=tmp_path)
    os.chown(tmp_path, user.uid, user.gid)
    paths = Paths(
        project=tmp_path / "clone", state=tmp_path / ".local/state/slipway", cache=tmp_path / ".cache/slipway"
    )
    paths.create()
    paths.project.mkdir()
    for name in ("pki/admin.key", "pulumi/home/plugins/one", "volumes/data", "etcd/wal", "picture.png", "buildkit/x"):
        (paths.state / name).parent.mkdir(parents=True, exist_ok=True)
        (paths.state / name).touch()
    others = tmp_path / "of-root"
    others.touch()
    (paths.state / "pki/link").symlink_to(others)
    owner.hand_over(user, paths.state, paths.cache, paths.project)
    given = {path for path in (tmp_path, *tmp_path.rglob("*")) if path.lstat().st_uid == user.uid}
    for name in (".local", ".local/state", ".local/state/slipway", ".cache", ".cache/slipway"):
        assert tmp_path / name in given
    for name in ("pki/admin.key", "pki/link", "pulumi/home/plugins/one", "picture.png", "run", "logs"):
        assert paths.state / name in given
    for name in ("volumes", "volumes/data", "etcd", "etcd/wal", "buildkit"):
        assert paths.state / name not in given
    assert others not in given
    assert (paths.state / "buildkit").stat().st_mode & 0o777 == 0o711
    assert paths.project not in given


def test_buildkit_s_socket_belongs_to_the_state_s_owner() -> None:
    assert configs.buildkitd(Addresses(), 1000).startswith("[grpc]\nuid = 1000\n")
