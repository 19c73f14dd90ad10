"""`make setup` on a machine whose Python comes without ensurepip (Debian without python3-venv)."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.recording import PROJECT

# What `python3 -m venv` does there: it makes the folder with a Python in it, says what to install, and fails.
WITHOUT_ENSUREPIP = """#!/bin/sh
case "$*" in
"-m venv .venv")
    mkdir -p .venv/bin
    printf '#!/bin/sh\\necho "No module named pip" >&2; exit 1\\n' > .venv/bin/python
    chmod +x .venv/bin/python
    echo "The virtual environment was not created successfully because ensurepip is not available." >&2
    exit 1 ;;
esac
"""
COMPLETE = """#!/bin/sh
case "$*" in
"-m venv .venv")
    mkdir -p .venv/bin
    printf '#!/bin/sh\\n' > .venv/bin/python
    cp .venv/bin/python .venv/bin/uv
    chmod +x .venv/bin/python .venv/bin/uv ;;
esac
"""

pytestmark = pytest.mark.slow


def setup(clone: Path, python: str) -> subprocess.CompletedProcess[str]:
    program = clone / "python3"
    program.write_text(python)
    program.chmod(0o755)
    command = ["make", "setup", f"PYTHON={program}"]
    return subprocess.run(command, cwd=clone, capture_output=True, text=True, check=False, env=dict(os.environ))


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    shutil.copy(PROJECT / "Makefile", tmp_path)
    (tmp_path / "requirements.lock").touch()
    return tmp_path


def test_a_failed_environment_is_removed_so_that_the_next_try_makes_a_whole_one(clone: Path) -> None:
    failed = setup(clone, WITHOUT_ENSUREPIP)
    assert failed.returncode != 0
    assert "ensurepip is not available" in failed.stderr
    assert not (clone / ".venv").exists()
    assert setup(clone, COMPLETE).returncode == 0
    assert (clone / ".venv/.ready").exists()


def test_an_environment_without_pip_that_an_earlier_version_left_is_made_anew(clone: Path) -> None:
    (clone / ".venv/bin").mkdir(parents=True)
    broken = clone / ".venv/bin/python"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    assert setup(clone, COMPLETE).returncode == 0
    assert (clone / ".venv/bin/uv").exists()
