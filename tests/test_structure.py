"""The shape of the source tree: who imports whom, who reads configuration, and how long things are."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.recording import PROJECT

FILE_LINES, FUNCTION_LINES, MAIN_LINES = 300, 50, 40
FLAT = "bench/flat/__main__.py"
"""The benchmark's counterpart: hand-written and flat on purpose."""
PACKAGES = (
    "models", "components", "planning", "delivery", "catalog", "local", "schema", "serving", "templates", "bench",
    "tests",
)  # fmt: skip
PROGRAM = {"models", "components", "catalog"}
OWN = {*PACKAGES, "__main__"}


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=PROJECT, check=True, capture_output=True, text=True).stdout


def listed(*arguments: str) -> tuple[Path, ...]:
    """The files that ``git ls-files`` names and that are there."""
    names = git("ls-files", "-z", *arguments).split("\0")
    return tuple(path for name in names if name and (path := PROJECT / name).is_file())


@cache
def tracked() -> tuple[Path, ...]:
    """Every file that is or will be in the repository."""
    return listed("--cached", "--others", "--exclude-standard")


def sources(*folders: str) -> list[Path]:
    """Python files below these folders, or of the whole tree."""
    under = [path for path in tracked() if path.suffix == ".py"]
    return [path for path in under if not folders or path.relative_to(PROJECT).parts[0] in folders]


def shown(path: Path) -> str:
    return str(path.relative_to(PROJECT))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def imported(path: Path) -> set[str]:
    """The modules that a file imports, in full."""
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{shown(path)}: a relative import hides its direction"
            found |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def packages(path: Path) -> set[str]:
    return {module.partition(".")[0] for module in imported(path)}


ALL = sources()
by_file = pytest.mark.parametrize


def test_there_is_something_to_look_at() -> None:
    assert len(sources("models")) > 10
    assert len(sources("components")) > 10


@by_file("path", sources("models"), ids=shown)
def test_models_import_the_standard_library_and_pydantic_alone(path: Path) -> None:
    assert packages(path) - sys.stdlib_module_names - {"pydantic", "pydantic_core", "models"} == set()


@by_file("path", sources("components"), ids=shown)
def test_components_import_models_and_components_of_ours(path: Path) -> None:
    assert packages(path) & OWN <= {"models", "components"}


@by_file("path", sources("planning"), ids=shown)
def test_planning_is_arithmetic_over_models(path: Path) -> None:
    """One module simulates; the preview imports the others, and loads no event loop for its lines."""
    beside = {"simpy"} if path.stem == "simulation" else set[str]()
    assert packages(path) - sys.stdlib_module_names <= {"planning", "models"} | beside


def test_the_preview_does_not_load_the_simulation() -> None:
    from_main = {module for module in imported(PROJECT / "__main__.py") if module.startswith("planning")}
    assert from_main == {"planning.sizing_line", "planning.sizing_line.advice"}
    for name in ("sizing_line", "sizing", "split", "queueing"):
        assert "planning.simulation" not in imported(PROJECT / "planning" / f"{name}.py")


@by_file("path", sources("delivery"), ids=shown)
def test_delivery_takes_only_pure_functions_from_the_components(path: Path) -> None:
    assert packages(path) & OWN <= {"delivery", "planning", "models", "components", "catalog"}
    taken = {module for module in imported(path) if module.startswith("components.")}
    pure = (
        "components.api_server",
        "components.manifests",
        "components.names",
        "components.labels",
        "components.preflight",
        "components.reasons",
    )
    assert {module for module in taken if not module.startswith(pure)} == set()


def components_defined(path: Path) -> set[str]:
    """Classes of a file that are Pulumi components."""
    return {
        node.name
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef) and any("ComponentResource" in ast.unparse(base) for base in node.bases)
    }


def test_only_the_composer_knows_the_other_components() -> None:
    homes = {shown(p).removesuffix(".py").replace("/", "."): p for p in sources("components") if components_defined(p)}
    assert len(homes) > 4
    knowing = {
        shown(path)
        for home, own in homes.items()
        for path in sources("components")
        if path != own and home in imported(path)
    }
    assert knowing == {"components/system.py"}


@by_file("path", [p for p in sources("components") if "manifests" in p.parts], ids=shown)
def test_manifests_are_pure_and_register_nothing(path: Path) -> None:
    for node in tree(path).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            assert not any(name.partition(".")[0].startswith("pulumi") for name in names), "for type checks only"


