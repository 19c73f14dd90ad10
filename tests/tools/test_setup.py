"""`make setup` where Python comes without ensurepip (Debian without python3-venv), or with a false uv."""

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
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


def published(folder: Path) -> Path:
    """Publish a uv in a folder: a wheel whose program writes down what it was asked to do."""
    wheel, info = folder / "uv-1.0-py3-none-any.whl", "uv-1.0.dist-info"
    script = '#!/bin/sh\nprintf "%s\\n" "$@" >asked\n'
    with zipfile.ZipFile(wheel, "w") as file:
        program = zipfile.ZipInfo("uv-1.0.data/scripts/uv")
        program.external_attr = 0o100755 << 16  # a regular file that may be run: pip keeps the mode
        file.writestr(program, script)
        file.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: uv\nVersion: 1.0\nRequires-Dist: unproven\n")
        file.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{info}/RECORD", "")
    return wheel


def lock_of(digest: str) -> str:
    """A lock in the form that uv writes, with neighbors before and after uv."""
    other = f"    --hash=sha256:{'0' * 64}\n    # via slipway (pyproject.toml)\n"
    hashes = f"    --hash=sha256:{'1' * 64} \\\n    --hash=sha256:{digest}\n    # via slipway (pyproject.toml)\n"
    return f"urllib3==2.0 \\\n{other}uv==1.0 \\\n{hashes}uvicorn==1.0 \\\n{other}"


def really_set_up(clone: Path, digest: str) -> subprocess.CompletedProcess[str]:
    """Run the target with the real pip, which finds packages in the clone's folder alone."""
    (clone / "requirements.lock").write_text(lock_of(digest))
    environment = {**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": clone.as_uri(), "PIP_NO_CACHE_DIR": "1"}
    command = ["make", "setup", f"PYTHON={sys.executable}"]
    return subprocess.run(command, cwd=clone, capture_output=True, text=True, check=False, env=environment)


@pytest.mark.timeout(180)  # it makes a virtual environment with pip
def test_uv_is_installed_by_its_hash_in_a_folder_with_any_name(tmp_path: Path) -> None:
    clone = tmp_path / "Zürich und so"
    clone.mkdir()
    shutil.copy(PROJECT / "Makefile", clone)
    digest = hashlib.sha256(published(clone).read_bytes()).hexdigest()
    done = really_set_up(clone, digest)
    assert done.returncode == 0, done.stderr
    asked = (clone / "asked").read_text().splitlines()
    assert asked[:2] == ["pip", "sync"]
    assert {"--require-hashes", "--only-binary", "requirements.lock"} <= set(asked)


def test_a_uv_with_another_hash_is_not_installed(clone: Path) -> None:
    published(clone)
    done = really_set_up(clone, "2" * 64)
    assert done.returncode != 0
    assert "DO NOT MATCH THE HASHES" in done.stderr
    assert not (clone / ".venv/bin/uv").exists()
    assert not (clone / ".venv/.ready").exists()


def test_the_locks_entry_of_uv_is_all_that_pip_gets(clone: Path) -> None:
    digest = hashlib.sha256(published(clone).read_bytes()).hexdigest()
    assert really_set_up(clone, digest).returncode == 0
    assert (clone / ".venv/uv.lock").read_text() == (
        f"uv==1.0 \\\n    --hash=sha256:{'1' * 64} \\\n    --hash=sha256:{digest}\n"
    )
