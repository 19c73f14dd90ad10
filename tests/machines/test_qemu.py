"""How a guest is started, and when this machine's KVM is trusted."""

from pathlib import Path

import pytest

from tests.machines import qemu
from tests.machines.guests import GUESTS
from tests.machines.roots import Root


@pytest.fixture
def root(tmp_path: Path) -> Root:
    return Root(folder=tmp_path)


def test_a_guest_has_no_network(root: Root, tmp_path: Path) -> None:
    words = qemu.command(root, tmp_path, accelerated=False)
    assert words[words.index("-nic") + 1] == "none"


def test_a_guest_writes_to_overlays_alone(root: Root, tmp_path: Path) -> None:
    words = qemu.command(root, tmp_path, accelerated=False)
    drives = [words[at + 1] for at, word in enumerate(words) if word == "-drive"]
    assert [drive.partition(",")[0] for drive in drives] == [f"file={tmp_path / name}" for name in qemu.DISKS]


@pytest.mark.parametrize(("accelerated", "expected"), [(True, "kvm"), (False, "tcg")])
def test_it_is_accelerated_where_that_works(root: Root, tmp_path: Path, accelerated: bool, expected: str) -> None:
    words = qemu.command(root, tmp_path, accelerated=accelerated)
    assert words[words.index("-accel") + 1].startswith(expected)


@pytest.fixture
def pretended_qemu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program on the PATH in QEMU's place, whose last argument is `file:<console>`; KVM's device is a file."""
    device, program = tmp_path / "kvm", tmp_path / "qemu-system-x86_64"
    device.touch()
    monkeypatch.setattr(qemu, "_KVM", device)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    program.touch(mode=0o755)
    return program


def works(program: Path, lines: str) -> bool:
    program.write_text(f'#!/bin/bash\nconsole="${{@: -1}}"; console="${{console#file:}}"\n{lines}\n')
    return qemu.kvm_works(Path("vmlinuz"), limit_seconds=2)


@pytest.mark.slow
def test_a_kernel_that_speaks_shows_that_kvm_works(pretended_qemu: Path) -> None:
    assert works(pretended_qemu, 'echo "[0.0] Linux version 6.1" > "$console"; sleep 60')


@pytest.mark.slow
def test_a_guest_that_hangs_in_the_firmware_shows_that_it_does_not(pretended_qemu: Path) -> None:
    assert not works(pretended_qemu, 'echo "Probing EDD" > "$console"; exec sleep 60')


@pytest.mark.slow
def test_a_qemu_that_refuses_shows_that_it_does_not(pretended_qemu: Path) -> None:
    assert not works(pretended_qemu, "exit 1")


def test_no_device_is_no_kvm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(qemu, "_KVM", tmp_path / "none")
    assert not qemu.kvm_works(Path("vmlinuz"))


def test_every_guest_has_what_make_up_would_install() -> None:
    assert len(GUESTS) >= 2
    for guest in GUESTS:
        assert {"conntrack", "runc", "systemd-sysv", "python3-venv"} <= set(guest.packages)
    assert len({guest.key for guest in GUESTS}) == len(GUESTS)
