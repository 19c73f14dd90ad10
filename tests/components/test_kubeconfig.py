"""The kubeconfig of one context: read as client-go reads the user's own files, and kept from others."""

import stat
from pathlib import Path

import pytest
import yaml

from components.kubeconfig import extracted, path_of, write
from models.errors import ConfigurationError
from tests.samples import Config

HERE: Config = {
    "contexts": [{"name": "prod", "context": {"cluster": "eu", "user": "ann", "namespace": "shop"}}],
    "clusters": [{"name": "eu", "cluster": {"server": "https://eu.example.com", "certificate-authority": "ca.crt"}}],
    "users": [{"name": "ann", "user": {"client-certificate": "ann.crt", "client-key": "/keys/ann.key"}}],
}


def written(path: Path, content: Config | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return path


def renamed(content: Config, name: str) -> Config:
    return {**content, "contexts": [{**content["contexts"][0], "name": name}]}


def test_it_holds_one_context_under_a_name_of_its_own_and_absolute_paths(tmp_path: Path) -> None:
    other = {"name": "other", "context": {"cluster": "us", "user": "bob"}}
    file = written(tmp_path / "config", {**HERE, "contexts": [other, *HERE["contexts"]]})
    assert extracted("prod", [file]) == {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "slipway",
        "contexts": [{"name": "slipway", "context": {"cluster": "slipway", "user": "slipway", "namespace": "shop"}}],
        "clusters": [
            {
                "name": "slipway",
                "cluster": {"server": "https://eu.example.com", "certificate-authority": f"{tmp_path}/ca.crt"},
            }
        ],
        "users": [
            {
                "name": "slipway",
                "user": {"client-certificate": f"{tmp_path}/ann.crt", "client-key": "/keys/ann.key"},
            }
        ],
    }


def test_a_renamed_context_gives_the_same_file(tmp_path: Path) -> None:
    before, after = (written(tmp_path / "a", HERE), written(tmp_path / "b", renamed(HERE, "prd")))
    assert extracted("prod", [before]) == extracted("prd", [after])


def test_the_first_file_that_names_something_wins_and_each_files_paths_are_relative_to_it(tmp_path: Path) -> None:
    contexts = written(tmp_path / "one" / "config", {"contexts": HERE["contexts"], "clusters": None})
    first = written(tmp_path / "two" / "config", {"clusters": HERE["clusters"], "users": HERE["users"]})
    last = written(tmp_path / "three" / "config", HERE)
    found = extracted("prod", [contexts, first, last])
    assert found["clusters"][0]["cluster"]["certificate-authority"] == f"{tmp_path}/two/ca.crt"
    assert found["users"][0]["user"]["client-certificate"] == f"{tmp_path}/two/ann.crt"


@pytest.mark.parametrize(
    ("command", "expected"), [("aws", "aws"), ("./bin/login", "{}/bin/login"), ("/bin/x", "/bin/x")]
)
def test_a_credential_program_is_found_where_client_go_finds_it(tmp_path: Path, command: str, expected: str) -> None:
    users = [{"name": "ann", "user": {"exec": {"command": command, "args": ["eks"], "env": None}}}]
    (user,) = extracted("prod", [written(tmp_path / "config", {**HERE, "users": users})])["users"]
    assert user["user"]["exec"] == {"command": expected.format(tmp_path), "args": ["eks"], "env": None}


def test_what_the_context_names_and_no_file_holds_is_one_line(tmp_path: Path) -> None:
    for kind, name in (("clusters", "eu"), ("users", "ann")):
        file = written(tmp_path / "config", {**HERE, kind: []})
        with pytest.raises(ConfigurationError) as raised:
            extracted("prod", [file])
        assert raised.value.faults == (
            (
                f"slipway:cluster.context: 'prod' names the {kind[:-1]} '{name}', which is not in the kubeconfig; "
                "add it, or correct the context"
            ),
        )


@pytest.mark.parametrize("damaged", [5, ["eu"], [{"name": "eu", "cluster": "https://eu.example.com"}]])
def test_a_damaged_list_is_one_line_with_its_file(tmp_path: Path, damaged: object) -> None:
    file = written(tmp_path / "config", {**HERE, "clusters": damaged})
    with pytest.raises(ConfigurationError) as raised:
        extracted("prod", [file])
    rule = "clusters must be a list of maps, each with a name and a cluster"
    assert raised.value.faults == (f"slipway:cluster.context: cannot read the kubeconfig {file}: {rule}",)


def test_a_context_may_do_without_a_user(tmp_path: Path) -> None:
    contexts = [{"name": "prod", "context": {"cluster": "eu"}}]
    file = written(tmp_path / "config", {"contexts": contexts, "clusters": HERE["clusters"]})
    assert extracted("prod", [file])["users"] == [{"name": "slipway", "user": {}}]


def test_the_file_is_its_owners_alone_and_is_replaced_as_a_whole(tmp_path: Path) -> None:
    config = written(tmp_path / "config", HERE)
    for context in ("prod", "prd"):
        written(config, renamed(HERE, context))
        write(tmp_path, "dev", context, [config])
        file = tmp_path / path_of("dev")
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert yaml.safe_load(file.read_text()) == extracted(context, [config])
    assert [path.name for path in file.parent.iterdir()] == ["dev"]


def test_copies_of_what_the_file_said_before_go_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    config, copy = written(tmp_path / "config", HERE), tmp_path / "kubeconfig1"
    write(tmp_path, "dev", "prod", [config])
    copy.write_text((tmp_path / path_of("dev")).read_text())
    moved = {**HERE, "clusters": [{"name": "eu", "cluster": {"server": "https://moved.example.com"}}]}
    write(tmp_path, "dev", "prod", [written(config, moved)])
    assert not copy.exists()
