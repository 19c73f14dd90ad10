"""Groups are built in order by a Go of the tests' own, published whole, and never built twice."""

import contextlib
import io
import threading
from collections.abc import Generator
from pathlib import Path

import pytest
from rich.console import Console

from local.progress import Progress
from local.toolchain import build, sources
from local.toolchain.build import Toolchain
from local.toolchain.golang import Go, ToolchainError
from local.toolchain.groups import Group, Program

# Stands in for go: writes what it was asked for into the output file, and notes every call. It fails where the package
# is called `broken`, and waits for a FIFO to be read where it is called `slow`.
FAKE_GO = """#!/bin/sh
echo "$1 $PWD" >> {calls}
case "$1" in
  env) echo "$FAKE_GO_VERSION"; exit ;;
  list) exit ;;
esac
for argument do
  case "$previous" in -o) output=$argument ;; esac
  previous=$argument
  package=$argument
done
case "$package" in
  ./broken) echo "main.go:1: first"; echo "main.go:2: undefined: x"; exit 1 ;;
  ./slow) echo started > {started}; exec sleep 600 ;;
esac
case "$output" in
  */) echo "$*" > "$output/one"; echo "$*" > "$output/two" ;;
  *) echo "$*" > "$output" ;;
esac
"""


def group(name: str, *names: str, package: str = "./cmd", links: tuple[str, ...] = ()) -> Group:
    programs = tuple(Program(name=program, package=package, links=links) for program in names or (name,))
    return Group(name=name, version="v1.0.0", module="example", programs=programs, expected_seconds=1)


class Workshop:
    """A cache, a module and a Go of one test."""

    def __init__(self, root: Path) -> None:
        self.cache = root / "cache"
        self.calls = root / "calls"
        self.started = root / "started"
        self.module = root / "modules/example"
        self.module.mkdir(parents=True)
        (self.module / "go.mod").write_text("module example\n")
        (self.module / "script").write_text("a script\n")
        go = root / "bin/go"
        go.parent.mkdir()
        go.write_text(FAKE_GO.format(calls=self.calls, started=self.started))
        go.chmod(0o755)
        self.output = io.StringIO()

    def toolchain(self, *groups: Group) -> Toolchain:
        return Toolchain(self.cache, Progress(Console(file=self.output, width=200)), groups)

    def count(self, verb: str) -> int:
        return sum(line.startswith(f"{verb} ") for line in self.calls.read_text().splitlines())

    def published(self) -> list[str]:
        """Groups in the cache; their names without the key."""
        folders = (self.cache / "toolchain").glob("[!.]*-*")
        return sorted(folder.name.rpartition("-")[0] for folder in folders)


@pytest.fixture
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("FAKE_GO_VERSION", "go1.26.6")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(sources, "MODULES", tmp_path / "modules")
    monkeypatch.setattr(build, "MODULES", tmp_path / "modules")
    return Workshop(tmp_path)


@contextlib.contextmanager
def stopped(toolchain: Toolchain) -> Generator[Toolchain]:
    """Stops a toolchain whatever happens, so that no test leaves a process behind."""
    try:
        yield toolchain
    finally:
        toolchain.stop()


def test_a_program_is_built_and_published_under_its_name(workshop: Workshop) -> None:
    with stopped(workshop.toolchain(group("etcd"))) as toolchain:
        path = toolchain.wait("etcd")
    assert path.name == "etcd"
    assert path.parent.parent.parent == workshop.cache / "toolchain"
    assert "-trimpath" in path.read_text()


def test_groups_are_built_in_order_and_reported(workshop: Workshop) -> None:
    with stopped(workshop.toolchain(group("etcd"), group("kubernetes"), group("pulumi"))) as toolchain:
        toolchain.wait("pulumi")
    reported = [line.split()[1] for line in workshop.output.getvalue().splitlines() if "done" in line]
    assert reported == ["etcd", "kubernetes", "pulumi"]


def test_the_versions_of_a_group_reach_the_linker(workshop: Workshop) -> None:
    program = Program(name="tool", package="./cmd")
    versioned = Group(
        name="tool",
        version="v2.0.0",
        module="example",
        programs=(program,),
        expected_seconds=1,
        variables=(("example.org/version.Version", "v2.0.0"),),
    )
    with stopped(workshop.toolchain(versioned)) as toolchain:
        assert "-X=example.org/version.Version=v2.0.0" in toolchain.wait("tool").read_text()


def test_several_programs_are_built_by_one_command(workshop: Workshop) -> None:
    with stopped(workshop.toolchain(group("pair", "one", "two"))) as toolchain:
        assert toolchain.wait("one").parent == toolchain.wait("two").parent
    assert workshop.count("build") == 1


def test_links_point_to_the_program_that_acts_by_its_name(workshop: Workshop) -> None:
    with stopped(workshop.toolchain(group("all", links=("kubectl", "kubelet")))) as toolchain:
        path = toolchain.wait("kubectl")
    assert path.name == "kubectl"
    assert path.readlink() == Path("all")


