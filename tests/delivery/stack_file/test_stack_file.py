"""The stack file: what a driver writes into it, and everything else of it, which stays as it is byte for byte."""

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from delivery.errors import DeliveryError
from delivery.stack_file import yaml_edit
from delivery.stack_file.document import document
from delivery.stack_file.stack_file import StackFile
from models.delivery import ServiceDelivery
from models.release import ServiceRelease
from tests.delivery.world import SERVICE, World, world
from tests.recording import PROJECT
from tests.samples import IMAGE, OTHER_IMAGE, Config, accepted

COMMENTED = f"""\
# top
config:
  # why this cluster
  slipway:system: {{entry: web, environment: prod}}   # inline
  slipway:cluster: {{context: none, prometheusUrl: "http://none:9090"}}
  slipway:release:
    # about web
    web:
      # blue since incident 42, do not remove before 2027
      live: blue
      slots:
        blue: {{image: "{IMAGE}"}}   # signed by ann
    # trailing comment under release
  other:key:
    - a
    - b: |
        multi
        line
"""
RELEASE = accepted(
    ServiceRelease, {"live": "blue", "slots": {"blue": {"image": IMAGE}, "green": {"image": OTHER_IMAGE}}, "weight": 20}
)
AFTER = accepted(ServiceRelease, {"live": "green", "slots": {"green": {"image": OTHER_IMAGE}}})
HELD: Config = {"image": OTHER_IMAGE, "reason": "leaks: Zürich, #1", "by": "ann", "at": "2026-11-21T14:02:00Z"}
DELIVERY = accepted(ServiceDelivery, {"holds": [HELD]})


def comments(text: str) -> list[str]:
    return re.findall(r"(?<!\S)#.*", text)


def file(folder: Path, text: str | bytes) -> StackFile:
    path = folder / "Pulumi.prod.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return StackFile(path)


def others(text: str) -> Config:
    """All values of a stack file that are not the service's."""
    content: Config = yaml.safe_load(text) or {}
    config: Config = content.get("config") or {}
    for key in ("slipway:release", "slipway:delivery"):
        section: Config = config.pop(key, None) or {}
        config[key] = {name: value for name, value in section.items() if name != SERVICE}
    return {**content, "config": config}


def read_back(made: StackFile) -> tuple[object, object]:
    """What another program reads there for the service."""
    config = yaml.safe_load(made.path.read_bytes())["config"]
    release = accepted(ServiceRelease, config["slipway:release"][SERVICE])
    return release, accepted(ServiceDelivery, config["slipway:delivery"][SERVICE])


@pytest.mark.usefixtures("at_once")
def test_a_whole_release_keeps_each_comment_the_mode_and_what_is_not_its_own(tmp_path: Path) -> None:
    given: World = world(tmp_path)
    made = file(tmp_path, COMMENTED)
    made.path.chmod(0o600)
    assert given.released().result == "promoted"
    text = made.path.read_text("utf-8")
    assert sorted(comments(text)) == sorted(comments(COMMENTED))
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    head, tail = COMMENTED.partition("    # about web")[0], COMMENTED.partition("  other:key:")[2]
    assert text.startswith(head)
    assert f"  other:key:{tail}" in text


def test_an_edit_stands_where_the_value_stood(tmp_path: Path) -> None:
    made = file(tmp_path, COMMENTED)
    made.write(SERVICE, RELEASE, ServiceDelivery())
    expected = COMMENTED.replace(
        "   # signed by ann\n",
        f"   # signed by ann\n        green:\n          image: {OTHER_IMAGE}\n      weight: 20\n",
    )
    assert made.path.read_text() == f"{expected}  slipway:delivery:\n    web: {{}}\n"
    made.write(SERVICE, AFTER, ServiceDelivery())
    assert "live: green\n" in made.path.read_text()
    assert "      slots:\n        # signed by ann\n        green:\n" in made.path.read_text()


