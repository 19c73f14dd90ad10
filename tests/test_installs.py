"""What is installed is proven: packages by the hashes of a lock, actions by a commit, images by a digest."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from tests.each import each
from tests.recording import PROJECT
from tests.templates.workflow import GITLAB, WORKFLOW
from tests.test_structure import shown, tracked

FOLDERS = ("Makefile", ".ci", "loader", "local", "serving", "images", "templates", "bench", "slipway")
PACKAGES = re.compile(r"""\bpip["',]*\s+["']?(?:(?:-|"\$|/)\S+\s+)*(?:install|sync|download)\b""")
"""pip or uv as a shell line or as a list of arguments, possibly with options before the command."""
SPAN = 6
"""Lines within which a command that spans several lines ends."""
PINNED_ACTION = re.compile(r"[\w./-]+@[0-9a-f]{40}")
VERSION = re.compile(r"# v\d+\.\d+\.\d+\b")
PINNED_IMAGE = re.compile(r"\S+@sha256:([0-9a-f]{64}|DIGEST)")


def installs(text: str) -> Iterator[tuple[int, str]]:
    """Yield each command that installs or downloads packages: its line number and its text."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if PACKAGES.search(line):
            yield number + 1, "\n".join(lines[number : number + SPAN])


def unproven(text: str) -> list[int]:
    return [number for number, command in installs(text) if "--require-hashes" not in command]


def sources_that_install() -> list[Path]:
    kinds = {".py", ".sh", "", ".yml", ".yaml"}
    return [path for path in tracked() if path.suffix in kinds and shown(path).startswith(FOLDERS)]


def test_every_installation_of_packages_is_checked_by_hash() -> None:
    found = {shown(path): path.read_text("utf-8") for path in sources_that_install() if "tests" not in path.parts}
    seen = {name for name, text in found.items() if list(installs(text))}
    assert {
        "Makefile", "bench/server/environments.py", "images/vectors/Dockerfile", "local/toolchain/golang.py",
        "loader/Dockerfile", "local/wheels.py", "serving/Dockerfile",
    } == seen  # fmt: skip
    assert {name: lines for name, text in found.items() if (lines := unproven(text))} == {}


def test_no_installation_builds_a_source_distribution() -> None:
    """The packages that such a build needs are in no lock."""
    for name in ("Makefile", "bench/server/environments.py", "local/toolchain/golang.py", "local/wheels.py"):
        text = (PROJECT / name).read_text("utf-8")
        for number, command in installs(text):
            assert re.search(r"--only-binary\W{1,4}:all:", command), f"{name}:{number}"


@each(
    ("line", "seen"),
    [
        ("\t@$(PY) -m pip install -q uv==1.0", True),
        ("\t@$(UV) pip sync -q requirements.lock", True),
        ("RUN /opt/pip/bin/pip --disable-pip-version-check install x", True),
        ('command = [sys.executable, "-m", "pip", "install", "--quiet"]', True),
        ('_uv("pip", "sync", str(lock))', True),
        ("pip install --require-hashes -r x", False),
        ("# pip installs uv", False),
        ("the build needs Go, and pip could not install it", False),
    ],
)
def test_an_installation_without_hashes_would_be_seen(line: str, seen: bool) -> None:
    assert bool(unproven(line)) is seen


def actions(node: Any) -> Iterator[str]:
    """Yield what a workflow uses, and the images of its containers."""
    if isinstance(node, dict):
        for key, value in cast("dict[str, Any]", node).items():
            if key in {"uses", "image"} and isinstance(value, str):
                yield value
            if key != "outputs":
                yield from actions(value)
    if isinstance(node, list):
        for item in cast("list[Any]", node):
            yield from actions(item)


def templates() -> list[Path]:
    return [path for path in tracked() if shown(path).startswith("templates/") and path.suffix in {".yml", ".yaml"}]


def test_an_action_is_named_by_its_commit_and_its_version_stands_beside_it() -> None:
    used = [value for document in yaml.safe_load_all(WORKFLOW.read_text("utf-8")) for value in actions(document)]
    assert used
    assert [value for value in used if not PINNED_ACTION.fullmatch(value)] == []
    lines = [line for line in WORKFLOW.read_text("utf-8").splitlines() if "uses:" in line]
    assert [line for line in lines if not VERSION.search(line)] == []


def test_an_image_is_named_by_its_digest() -> None:
    assert {GITLAB, WORKFLOW} <= set(templates())
    for path in templates():
        images = [value for document in yaml.safe_load_all(path.read_text("utf-8")) for value in actions(document)]
        wrong = [image for image in images if not (PINNED_IMAGE.fullmatch(image) or PINNED_ACTION.fullmatch(image))]
        assert wrong == [], shown(path)


@pytest.mark.parametrize("used", ["actions/checkout@v4", "actions/checkout@main", "actions/checkout@34e1148", "a/b"])
def test_an_action_by_its_tag_would_be_seen(used: str) -> None:
    assert not PINNED_ACTION.fullmatch(used)
    assert not PINNED_IMAGE.fullmatch(used)
