"""How a daemon is asked whether it works."""

import socket
from pathlib import Path

import pytest

from local import probes
from local.daemon import ProbeError


def test_a_socket_that_nobody_listens_on_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProbeError, match=r"gone\.sock: No such file or directory$"):
        probes.unix_socket(tmp_path / "gone.sock")()


def test_a_socket_of_roots_is_no_fault_for_a_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen with a second user: `make status` without sudo ended with 1 because of containerd's socket."""

    def denied(*_: object) -> None:
        raise PermissionError("Permission denied")

    monkeypatch.setattr(socket.socket, "connect", denied)
    probes.unix_socket(tmp_path / "containerd.sock")()
