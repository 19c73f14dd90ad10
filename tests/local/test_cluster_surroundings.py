"""What `up` takes from its surroundings: folders, disk, Debian, wheels, the lock; and what `env` gives back."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from local import configs, debian, deploy, wheels
from local import machine as machine_
from local.__main__ import app
from local.errors import LocalError
from local.lock import exclusive
from local.machine import Machine
from local.paths import Paths

DEBIAN_13 = """Docker main stable http://other.example/
Debian main stable-security http://mirror.example/debian-security/
Debian contrib stable http://mirror.example/debian/
Debian main stable http://mirror.example/debian/
"""
UBUNTU = "Ubuntu main noble http://mirror.example/ubuntu/\n"


def printing(text: str) -> object:
    def run(_command: Sequence[str], **_options: object) -> str:
        return text

    return run


@pytest.mark.parametrize(
    ("value", "reason"),
    [("relative/folder", "not an absolute path"), ("/", "not an absolute path"), ("/" + "x" * 90, "too long")],
)
def test_a_state_folder_that_cannot_work_is_refused(monkeypatch: pytest.MonkeyPatch, value: str, reason: str) -> None:
    monkeypatch.setenv("SLIPWAY_STATE", value)
    with pytest.raises(LocalError, match=f"SLIPWAY_STATE: .*{reason}"):
        Paths.from_environment()


def test_without_a_home_folder_the_reason_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", none)
    with pytest.raises(
        LocalError, match=r"^HOME: not set, and this user has no account: set HOME to a folder of yours$"
    ):
        Paths.from_environment()


def test_a_folder_with_somebody_s_files_is_never_taken_over(paths: Paths) -> None:
    paths.state.mkdir(parents=True)
    (paths.state / "thesis.tex").touch()
    with pytest.raises(LocalError, match="contains files that are not Slipway's"):
        paths.create()
    assert not paths.is_ours()


def test_the_state_is_readable_by_its_owner_only(paths: Paths) -> None:
    paths.create()
    paths.create()  # a second `up`
    assert paths.is_ours()
    assert paths.state.stat().st_mode & 0o777 == 0o700


@pytest.fixture
def apt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLIPWAY_DEBIAN_MIRROR", raising=False)
    monkeypatch.setattr(debian.shutil, "which", "/usr/bin/{}".format)


@pytest.mark.parametrize(
    ("targets", "mirror"), [(DEBIAN_13, "http://mirror.example/debian/"), (UBUNTU, None), ("", None)]
)
@pytest.mark.usefixtures("apt")
def test_images_come_from_apt_s_debian_mirror_of_whatever_release_or_from_debootstrap_s(
    monkeypatch: pytest.MonkeyPatch, targets: str, mirror: str | None
) -> None:
    monkeypatch.setattr(debian, "run", printing(targets))
    assert debian.mirror() == mirror


@pytest.mark.usefixtures("apt")
def test_a_mirror_of_the_user_s_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_DEBIAN_MIRROR", "http://near.example/debian")
    assert debian.mirror() == "http://near.example/debian"


def test_without_a_mirror_in_apt_s_sources_a_failure_says_how_to_name_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def run(_command: Sequence[str], **_options: object) -> str:
        raise LocalError("`debootstrap` failed")

    monkeypatch.setattr(debian, "run", run)
    monkeypatch.setattr(debian, "mirror", lambda: None)
    with pytest.raises(LocalError, match="set another one with SLIPWAY_DEBIAN_MIRROR"):
        debian.bootstrap(tmp_path / "root", ["python3"], tmp_path / "log", debs=tmp_path / "debs")


def test_the_machine_s_own_sources_are_no_part_of_the_bootstrap(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ran: list[str] = []

    def run(command: Sequence[object], **_options: object) -> str:
        ran.extend(map(str, command))
        return ""

    monkeypatch.setattr(debian, "run", run)
    monkeypatch.setattr(debian, "mirror", lambda: "http://mirror.example/debian/")
    folder = tmp_path / "root"
    debian.bootstrap(folder, ["redis-server"], tmp_path / "log", debs=tmp_path / "debs", download_only=True)
    assert ran[-3:] == ["bookworm", str(folder), "http://mirror.example/debian/"]
    assert {"--download-only", "--include=redis-server", f"--cache-dir={tmp_path}/debs"} <= set(ran)
    assert (tmp_path / "debs").is_dir()  # debootstrap does not make it


@pytest.mark.parametrize(
    ("installer", "command"),
    [
        ("apt-get", "apt-get install iptables conntrack"),
        ("dnf", "dnf install iptables-nft conntrack-tools"),
        ("", "your package manager install iptables conntrack"),
    ],
)
def test_missing_packages_are_named_as_the_machine_s_package_manager_does(installer: str, command: str) -> None:
    assert debian.installation(installer, ["iptables", "conntrack"]) == command


def test_another_lock_file_is_another_download(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("numpy==1 --hash=sha256:aa\n")
    before = wheels.key([lock])
    assert wheels.key([lock]) == before
    lock.write_text("numpy==2 --hash=sha256:bb\n")
    assert wheels.key([lock]) != before


def test_the_wheel_folder_gets_what_is_locked_and_loses_what_is_not(tmp_path: Path) -> None:
    store, target = tmp_path / "store", tmp_path / "wheels"
    store.mkdir()
    target.mkdir()
    (store / "numpy-2.whl").write_text("new")
    (target / "numpy-1.whl").write_text("old")
    wheels.mirror(store, target)
    wheels.mirror(store, target)
    assert {file.name: file.read_text() for file in target.iterdir()} == {"numpy-2.whl": "new"}


def test_wheels_are_those_of_the_server_and_of_every_image(tmp_path: Path) -> None:
    names = ["serving/requirements-train.lock", "serving/requirements.lock", "loader/requirements.lock"]
    names += ["images/vectors/requirements.lock", "examples/servers/flask/requirements.lock"]
    for name in (*names, "images/redis/redis.conf", "serving/requirements.in"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert [str(lock.relative_to(tmp_path)) for lock in wheels.locks_in(tmp_path)] == names


def test_a_project_without_the_server_s_lock_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match=r"serving/requirements\*\.lock does not exist"):
        wheels.locks_in(tmp_path)


def test_only_one_up_or_down_runs_at_a_time(tmp_path: Path) -> None:
    refused = pytest.raises(LocalError, match=rf"another .* is running \(pid {os.getpid()}\)")
    with exclusive(tmp_path / "lock"), refused, exclusive(tmp_path / "lock"):
        pass
    with exclusive(tmp_path / "lock"):
        pass


def test_env_names_nothing_outside_the_state_but_the_users_path(
    prepared: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin")
    exports = deploy.exports(prepared)
    assert exports.pop("PATH") == f"{prepared.project}/.venv/bin:{prepared.bin}:/usr/bin"
    places = {name: value for name, value in exports.items() if value != "true" and not name.startswith("SLIPWAY_")}
    assert len(places) >= 5
    assert {name: value for name, value in places.items() if str(prepared.state) not in value} == {}


def test_env_tells_stacks_where_the_s3_server_is_and_who_may_write(prepared: Paths) -> None:
    exports = deploy.exports(prepared)
    assert exports["SLIPWAY_S3_ENDPOINT"] == "http://10.88.0.1:7070"
    assert len(exports["SLIPWAY_S3_SECRET_KEY"]) >= 40
    assert exports["SLIPWAY_S3_ACCESS_KEY"] != exports["SLIPWAY_S3_SECRET_KEY"]


def test_env_has_a_token_for_services_that_ask_for_one(prepared: Paths) -> None:
    token = deploy.exports(prepared)["SLIPWAY_SERVICE_TOKEN"]
    assert len(token) >= 40
    configs.write_all(prepared)
    assert deploy.exports(prepared)["SLIPWAY_SERVICE_TOKEN"] == token, "a second `make up` keeps it"
    (prepared.etc / configs.SERVICE_TOKEN).unlink()
    assert "SLIPWAY_SERVICE_TOKEN" not in deploy.exports(prepared), "a cluster of an older version has none"


def test_pulumi_s_own_diagnostics_are_shown_without_its_progress() -> None:
    output = "creating\n\nDiagnostics:\n  Image:\n    error: failed to solve\n\nResources:\n    2 errored\n"
    assert deploy.diagnostics(output).startswith("Image:\n    error: failed to solve")
    assert deploy.diagnostics("error: no stack") == "error: no stack"


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> CliRunner:
    monkeypatch.setenv("SLIPWAY_STATE", str(tmp_path_factory.mktemp("s") / "s"))  # short, for the sockets' sake
    monkeypatch.setenv("SLIPWAY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    return CliRunner()


def test_an_unknown_stack_is_refused_before_anything_starts(cli: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    result = cli.invoke(app, ["up", "--stack", "no-such-stack"])
    assert result.exit_code == 1
    assert result.stderr.startswith("local: --stack no-such-stack: Pulumi.no-such-stack.yaml does not exist")
    assert not Path(os.environ["SLIPWAY_CACHE"]).exists()


@pytest.mark.parametrize("command", ["down", "browser"])
def test_without_root_nothing_starts_and_the_reason_is_one_line(cli: CliRunner, command: str) -> None:
    result = cli.invoke(app, [command])
    assert result.exit_code == 1
    assert result.stderr.startswith(f"local: `{command}` requires root")
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


def test_up_on_a_machine_that_is_not_ready_names_every_fault_and_writes_nothing(
    cli: CliRunner, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    faulty = replace(machine, root=False, memory_gib=1.0)

    def read(_paths: Paths) -> Machine:
        return faulty

    monkeypatch.setattr(machine_, "read", read)
    result = cli.invoke(app, ["up"])
    assert result.exit_code == 1
    lines = result.stderr.splitlines()
    assert lines[0] == "local: this machine is not ready, 2 faults; nothing was changed"
    assert [line.strip().partition(":")[0] for line in lines[1:]] == ["root", "memory"]
    assert not Path(os.environ["SLIPWAY_CACHE"]).exists()
    assert not Path(os.environ["SLIPWAY_STATE"]).exists()


def test_env_without_a_cluster_prints_no_export(cli: CliRunner) -> None:
    result = cli.invoke(app, ["env"])
    assert (result.exit_code, result.stdout) == (1, "")
    assert "make up" in result.stderr


def test_status_without_a_cluster_is_unhealthy_json(cli: CliRunner) -> None:
    result = cli.invoke(app, ["status", "--json"])
    assert result.exit_code == 1
    assert '"healthy": false' in result.stdout
    assert '"components": {}' in result.stdout
