"""The user's kubeconfig files are found, skipped, merged and refused as kubectl does.

Every expectation is what ``kubectl config view`` of Kubernetes 1.37 printed for the same files.
"""

import os
from pathlib import Path

import pytest
import yaml

from components.kubeconfig_files import merged, paths
from tests.each import each
from tests.samples import Config


def one(name: str, token: str) -> Config:
    return {
        "contexts": [{"name": name, "context": {"cluster": name, "user": "ann"}}],
        "clusters": [{"name": name, "cluster": {"server": f"https://{token}.example.com"}}],
        "users": [{"name": "ann", "user": {"token": token}}],
    }


def written(path: Path, content: Config | str | bytes) -> Path:
    raw = content if isinstance(content, str | bytes) else yaml.safe_dump(content, allow_unicode=True)
    path.write_bytes(raw if isinstance(raw, bytes) else raw.encode())
    return path


def tokens(files: list[Path]) -> list[str]:
    return [user.content["token"] for user in merged(files).items["users"].values()]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "\n",
        "# only a comment\n",
        "contexts: null\nclusters: null\nusers:\n",
        "{}",
        "kind: Config\n",
        "a: 1\n---\n- b\n",
    ],
)
def test_a_first_file_that_defines_nothing_is_skipped(tmp_path: Path, content: str) -> None:
    found = merged([written(tmp_path / "first", content), written(tmp_path / "next", one("prod", "t"))])
    assert (found.contexts, found.faults) == (["prod"], ())


def test_a_file_that_does_not_exist_is_skipped(tmp_path: Path) -> None:
    here = written(tmp_path / "config", one("prod", "t"))
    found = merged([tmp_path / "missing", here, tmp_path / "folder" / "missing"])
    assert (found.contexts, found.files, found.faults) == (["prod"], (here,), ())


def test_the_first_file_wins_for_each_name(tmp_path: Path) -> None:
    first, last = (written(tmp_path / name, one("prod", name)) for name in ("first", "last"))
    assert (tokens([first, last]), tokens([last, first])) == (["first"], ["last"])
    assert merged([last, first]).items["clusters"]["prod"].content == {"server": "https://last.example.com"}


def test_what_only_a_later_file_defines_is_added(tmp_path: Path) -> None:
    files = [written(tmp_path / name, one(name, name)) for name in ("eu", "us")]
    assert set(merged(files).contexts) == {"eu", "us"}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("text", "a kubeconfig must be a map"),
        ("- a\n", "a kubeconfig must be a map"),
        ("kind: Pod\n", "its kind must be Config, not 'Pod'"),
        ("contexts: 5\n", "contexts must be a list of maps, each with a name and a context"),
        ("users: [{name: 5}]\n", "users must be a list of maps, each with a name and a user"),
        ("clusters: [{name: eu, cluster: text}]\n", "clusters must be a list of maps, each with a name and a cluster"),
        (
            "contexts: [{name: p}, {name: p}]\n",
            "contexts must have different names, but two are 'p'; remove one of them",
        ),
        (b"contexts: [{name: Z\xfcrich}]\n", "invalid start byte"),
    ],
)
def test_a_file_that_kubectl_refuses_is_one_line(tmp_path: Path, content: str | bytes, why: str) -> None:
    other = written(tmp_path / "other", one("prod", "t"))
    found = merged([written(tmp_path / "config", content), other])
    (fault,) = found.faults
    assert fault.startswith(f"cannot read the kubeconfig {tmp_path}/config: ")
    assert why in fault
    assert "\n" not in fault
    assert found.contexts == ["prod"], "the others are read, so that a message can name their contexts"


def test_a_folder_is_one_line_and_so_is_a_path_through_a_file(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    file = written(tmp_path / "config", "")
    faults = merged([tmp_path / "folder", file / "below"]).faults
    assert faults == (
        f"cannot read the kubeconfig {tmp_path}/folder: Is a directory",
        f"cannot read the kubeconfig {tmp_path}/config/below: Not a directory",
    )


@pytest.mark.parametrize("name", ["Zürich", "東京", "a b"])
def test_a_name_is_utf_8_in_every_locale(tmp_path: Path, name: str) -> None:
    assert merged([written(tmp_path / name, one(name, "t"))]).contexts == [name]
    marked = written(tmp_path / "marked", b"\xef\xbb\xbf" + yaml.safe_dump(one(name, "t"), allow_unicode=True).encode())
    assert merged([marked]).contexts == [name]


@each(
    ("given", "expected"),
    [
        ("a:b", ["a", "b"]),
        ("a:b:a", ["a", "b"]),
        (":a::b:", ["a", "b"]),
        ("::", []),
        ("~/config", ["~/config"]),
        ("with space/config", ["with space/config"]),
    ],
)
def test_the_variable_is_a_list_without_expansion(given: str, expected: list[str]) -> None:
    assert os.pathsep == ":"
    assert paths({"KUBECONFIG": given}) == [Path(name) for name in expected]


def test_without_the_variable_it_is_the_file_in_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home folder")
    assert paths({}) == paths({"KUBECONFIG": ""}) == [Path("/home folder/.kube/config")]


def test_without_a_home_folder_there_is_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", none)
    assert paths({}) == []