@pytest.mark.parametrize(
    "text",
    [
        "config: {}",
        "config:",
        "config:\n",
        "",
        "# only a comment",
        "encryptionsalt: v1:x\n",
        "---\nconfig:\n  other: 1\n...\n",
        "config: {other: [1, 2], slipway:release: {}} # end",
        "config:\n  slipway:release: {web: {slots: {blue: {image: x}}}, api: {live: blue}} # two\n",
        "config:\n  slipway:release:\n    # none yet\n  other: 1 # end\n",
        """\
config:
    slipway:release:
        web:   # four
            live: 'blue'   # quoted
            slots: {}
""",
        """\
config:
  slipway:release:
    web:
      slots:
        blue: # b
          # c
          image: x # d
""",
        """\
base: &base
  image: x
config:
  slipway:release:
    web:
      slots:
        blue: *base
        green: {<<: *base}
  z: *base
""",
        """\
base: &base {minReplicas: 1}
config:
  slipway:release:
    web:
      slots:
        blue: {<<: *base, image: x}
""",
        """\
config:
  slipway:delivery:
    web:
      holds:
      # first
      - image: a # one
      - image: b
  last: |+
    kept

""",
        "config:\n  ? slipway:release\n  : web:\n      live: green\n  'quoted: key': \"#no comment\"\n",
    ],
)
@pytest.mark.parametrize("eol", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_whatever_a_person_wrote_there_is_kept(tmp_path: Path, text: str, eol: str, mark: str) -> None:
    given = mark + text.replace("\n", eol)
    made = file(tmp_path, given)
    for release, delivery in ((RELEASE, DELIVERY), (AFTER, ServiceDelivery()), (AFTER, ServiceDelivery())):
        made.write(SERVICE, release, delivery)
        assert read_back(made) == (release, delivery)
    written = made.path.read_bytes().decode()
    assert others(written) == others(text)
    assert sorted(comments(written)) == sorted(comments(given))
    assert written.startswith(mark)
    assert eol not in given or eol == "\n" or "\n" not in written.replace("\r\n", "")


def test_a_merged_value_stays_when_another_value_of_its_map_changes() -> None:
    tree = document(b"a: &a {k: 1}\nb: {<<: *a, i: 2}\n", "Pulumi.prod.yaml")
    changed = {**tree.data, "b": {"k": 1, "i": 3}}
    assert yaml_edit.rewritten(tree, changed).data == changed


def test_a_comment_stays_with_the_block_that_it_ends(tmp_path: Path) -> None:
    made = file(tmp_path, COMMENTED.partition("  other:key")[0])
    made.write(SERVICE, RELEASE, ServiceDelivery())
    assert "    # trailing comment under release\n  slipway:delivery:\n" in made.path.read_text()


def test_a_file_without_a_final_line_end_stays_so(tmp_path: Path) -> None:
    made = file(tmp_path, COMMENTED.rstrip("\n"))
    made.write(SERVICE, RELEASE, DELIVERY)
    assert not made.path.read_text("utf-8").endswith("\n")
    assert read_back(made) == (RELEASE, DELIVERY)


def test_a_link_stays_a_link_and_its_target_keeps_its_mode(tmp_path: Path) -> None:
    target = tmp_path / "stacks" / "prod.yaml"
    target.parent.mkdir()
    target.write_text(COMMENTED)
    target.chmod(0o640)
    link = tmp_path / "Pulumi.prod.yaml"
    link.symlink_to(Path("stacks", "prod.yaml"))
    StackFile(link).write(SERVICE, RELEASE, DELIVERY)
    assert link.readlink() == Path("stacks", "prod.yaml")
    assert "weight: 20" in target.read_text("utf-8")
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert [path.name for path in target.parent.iterdir()] == ["prod.yaml"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["Pulumi.prod.yaml", "stacks"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody")
def test_the_owner_stays(tmp_path: Path) -> None:
    made = file(tmp_path, COMMENTED)
    os.chown(made.path, 12345, 12346)
    made.path.chmod(0o2660)
    made.write(SERVICE, RELEASE, DELIVERY)
    found = made.path.stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (12345, 12346, 0o2660)


def test_the_file_is_utf_8_whatever_the_locale_is(tmp_path: Path) -> None:
    made = file(tmp_path, COMMENTED + "  city: Zürich\n")
    program = (
        "import sys; from pathlib import Path; from delivery.stack_file.stack_file import StackFile\n"
        "from models.delivery import ServiceDelivery; from models.release import BUILT\n"
        "made = StackFile(Path(sys.argv[1])); made.write('web', BUILT, ServiceDelivery())\n"
    )
    own = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [sys.executable, "-c", program, made.path], cwd=PROJECT, env=own, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "  city: Zürich\n".encode() in made.path.read_bytes()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            b"config:\n  a: 1\n  a: 2\n",
            r"Pulumi\.prod\.yaml, line 3, config\.a: not valid YAML: the key occurs twice",
        ),
        (b"config:\n  a: 1\n\tb: 2\n", r"Pulumi\.prod\.yaml, line 3: not valid YAML: a tab; use spaces"),
        ("config:\n  a: Zürich\n".encode("latin-1"), r"Pulumi\.prod\.yaml, line 2: not UTF-8; save the file as UTF-8"),
        (b"a: &a [*a]\n", r"Pulumi\.prod\.yaml, line 1, a\.0: not valid YAML: the alias \*a is inside its own anchor"),
        (
            b"a: " + b"[" * 3000 + b"]" * 3000,
            r"Pulumi\.prod\.yaml, line 1, .*: nested deeper than 64 levels",
        ),
        (b"- config\n", r"Pulumi\.prod\.yaml, line 1: must be a map of keys and values; found a list"),
        (b"a: 1\n---\nb: 2\n", r"Pulumi\.prod\.yaml, line 2: not valid YAML: a second document begins"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line_and_stays_as_it_is(tmp_path: Path, content: bytes, said: str) -> None:
    made = file(tmp_path, content)
    for act in (made.values, lambda: made.write(SERVICE, RELEASE, DELIVERY)):
        with pytest.raises(DeliveryError, match=f"^{said}[^\n]*$"):
            act()
    assert made.path.read_bytes() == content


def test_values_that_an_anchor_ties_together_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    text = "config:\n  slipway:release:\n    web: {live: blue, slots: &s {blue: {image: x}}}\n  copy: *s\n"
    made = file(tmp_path, text)
    with pytest.raises(DeliveryError, match="the values that slipway writes are tied to other values by an anchor"):
        made.write(SERVICE, RELEASE, DELIVERY)
    assert made.path.read_text() == text


def test_encrypted_values_are_hidden_from_the_driver_and_kept(tmp_path: Path) -> None:
    text = "config:\n  slipway:secrets:\n    a: {values: {K: {secure: v1:abc}}}\n"
    made = file(tmp_path, text)
    assert made.values()["secrets"] == {"a": {"values": {"K": "{}"}}}
    made.write(SERVICE, RELEASE, DELIVERY)
    assert made.path.read_text("utf-8").startswith(text)
