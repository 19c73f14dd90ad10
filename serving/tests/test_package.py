"""The package stands alone, and its locks are what the image can be built from."""

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1]
SOURCES = sorted(path for path in PACKAGE.rglob("*.py") if "tests" not in path.parts)
LOCKS = ["requirements.lock", "requirements-train.lock"]


def imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.add(node.module or "")
    return names


def pins(lock: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==([^ ]+)", (PACKAGE / lock).read_text(), re.MULTILINE))


def test_nothing_of_the_program_is_imported() -> None:
    program = {"models", "components", "planning", "delivery", "local", "policy", "pulumi", "catalog"}
    assert SOURCES
    for path in SOURCES:
        assert not {name.partition(".")[0] for name in imports(path)} & program, path


def test_what_serves_does_not_import_what_trains() -> None:
    for path in SOURCES:
        if "training" not in path.parts:
            trained = {name for name in imports(path) if name.startswith(("serving.training", "sklearn", "skl2onnx"))}
            assert not trained, path


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_hashes_and_no_host_is_named(lock: str) -> None:
    text = (PACKAGE / lock).read_text()
    blocks = re.split(r"\n(?=[a-z])", text)
    assert len(blocks) == len(pins(lock)) > 10
    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in text


def test_training_measures_with_the_versions_that_serve() -> None:
    serving, training = (pins(lock) for lock in LOCKS)
    assert {"numpy", "onnxruntime", "pillow"} <= serving.keys() & training.keys()
    for name in serving.keys() & training.keys():
        assert serving[name] == training[name], name