@by_file("path", sources("serving"), ids=shown)
def test_the_model_server_knows_nothing_of_the_program(path: Path) -> None:
    assert packages(path) & OWN <= {"serving"}


@by_file("path", sources("models", "components", "catalog"), ids=shown)
def test_the_program_knows_neither_its_embedded_cluster_nor_its_tests(path: Path) -> None:
    assert packages(path) & OWN <= PROGRAM


@by_file("path", sources("models", "components", "catalog"), ids=shown)
def test_configuration_is_read_in_main_alone(path: Path) -> None:
    reads = {"Config", "CONFIG", "get_config", "get_config_env", "require_config"}
    named = {node.attr for node in ast.walk(tree(path)) if isinstance(node, ast.Attribute)}
    named |= {module.rpartition(".")[2] for module in imported(path) if module.startswith("pulumi")}
    assert named & reads == set()


def test_main_is_where_configuration_is_read() -> None:
    main = PROJECT / "__main__.py"
    assert "CONFIG" in {module.rpartition(".")[2] for module in imported(main)}
    assert len(main.read_text().splitlines()) <= MAIN_LINES


@by_file("path", ALL, ids=shown)
def test_a_file_is_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= FILE_LINES


@by_file("path", [path for path in ALL if shown(path) != FLAT], ids=shown)
def test_a_function_is_short(path: Path) -> None:
    functions = (n for n in ast.walk(tree(path)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
    long = [f.name for f in functions if (f.end_lineno or 0) - f.lineno + 1 > FUNCTION_LINES]
    assert long == []


BANNED_NAMES = re.compile(r"(Manager|Helper|Utils?)$")


@by_file("path", ALL, ids=shown)
def test_a_class_is_named_for_what_it_is(path: Path) -> None:
    names = [node.name for node in ast.walk(tree(path)) if isinstance(node, ast.ClassDef)]
    assert [name for name in names if BANNED_NAMES.search(name)] == []


def host(*labels: str) -> str:
    """Put a host's name together: this file must not name one either."""
    return ".".join(labels)


HOSTS = [
    host("pypi", "org"), host("files", "pythonhosted", "org"), host("registry", "npmjs", "org"),
    host("proxy", "golang", "org"), host("sum", "golang", "org"), host("deb", "debian", "org"),
    host("security", "debian", "org"), host("docker", "io"), host("quay", "io"), host("ghcr", "io"), host("gcr", "io"),
]  # fmt: skip
PUBLIC = re.compile(rf"\b({'|'.join(map(re.escape, HOSTS))})\b")
MACHINE = re.compile(r"(?<![\w.])/(work|home)/[a-z]\w*|/root/[\w.]|/tmp/[a-z]/")
TEXT = {".py", ".md", ".toml", ".yaml", ".yml", ".json", ".lock", ".txt", ".sh", ".go", ".mod", ""}


def lines(pattern: re.Pattern[str]) -> Iterator[str]:
    """Where a pattern occurs in the tracked text files, this one aside."""
    for path in tracked():
        if path.suffix in TEXT and "patched" not in path.parts:
            for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
                if pattern.search(line):
                    yield f"{shown(path)}:{number}: {line.strip()[:100]}"


def test_no_file_names_a_package_registrys_host() -> None:
    assert list(lines(PUBLIC)) == []


def test_no_file_names_a_folder_of_the_machine_that_it_was_written_on() -> None:
    assert list(lines(MACHINE)) == []


@by_file("given", HOSTS)
def test_a_registrys_host_would_be_seen(given: str) -> None:
    assert PUBLIC.search(f"see https://{given}/simple")
    assert PUBLIC.search(f"FROM {given}/library/python")


@by_file(
    ("text", "seen"),
    [("work/main", True), ("root/.cache", True), ("home/someone", True), ("usr/bin", False), ("workshop", False)],
)
def test_a_folder_of_the_machine_would_be_seen(text: str, seen: bool) -> None:
    assert bool(MACHINE.search(f"cd /{text}")) is seen


def test_no_committed_stack_file_carries_the_salt_of_a_local_cluster() -> None:
    """Pulumi writes it at `make up`, `make down` takes it away, and a commit in between would keep it."""
    files = [path.name for path in listed("--cached", "--", "Pulumi.*.yaml")]
    assert "Pulumi.dev.yaml" in files
    for name in files:
        assert "encryptionsalt" not in git("show", f":{name}"), f"{name}: git restore --staged --worktree {name}"
