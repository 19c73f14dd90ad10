"""Build missing programs in the background and in order, so that the cluster starts while later parts still build."""

import contextlib
import fcntl
import hashlib
import json
import platform
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Generator
from pathlib import Path

from local.progress import Progress
from local.toolchain.children import Children, StoppedError
from local.toolchain.golang import BUILD_FLAGS, LINKER_FLAGS, Go, ToolchainError, find_go, require_go
from local.toolchain.groups import GROUPS, Group, group_of, tag_flags
from local.toolchain.host import host_programs
from local.toolchain.sources import MODULES, digest, last_line, prepare

_LOCK_POLL_SECONDS = 0.5


class Toolchain:
    """The programs of the embedded default.

    Args:
        cache: SLIPWAY_CACHE; groups are published in `toolchain/<group>-<key>/bin`, logs are in `toolchain/logs`.
        progress: Where builds are reported.
        groups: The available groups, in build order.
    """

    def __init__(self, cache: Path, progress: Progress, groups: tuple[Group, ...] = GROUPS) -> None:
        self._cache = cache
        self._root = cache / "toolchain"
        self._progress = progress
        self._groups = groups
        self._host = host_programs()
        self._children = Children()
        self._start_lock = threading.Lock()
        self._prepare_lock = threading.Lock()
        self._settled = {group.name: threading.Event() for group in groups}
        self._errors: dict[str, ToolchainError] = {}
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Build the missing groups in a background thread, and prefetch their modules in another.

        A second call does nothing. `wait` raises build errors; only a missing Go raises here.

        Raises:
            ToolchainError: if there is no usable Go and none can be installed.
        """
        with self._start_lock:  # several threads may call `wait`
            if self._threads:
                return
            missing = [group for group in self._groups if not self._is_built(group)]
            for group in self._groups:
                if group not in missing:
                    self._settled[group.name].set()
            if not missing:
                return
            go = require_go(self._cache, self._progress)
            self._threads = [
                threading.Thread(target=self._build_all, args=(missing, go), name="toolchain build", daemon=True),
                threading.Thread(target=self._prefetch, args=(missing, go), name="toolchain prefetch", daemon=True),
            ]
            for thread in self._threads:
                thread.start()

    def wait(self, binary: str) -> Path:
        """Return the path of an executable once its group is built; start the build if it has not started.

        Do not resolve the path's symlinks: programs choose their function by the name they are called with.

        Raises:
            ToolchainError: if there is no such program or its build failed; the message names the log.
        """
        try:
            group = group_of(binary, self._groups)
        except KeyError as error:
            raise ToolchainError(error.args[0]) from error
        found = self.found(binary)
        if found is not None:
            return found
        self.start()
        self._settled[group.name].wait()
        if (failure := self._errors.get(group.name)) is not None:
            raise failure
        found = self.found(binary)
        if found is None:
            raise ToolchainError(f"toolchain: {binary} disappeared from {self._root}: run the command again")
        return found

    def found(self, binary: str) -> Path | None:
        """Return the path of an executable that exists already, or None."""
        if binary in self._host:
            return self._host[binary]
        folder = self._folder(group_of(binary, self._groups))
        path = folder / "bin" / binary if folder is not None else None
        return path if path is not None and path.exists() else None

    def folders(self) -> list[Path]:
        """Return the PATH folders of the executables that exist so far, in build order and without duplicates."""
        groups = [group for group in self._groups if group.on_path]
        paths = [self.found(binary) for group in groups for binary in group.binaries]
        return list(dict.fromkeys(path.parent for path in paths if path is not None))

    def stop(self) -> None:
        """End the go processes. Finished groups stay, and the next build resumes from Go's build cache."""
        self._children.stop()
        for thread in self._threads:
            thread.join()

    def _is_built(self, group: Group) -> bool:
        return all(self.found(binary) is not None for binary in group.binaries)

    def _folder(self, group: Group) -> Path | None:
        go = find_go(self._cache)
        return None if go is None else self._root / f"{group.name}-{key(group, go)}"

    def _build_all(self, missing: list[Group], go: Go) -> None:
        for group in missing:
            try:
                with self._locked(group):
                    if not self._is_built(group):  # another process may have built it meanwhile
                        with self._progress.step(f"build {group.name} {group.version}", group.expected_seconds):
                            self._build(group, go)
            except ToolchainError as error:
                self._errors[group.name] = error
            except StoppedError:
                self._errors[group.name] = ToolchainError(f"toolchain: the build of {group.name} was stopped")
            except OSError as error:
                self._errors[group.name] = ToolchainError(f"toolchain: {group.name}: {error}")
            finally:
                self._settled[group.name].set()

    def _build(self, group: Group, go: Go) -> None:
        source = self._prepared(group.module, go)
        logs = self._root / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        log = logs / f"{group.name}.log"
        building = Path(tempfile.mkdtemp(prefix=f".{group.name}-", dir=self._root))
        bin_folder = building / "bin"
        bin_folder.mkdir()
        try:
            command = build_command(group, go, bin_folder)
            try:
                self._children.run(command, cwd=source, env=go.environment(), log=log)
            except subprocess.CalledProcessError as error:
                reason = last_line(error.output)
                raise ToolchainError(f"toolchain: go could not build {group.name}: {reason}; log: {log}") from error
            for program in group.programs:
                for link in program.links:
                    (bin_folder / link).symlink_to(program.name)
            for script in group.scripts:
                copy = bin_folder / script.rpartition("/")[2]
                shutil.copyfile(source / script, copy)
                copy.chmod(0o755)
            building.chmod(0o755)
            published = self._root / f"{group.name}-{key(group, go)}"
            shutil.rmtree(published, ignore_errors=True)  # incomplete, or this build would not have started
            building.rename(published)
        finally:
            shutil.rmtree(building, ignore_errors=True)

    def _prefetch(self, missing: list[Group], go: Go) -> None:
        """Load every package of the modules to download their dependencies. The build reports any failure."""
        for module in dict.fromkeys(group.module for group in missing):
            groups = [group for group in missing if group.module == module]
            packages = [program.package for group in groups for program in group.programs]
            with contextlib.suppress(subprocess.CalledProcessError, ToolchainError, StoppedError, OSError):
                command = [str(go.binary), "list", "-deps", *tag_flags(groups), "-f", "{{.Name}}", *packages]
                self._children.run(command, cwd=self._prepared(module, go), env=go.environment())

    def _prepared(self, module: str, go: Go) -> Path:
        with self._prepare_lock:
            return prepare(module, self._root / "sources", go, self._children.run)

    @contextlib.contextmanager
    def _locked(self, group: Group) -> Generator[None]:
        """Prevent other processes from building the same group; wait for a process that already does."""
        self._root.mkdir(parents=True, exist_ok=True)
        with (self._root / f".{group.name}.lock").open("w", encoding="utf-8") as file:
            while True:
                if self._children.stopping:
                    raise StoppedError
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    time.sleep(_LOCK_POLL_SECONDS)
            yield


