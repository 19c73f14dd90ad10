"""The shape of the source tree: who imports whom, who reads configuration, and how long things are."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.each import each
from tests.recording import PROJECT

FILE_LINES, FUNCTION_LINES, MAIN_LINES = 300, 50, 40
FLAT = "bench/flat/__main__.py"
"""The benchmark's counterpart: hand-written and flat on purpose."""
PACKAGES = (
    "models", "components", "sizing", "delivery", "catalog", "loader", "local", "schema", "serving", "templates",
    "bench", "tests",
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
    return ast.parse(path.read_text("utf-8"))


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


def offenders(found: Iterable[tuple[Path, Iterable[str]]]) -> list[str]:
    """Write a line for each file with what is wrong in it; a check fails with all of them at once."""
    return [f"{shown(path)}: {', '.join(sorted(wrong))}" for path, faults in found if (wrong := list(faults))]


def strangers(folders: Iterable[str], allowed: set[str]) -> list[str]:
    """List the files below some folders that import packages of ours beside the allowed ones."""
    return offenders((path, packages(path) & OWN - allowed) for path in sources(*folders))


def test_there_is_something_to_look_at() -> None:
    for folder in ("models", "components", "sizing", "delivery", "serving", "tests"):
        assert len(sources(folder)) >= 10, folder


def test_every_offender_is_listed() -> None:
    one, other = PROJECT / "models" / "a.py", PROJECT / "sizing" / "b.py"
    assert offenders([(one, {"y", "x"}), (PROJECT, ()), (other, ["z"])]) == ["models/a.py: x, y", "sizing/b.py: z"]
    assert "components/system.py: components, models" in strangers(["components"], set())


def test_models_import_the_standard_library_pydantic_and_a_parser_of_cron_alone() -> None:
    allowed = sys.stdlib_module_names | {"pydantic", "pydantic_core", "models"}
    beside = {"schedule": {"cronsim"}}
    found = ((path, packages(path) - allowed - beside.get(path.stem, set())) for path in sources("models"))
    assert offenders(found) == []


def test_components_import_models_and_components_of_ours() -> None:
    assert strangers(["components"], {"models", "components"}) == []


def test_sizing_is_arithmetic_over_models() -> None:
    """One module simulates; the preview imports the others, and loads no event loop for its lines."""
    allowed = sys.stdlib_module_names | {"sizing", "models"}
    beside = {"simulation": {"simpy"}}
    found = ((path, packages(path) - allowed - beside.get(path.stem, set())) for path in sources("sizing"))
    assert offenders(found) == []


def test_the_preview_does_not_load_the_simulation() -> None:
    from_main = {module for module in imported(PROJECT / "__main__.py") if module.startswith("sizing")}
    assert from_main == {"sizing.summary", "sizing.summary.advice"}
    for name in ("summary", "sizing", "split", "queueing"):
        assert "sizing.simulation" not in imported(PROJECT / "sizing" / f"{name}.py")


def test_manifests_are_made_without_the_engine() -> None:
    """In a process of its own: others of this one have imported pulumi already."""
    names = [f"components.manifests.{path.stem}" for path in (PROJECT / "components" / "manifests").glob("[a-z]*.py")]
    assert len(names) > 20
    script = f"import importlib, sys\nfor name in {names}: importlib.import_module(name)\n"
    script += "sys.exit(any(name.startswith('pulumi') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", script], cwd=PROJECT, check=False).returncode == 0


PURE = tuple(
    f"components.{name}"
    for name in ("api_client", "api_server", "http_proxy", "manifests", "names", "labels", "preflight", "reasons")
)


def test_delivery_takes_only_pure_functions_from_the_components() -> None:
    """And the loader, whose sources `slipway model pin` reads."""
    assert strangers(["delivery"], {"delivery", "sizing", "models", "components", "catalog", "loader"}) == []
    taken = {
        path: {module for module in imported(path) if module.startswith("components.")} for path in sources("delivery")
    }
    found = ((path, {module for module in modules if not module.startswith(PURE)}) for path, modules in taken.items())
    assert offenders(found) == []


def components_defined(path: Path) -> set[str]:
    """Classes of a file that are Pulumi components."""
    return {
        node.name
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef) and any("ComponentResource" in ast.unparse(base) for base in node.bases)
    }


