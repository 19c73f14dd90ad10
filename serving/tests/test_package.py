"""The package is independent of the program, and its lock files suffice to build the image."""

import ast
import re
from pathlib import Path

import pytest

from serving.roles import known_roles

PACKAGE = Path(__file__).parents[1]
SOURCES = sorted(path for path in PACKAGE.rglob("*.py") if "tests" not in path.parts)
LOCKS = ["requirements.lock", "requirements-train.lock", "gpu.lock"]


def imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            module = node.module or ""
            names |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    return names


def pins(lock: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==([^ ]+)", (PACKAGE / lock).read_text(), re.MULTILINE))


def test_nothing_of_the_program_is_imported() -> None:
    program = {"models", "components", "sizing", "delivery", "local", "policy", "pulumi", "catalog"}
    assert SOURCES
    for path in SOURCES:
        assert not {name.partition(".")[0] for name in imports(path)} & program, path


def reached(entry: str) -> set[str]:
    """Return every module of this package that importing `entry` imports."""
    found: set[str] = set()
    waiting = [entry]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        parts = name.split(".")
        waiting += [".".join(parts[:count]) for count in range(1, len(parts))]
        if (path := source_of(name)) is not None:
            waiting += imports(path)
    return found


def source_of(module: str) -> Path | None:
    path = PACKAGE.parent.joinpath(*module.split("."))
    candidates = (path / "__init__.py", path.with_suffix(".py"))
    return next((candidate for candidate in candidates if candidate.is_file()), None)


TRAINING_ONLY = {"sklearn", "skl2onnx", "onnx", "threadpoolctl"}


@pytest.mark.parametrize("role", known_roles())
def test_what_serves_does_not_import_what_trains_or_another_payload(role: str) -> None:
    modules = reached("serving.__main__") | reached(f"serving.payloads.{role}")
    assert {"serving.http.app", "uvicorn"} <= modules
    assert not {name.partition(".")[0] for name in modules} & TRAINING_ONLY
    left_out = re.compile(
        r"serving\.(train|training|training_tables|payloads\.\w+\.(train|training))(\.|$)"
    )  # by the Dockerfile
    assert not [name for name in modules if left_out.match(name)]
    payloads = {name.split(".")[2] for name in modules if name.startswith("serving.payloads.")}
    assert payloads == {role.partition(".")[0]}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_hashes_and_no_host_is_named(lock: str) -> None:
    text = (PACKAGE / lock).read_text()
    blocks = re.split(r"\n(?=[a-z])", text)
    assert len(blocks) == len(pins(lock)) > 10
    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in text


def test_the_lock_for_gpus_differs_in_onnxruntime_only() -> None:
    plain, gpu = pins("requirements.lock"), pins("gpu.lock")
    assert gpu.pop("onnxruntime-gpu") == plain.pop("onnxruntime")
    assert gpu == plain


def test_training_measures_with_the_versions_that_serve() -> None:
    serving, training = (pins(lock) for lock in LOCKS[:2])
    assert {"numpy", "onnxruntime", "pillow"} <= serving.keys() & training.keys()
    for name in serving.keys() & training.keys():
        assert serving[name] == training[name], name
