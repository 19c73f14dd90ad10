"""Prepare a module for building: our own files, and copies of the published modules that need changes.

`modules/<name>/module.json` lists the copied modules; README.md gives the reason for each. A module is copied from the
module cache only after its checksum matched the recorded one, so a copy is pinned as firmly as by go.sum.
"""

import fnmatch
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NotRequired, TypedDict, cast

from local.toolchain.golang import Go, ToolchainError

MODULES = Path(__file__).resolve().parent / "modules"


class Edit(TypedDict):
    """A replacement for text that occurs exactly once in a file of the copy."""

    file: str
    old: str
    new: str


class Source(TypedDict):
    """A published module that is copied.

    Attributes:
        path: Module path; `version` and `sum` (as go.sum writes it) pin it.
        patched: Whether the copy replaces the module, as `patched/<path>`, with the files of `patches/<path>` on top.
        omit: Patterns of paths in the module that the copy leaves out.
        edits: Changes to single lines of the copy.
        copies: Single files: their path in the module, and their path in the prepared module.
    """

    path: str
    version: str
    sum: str
    patched: NotRequired[bool]
    omit: NotRequired[list[str]]
    edits: NotRequired[list[Edit]]
    copies: NotRequired[dict[str, str]]


def digest(module: Path) -> str:
    """Return a hash of every file of a module folder. A build depends only on these files, Go and the flags."""
    total = hashlib.sha256()
    for file in sorted(path for path in module.rglob("*") if path.is_file()):
        total.update(f"{file.relative_to(module)}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()


def prepare(module: str, cache: Path, go: Go, run: Callable[..., str]) -> Path:
    """Return the folder to build a module in; create it in the cache if it does not exist.

    Args:
        module: Folder name below `modules/`.
        cache: Folder for prepared modules.
        go: The Go that downloads the modules to copy.
        run: Runs a command and returns its output; the caller can stop it.

    Raises:
        ToolchainError: if a module's checksum differs from the recorded one, or an edit does not apply.
    """
    origin = MODULES / module
    prepared = cache / f"{module}-{digest(origin)[:16]}"
    if prepared.is_dir():
        return prepared
    cache.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=f".{module}-", dir=cache))
    try:
        shutil.copytree(origin, building, dirs_exist_ok=True)
        for source in read_sources(origin):
            _copy(source, _download(source, building.parent, go, run), building)
        building.chmod(0o755)
        try:
            building.rename(prepared)
        except OSError:
            if not prepared.is_dir():  # if it exists, another process created it first
                raise
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return prepared


def read_sources(module: Path) -> Sequence[Source]:
    """Return the published modules that a module folder copies."""
    description = module / "module.json"
    if not description.is_file():
        return ()
    return cast("list[Source]", json.loads(description.read_text("utf-8"))["modules"])


def _download(source: Source, folder: Path, go: Go, run: Callable[..., str]) -> Path:
    """Return the module's folder in Go's module cache. We check the sum: some modules are in no checksum database."""
    name = f"{source['path']}@{source['version']}"
    environment = go.environment(GONOSUMDB=source["path"], GOFLAGS="")
    try:
        found = json.loads(run([str(go.binary), "mod", "download", "-json", name], cwd=folder, env=environment))
    except subprocess.CalledProcessError as error:
        raise ToolchainError(f"toolchain: {name} could not be downloaded: {last_line(error.output)}") from error
    if found["Sum"] != source["sum"]:
        raise ToolchainError(f"toolchain: {name} has checksum {found['Sum']}, not {source['sum']}: do not build it")
    return Path(found["Dir"])


def _copy(source: Source, published: Path, building: Path) -> None:
    for old, new in source.get("copies", {}).items():
        (building / new).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(published / old, building / new)
    if not source.get("patched"):
        return
    copy = building / "patched" / source["path"]
    omit = source.get("omit", [])

    def omitted(folder: str, names: list[str]) -> list[str]:
        inside = Path(folder).relative_to(published)
        return [name for name in names if any(fnmatch.fnmatch(str(inside / name), pattern) for pattern in omit)]

    shutil.copytree(published, copy, ignore=omitted, copy_function=shutil.copyfile)
    for folder, _, _ in os.walk(copy):
        Path(folder).chmod(0o755)  # the module cache is read-only
    overlay = building / "patches" / source["path"]
    if overlay.is_dir():
        shutil.copytree(overlay, copy, dirs_exist_ok=True)
    for edit in source.get("edits", []):
        _edit(copy / edit["file"], edit)


def _edit(file: Path, edit: Edit) -> None:
    text = file.read_text("utf-8")
    if (times := text.count(edit["old"])) != 1:
        raise ToolchainError(
            f"toolchain: {edit['file']}: {edit['old']!r} occurs {times} times, not once: see module.json"
        )
    file.write_text(text.replace(edit["old"], edit["new"]), "utf-8")


def last_line(output: str | None) -> str:
    """Return the last line of a command's output that is not empty."""
    return ([line.strip() for line in (output or "").splitlines() if line.strip()] or ["no output"])[-1]