def test_only_the_composer_knows_the_other_components() -> None:
    homes = {shown(p).removesuffix(".py").replace("/", "."): p for p in sources("components") if components_defined(p)}
    assert len(homes) > 1
    knowing = {
        shown(path)
        for home, own in homes.items()
        for path in sources("components")
        if path != own and home in imported(path)
    }
    assert knowing == {"components/system.py"}


def test_importing_every_module_of_the_manifests_does_not_import_pulumi() -> None:
    manifests = [
        shown(path).removesuffix(".py").replace("/", ".") for path in sources("components") if "manifests" in path.parts
    ]
    assert len(manifests) > 20
    told = f"import {', '.join(manifests)}, sys; print([m for m in sys.modules if m.startswith('pulumi')])"
    done = subprocess.run([sys.executable, "-c", told], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_model_server_knows_nothing_of_the_program() -> None:
    assert strangers(["serving"], {"serving"}) == []


def test_the_program_knows_neither_its_embedded_cluster_nor_its_tests() -> None:
    assert strangers(PROGRAM, PROGRAM) == []


def test_configuration_is_read_in_main_alone() -> None:
    reads = {"Config", "CONFIG", "get_config", "get_config_env", "require_config"}

    def named(path: Path) -> set[str]:
        attributes = {node.attr for node in ast.walk(tree(path)) if isinstance(node, ast.Attribute)}
        return attributes | {module.rpartition(".")[2] for module in imported(path) if module.startswith("pulumi")}

    assert offenders((path, named(path) & reads) for path in sources(*PROGRAM)) == []


def test_main_is_where_configuration_is_read() -> None:
    main = PROJECT / "__main__.py"
    assert "CONFIG" in {module.rpartition(".")[2] for module in imported(main)}
    assert len(main.read_text("utf-8").splitlines()) <= MAIN_LINES


def test_a_file_is_short() -> None:
    lengths = {shown(path): len(path.read_text("utf-8").splitlines()) for path in sources()}
    assert {name: length for name, length in lengths.items() if length > FILE_LINES} == {}


def long_functions(path: Path) -> Iterator[str]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            if length > FUNCTION_LINES:
                yield f"{node.name} has {length} lines"


@pytest.mark.slow  # reads every source
def test_a_function_is_short() -> None:
    assert list(long_functions(PROJECT / FLAT)), "the counterpart shows that a long function is seen"
    assert offenders((path, long_functions(path)) for path in sources() if shown(path) != FLAT) == []


BANNED_NAMES = re.compile(r"(Manager|Helper|Utils?)$")


@pytest.mark.slow
def test_a_class_is_named_for_what_it_is() -> None:
    classes = {path: {n.name for n in ast.walk(tree(path)) if isinstance(n, ast.ClassDef)} for path in sources()}
    assert offenders((path, filter(BANNED_NAMES.search, names)) for path, names in classes.items()) == []


def clients_made(module: ast.Module) -> Iterator[str]:
    """Yield each call that makes an HTTP client or sends a request with one of its own, and reads the environment."""
    verbs = {"Client", "AsyncClient", "get", "post", "put", "head", "request", "stream", "patch", "delete"}
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {f"httpx.{verb}" for verb in verbs}:
            own = any(k.arg == "trust_env" and ast.unparse(k.value) == "False" for k in node.keywords)
            if not own:
                yield f"{node.lineno} {ast.unparse(node.func)}"


@pytest.mark.slow
def test_no_other_module_makes_a_client_that_reads_the_environment() -> None:
    places = sources("delivery", "components", "local", "catalog", "models", "sizing", "templates")
    others = [path for path in places if shown(path) != "delivery/http_client.py"]
    assert offenders((path, clients_made(tree(path))) for path in others) == []
    calls = "httpx.Client(timeout=5)\nhttpx.get(u, trust_env=True)\nhttpx.get(u, trust_env=False)"
    assert list(clients_made(ast.parse(calls))) == ["1 httpx.Client", "2 httpx.get"]


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
            for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1):
                if pattern.search(line):
                    yield f"{shown(path)}:{number}: {line.strip()[:100]}"


def test_no_file_names_a_package_registrys_host() -> None:
    assert list(lines(PUBLIC)) == []


def test_no_file_names_a_folder_of_the_machine_that_it_was_written_on() -> None:
    assert list(lines(MACHINE)) == []


@each("given", HOSTS)
def test_a_registrys_host_would_be_seen(given: str) -> None:
    assert PUBLIC.search(f"see https://{given}/simple")
    assert PUBLIC.search(f"FROM {given}/library/python")


@pytest.mark.parametrize(
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
