"""A guest's commands travel over a socket, whose other end these tests play."""

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.errors import LocalError
from tests.machines import qemu
from tests.machines.machine import Machine, Result
from tests.machines.roots import Root


class Guest:
    """Answers each command with the messages that a test prepared; `None` ends the connection."""

    def __init__(self, path: Path) -> None:
        self.answers: list[list[dict[str, Any]] | None] = []
        self.commands: list[str] = []
        self.folder = path.parent
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(path))
        self._server.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        connection, _ = self._server.accept()
        with connection, connection.makefile("r") as requests:
            for line in requests:
                request = json.loads(line)
                self.commands.append(request["command"])
                prepared = self.answers.pop(0)
                if prepared is None:
                    return
                for message in prepared:
                    connection.sendall(json.dumps({"id": request["id"]} | message).encode() + b"\n")

    def close(self) -> None:
        self._server.close()


@pytest.fixture
def guest(tmp_path: Path) -> Iterator[Guest]:
    guest = Guest(tmp_path / qemu.SOCKET)
    yield guest
    guest.close()


@pytest.fixture
def machine(guest: Guest) -> Iterator[Machine]:
    folder = guest.folder
    machine = Machine(root=Root(folder=folder), folder=folder, log=folder / "commands.log")
    machine.connect(limit_seconds=5)
    yield machine
    machine.kill()


def test_a_result_has_all_that_was_printed(guest: Guest, machine: Machine) -> None:
    guest.answers.append([{"out": "first\nsec"}, {"out": "ond\n"}, {"exit": 2, "seconds": 1.5}])
    result = machine.execute("make up", limit_seconds=5)
    assert (result.exit, result.output, result.seconds) == (2, "first\nsecond\n", 1.5)
    assert guest.commands == ["make up"]


def test_lines_are_shown_whole(guest: Guest, machine: Machine) -> None:
    shown: list[str] = []
    guest.answers.append([{"out": "first\nsec"}, {"out": "ond\n"}, {"exit": 0, "seconds": 0.1}])
    machine.execute("make up", limit_seconds=5, show=shown.append)
    assert shown == ["first", "second"]


def test_answers_to_other_commands_are_passed_over(guest: Guest, machine: Machine) -> None:
    guest.answers.append([{"id": 1, "exit": 9, "seconds": 0.1}, {"exit": 0, "seconds": 0.1}])
    assert machine.execute("true", limit_seconds=5).exit == 0


def test_the_tail_leaves_out_what_only_says_that_something_still_runs() -> None:
    output = "local: no such stack\npulumi up -s dev: 6 min 1 s, longer than the usual 1 min\nx: 30 s of about 1 min\n"
    assert Result(command="make up", exit=1, output=output, seconds=1.0).tail == "local: no such stack"


def test_a_guest_that_ends_meanwhile_is_an_error_that_names_its_console(guest: Guest, machine: Machine) -> None:
    (machine.folder / qemu.CONSOLE).write_text("Kernel panic - not syncing\n")
    guest.answers.append(None)
    with pytest.raises(LocalError, match="no answer to 'make up': Kernel panic"):
        machine.execute("make up", limit_seconds=5)


def test_what_commands_print_is_written_down(guest: Guest, machine: Machine) -> None:
    guest.answers.append([{"out": "healthy\n"}, {"exit": 0, "seconds": 2.5}])
    machine.execute("make status", limit_seconds=5)
    assert machine.log.read_text() == "$ make status\nhealthy\n\n[exit 0 after 2.5 s]\n\n"


def test_a_qemu_that_cannot_start_is_an_error_with_its_last_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "qemu-system-x86_64"
    program.write_text("#!/bin/sh\necho 'no such disk' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    machine = Machine(root=Root(folder=tmp_path), folder=tmp_path, log=tmp_path / "commands.log")
    with pytest.raises(LocalError, match="no such disk"):
        machine.boot(limit_seconds=20)
