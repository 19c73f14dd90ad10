"""No run leaves a copy of its credentials behind, and nobody else's file is touched."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from components.kubeconfig_copies import remove
from tests.recording import PROJECT
from tests.samples import Config

GIVEN: Config = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "slipway",
    "contexts": [{"name": "slipway", "context": {"cluster": "slipway", "user": "slipway"}}],
    "clusters": [{"name": "slipway", "cluster": {"server": "https://eu.example.com"}}],
    "users": [{"name": "slipway", "user": {"exec": {"command": "aws", "args": ["eks"]}}}],
}
COPY: Config = {
    **GIVEN,
    "preferences": {},
    "users": [
        {
            "name": "slipway",
            "user": {"exec": {"command": "aws", "args": ["eks"], "env": None, "provideClusterInfo": False}},
        }
    ],
}
"""As client-go writes it."""
MORE: Config = {**COPY, "users": [*COPY["users"], {"name": "ann"}]}


@pytest.fixture
def left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Leave a file in the folder for temporary files; the kubeconfig itself is `given`."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "given").write_text(yaml.safe_dump(GIVEN))

    def leave(name: str, content: Config | str) -> Path:
        path = tmp_path / "tmp" / name
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
        return path

    return leave


def test_copies_of_the_plugin_are_removed(left: Callable[..., Path], tmp_path: Path) -> None:
    copies = [left(name, COPY) for name in ("kubeconfig1", "kubeconfig3345066021")]
    remove(tmp_path / "given")
    assert not any(copy.exists() for copy in copies)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("kubeconfig", COPY),
        ("kubeconfig-mine", COPY),
        ("kubeconfig2", {**COPY, "clusters": [{"name": "slipway", "cluster": {"server": "https://us.example.com"}}]}),
        ("kubeconfig2", MORE),
        ("kubeconfig2", {key: value for key, value in COPY.items() if key != "users"}),
        ("kubeconfig2", "no: [yaml"),
        ("kubeconfig2", "text"),
    ],
)
def test_other_files_stay(left: Callable[..., Path], tmp_path: Path, name: str, content: Config | str) -> None:
    other = left(name, content)
    remove(tmp_path / "given")
    assert other.exists()


def test_a_link_and_what_it_leads_to_stay(left: Callable[..., Path], tmp_path: Path) -> None:
    target = left("somewhere", COPY)
    link = target.with_name("kubeconfig1")
    link.symlink_to(target)
    remove(tmp_path / "given")
    assert link.is_symlink()
    assert target.exists()


def test_without_the_kubeconfig_nothing_is_removed(left: Callable[..., Path], tmp_path: Path) -> None:
    copy = left("kubeconfig1", COPY)
    remove(tmp_path / "away")
    assert copy.exists()


def test_they_are_removed_when_the_process_ends(left: Callable[..., Path], tmp_path: Path) -> None:
    """The plugin writes its copy after the program has named the kubeconfig."""
    script = (
        "import pathlib, sys\n"
        "from components.kubeconfig_copies import remove_at_exit\n"
        "remove_at_exit(pathlib.Path(sys.argv[1]))\n"
        "pathlib.Path(sys.argv[2]).write_text(pathlib.Path(sys.argv[1]).read_text())\n"
    )
    copy = left("kubeconfig1", "")
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "given"), str(copy)], cwd=PROJECT, check=True)
    assert not copy.exists()