def provide(binary: str, cache: Path, progress: Progress) -> Path:
    """Return the path of an executable of any group, including on-demand groups; build only its group.

    Raises:
        ToolchainError: if the build failed; the message names the log.
    """
    toolchain = Toolchain(cache, progress, (group_of(binary),))
    try:
        return toolchain.wait(binary)
    finally:
        toolchain.stop()


def build_command(group: Group, go: Go, bin_folder: Path) -> list[str]:
    """Return the go command that builds a group's programs into a folder."""
    variables = [f"-X={name}={value}" for name, value in group.variables]
    # We name the output of a single program. Several programs are built by one command, and go names them after their
    # packages.
    output = str(bin_folder / group.programs[0].name) if len(group.programs) == 1 else f"{bin_folder}/"
    linker = " ".join([*LINKER_FLAGS, *variables])
    packages = [program.package for program in group.programs]
    return [str(go.binary), "build", *BUILD_FLAGS, *tag_flags([group]), f"-ldflags={linker}", "-o", output, *packages]


def key(group: Group, go: Go) -> str:
    """Return a hash of everything that determines a build: a changed pin, flag or Go builds beside the old version."""
    command = build_command(group, go, Path("bin"))[1:]
    facts = [digest(MODULES / group.module), go.version, platform.machine(), command, group.binaries]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]
