"""Update a module's go.mod and go.sum after a manual version change in its go.mod."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from local.progress import Progress
from local.toolchain.children import Children
from local.toolchain.golang import ToolchainError, require_go
from local.toolchain.groups import ALL, tag_flags
from local.toolchain.sources import MODULES, last_line, prepare

EXPECTED_SECONDS = 60  # time for the downloads


def resolve(module: str, cache: Path, progress: Progress) -> list[Path]:
    """Load every package that a module's groups build, add the missing pins, and return the written files.

    `go mod tidy` is not used: it would add pins that only the tests of dependencies need, and remove the pins that must
    be listed because no checksum database knows them.

    Raises:
        ToolchainError: if there is no such module, or its packages do not load.
    """
    groups = [group for group in ALL if group.module == module]
    packages = [program.package for group in groups for program in group.programs]
    if not packages:
        known = ", ".join(dict.fromkeys(group.module for group in ALL))
        raise ToolchainError(f"toolchain: unknown module {module!r}; choose one of: {known}")
    go = require_go(cache, progress)
    children = Children()
    with progress.step(f"resolve {module}", EXPECTED_SECONDS), tempfile.TemporaryDirectory() as scratch:
        prepared = prepare(module, Path(scratch), go, children.run)
        command = [str(go.binary), "list", "-mod=mod", "-deps", *tag_flags(groups), "-f", "{{.Name}}", *packages]
        try:
            children.run(command, cwd=prepared, env=go.environment())
        except subprocess.CalledProcessError as error:
            raise ToolchainError(f"toolchain: {module} does not resolve: {last_line(error.output)}") from error
        finally:
            children.stop()
        written = [MODULES / module / name for name in ("go.mod", "go.sum")]
        for file in written:
            shutil.copyfile(prepared / file.name, file)
    return written
