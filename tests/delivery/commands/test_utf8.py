"""`slipway` reads arguments and writes output as UTF-8 in every locale."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from delivery.commands.utf8 import argument_fault
from delivery.lock.actor import who
from tests.components.test_environment import ASCII
from tests.each import each
from tests.recording import PROJECT

LOCALES = [ASCII, {"LC_ALL": "C.UTF-8"}, {**ASCII, "PYTHONUTF8": "1"}]


def ran(*arguments: str | bytes, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "delivery", *arguments]
    environment = {**os.environ, **variables}
    return subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, encoding="utf-8", check=False)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose folder has a space and a letter that is not ASCII."""
    folder = tmp_path / "Zürich und so"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: slipway\nruntime: python\n")
    (folder / "Pulumi.dev.yaml").write_text("config: {}\n")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("locale", LOCALES)
def test_a_name_is_shown_as_it_was_given(project: Path, locale: dict[str, str]) -> None:
    done = ran("-C", str(project), "status", "Zürich", **locale)
    assert (done.stderr, done.returncode) == ("slipway: Zürich: no such stack (dev)\n", 1)


@pytest.mark.slow
@pytest.mark.parametrize("locale", LOCALES)
def test_an_argument_of_bytes_is_one_line(project: Path, locale: dict[str, str]) -> None:
    done = ran("-C", str(project), "status", b"Z\xfcrich", **locale)
    line = "slipway: argument 4, 'Z\\xfcrich': not UTF-8 text; set the terminal or the script to UTF-8\n"
    assert (done.stderr, done.stdout, done.returncode) == (line, "", 2)


@each(
    ("arguments", "fault"),
    [
        (["release", "Zürich", "東京", ""], None),
        (["a", os.fsdecode(b"\xff\xfe")], "argument 2, '\\xff\\xfe': "),
        ([os.fsdecode(b"--reason=caf\xe9")], "argument 1, '--reason=caf\\xe9': "),
        ([os.fsdecode(b"\xed\xb3\xbf")], "argument 1, '\\xed\\xb3\\xbf': "),
    ],
)
def test_the_first_argument_that_is_not_text_is_named(arguments: list[str], fault: str | None) -> None:
    found = argument_fault(arguments)
    assert found is None if fault is None else (found or "").startswith(fault)


@each(
    ("given", "expected"),
    [("ann", "ann"), ("Jürg", "Jürg"), (os.fsdecode(b"J\xfcrg"), "J\\xfcrg"), (os.fsdecode(b"\xff"), "\\xff")],
)
def test_a_users_name_is_text(given: str, expected: str) -> None:
    assert who({"GITHUB_ACTOR": given}) == expected


@pytest.mark.parametrize("error", [KeyError("getpwuid(): uid not found: 7"), OSError("No username set")])
def test_a_user_without_an_account_is_named_by_number(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Python 3.11 and 3.12 raise KeyError, later ones OSError."""

    def nobody() -> str:
        raise error

    monkeypatch.setattr("getpass.getuser", nobody)
    assert who({}) == f"uid {os.getuid()}"