def test_scripts_stand_beside_the_program_and_can_be_run(workshop: Workshop) -> None:
    program = Program(name="host", package="./cmd")
    scripted = Group(
        name="host", version="v1.0.0", module="example", programs=(program,), expected_seconds=1, scripts=("script",)
    )
    with stopped(workshop.toolchain(scripted)) as toolchain:
        path = toolchain.wait("script")
        assert path.parent == toolchain.wait("host").parent
    assert path.read_text() == "a script\n"
    assert path.stat().st_mode & 0o777 == 0o755


def test_what_is_built_is_not_built_again(workshop: Workshop) -> None:
    for _ in range(2):
        with stopped(workshop.toolchain(group("etcd"))) as toolchain:
            toolchain.wait("etcd")
    assert workshop.count("build") == 1


def test_found_builds_nothing(workshop: Workshop) -> None:
    toolchain = workshop.toolchain(group("etcd"))
    assert toolchain.found("etcd") is None
    assert workshop.count("build") == 0


def test_the_folders_for_path_leave_plugins_out(workshop: Workshop) -> None:
    plugin = Group(
        name="plugin",
        version="v1.0.0",
        module="example",
        programs=(Program(name="plugin", package="./cmd"),),
        expected_seconds=1,
        on_path=False,
    )
    with stopped(workshop.toolchain(group("etcd"), plugin)) as toolchain:
        plugin_folder = toolchain.wait("plugin").parent
        assert toolchain.folders() == [toolchain.wait("etcd").parent]
        assert plugin_folder not in toolchain.folders()


def test_a_failure_names_the_group_the_last_line_and_the_log(workshop: Workshop) -> None:
    with (
        stopped(workshop.toolchain(group("bad", package="./broken"))) as toolchain,
        pytest.raises(ToolchainError, match=r"could not build bad: main.go:2: undefined: x; log: .*/logs/bad.log"),
    ):
        toolchain.wait("bad")
    assert "main.go:1: first" in (workshop.cache / "toolchain/logs/bad.log").read_text()
    assert workshop.published() == []


def test_a_failure_does_not_keep_later_groups_from_being_built(workshop: Workshop) -> None:
    with stopped(workshop.toolchain(group("bad", package="./broken"), group("etcd"))) as toolchain:
        assert toolchain.wait("etcd").is_file()


def test_an_unknown_program_is_refused_with_the_known_ones(workshop: Workshop) -> None:
    with pytest.raises(ToolchainError, match="unknown program 'nginx'; choose one of: etcd"):
        workshop.toolchain(group("etcd")).wait("nginx")


def test_stop_ends_the_build_and_keeps_what_is_finished(workshop: Workshop) -> None:
    toolchain = workshop.toolchain(group("etcd"), group("big", package="./slow"), group("never"))
    with stopped(toolchain):
        toolchain.wait("etcd")
        failures: list[ToolchainError] = []

        def wait() -> None:
            with pytest.raises(ToolchainError) as caught:
                toolchain.wait("big")
            failures.append(caught.value)

        waiting = threading.Thread(target=wait)
        waiting.start()
        while not workshop.started.exists():
            waiting.join(0.01)
        toolchain.stop()
        waiting.join(10)
    assert [str(failure) for failure in failures] == ["toolchain: the build of big was stopped"]
    assert workshop.published() == ["etcd"]


def test_nothing_starts_after_a_stop(workshop: Workshop) -> None:
    toolchain = workshop.toolchain(group("etcd"))
    toolchain.stop()
    with pytest.raises(ToolchainError, match="stopped"):
        toolchain.wait("etcd")
    assert workshop.count("build") == 0


def test_the_key_names_all_that_determines_a_build(workshop: Workshop) -> None:
    go = Go(binary=Path("/usr/bin/go"), version="go1.26.6")
    keys = [
        build.key(group("etcd"), go),
        build.key(group("etcd"), Go(binary=go.binary, version="go1.27.0")),
        build.key(group("etcd", package="./other"), go),
        build.key(group("etcd", links=("other",)), go),
    ]
    (workshop.module / "go.mod").write_text("module example // newer\n")
    keys.append(build.key(group("etcd"), go))
    assert len(set(keys)) == len(keys)


def test_the_key_does_not_depend_on_where_go_is(workshop: Workshop) -> None:
    assert workshop.module.is_dir()
    here, there = (Go(binary=Path(folder) / "go", version="go1.26.6") for folder in ("/here", "/there"))
    assert build.key(group("etcd"), here) == build.key(group("etcd"), there)


def test_a_checker_of_the_tests_is_built_alone_and_with_its_tags(workshop: Workshop) -> None:
    prometheus = workshop.module.parent / "prometheus"
    prometheus.mkdir()
    (prometheus / "go.mod").write_text("module prometheus\n")
    quiet = Progress(Console(quiet=True))
    path = build.provide("promtool", workshop.cache, quiet)
    assert "-tags=remove_all_sd" in path.read_text()
    assert workshop.published() == ["promtool"]
    assert build.provide("promtool", workshop.cache, quiet) == path
    assert workshop.count("build") == 1
