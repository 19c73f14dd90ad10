"""What must exist before the first resource: a kube context, and the folders of a build."""

import os
from pathlib import Path

import pytest
import yaml

from components.preflight import check
from models.entry import CatalogueEntry
from models.errors import ConfigurationError
from models.resolve import resolve
from models.stack import StackSettings
from models.system import SystemSpec
from tests.samples import Config, accepted, entry, put, service, stack


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a build context."""
    (tmp_path / "serving").mkdir()
    (tmp_path / "serving" / "Dockerfile").touch()
    return tmp_path


def spec(**image: object) -> SystemSpec:
    given = stack("dev", image={"registry": "localhost:5050", **image})
    return resolve(accepted(StackSettings, given), accepted(CatalogueEntry, entry()))


def resolved(given: Config, **changes: object) -> SystemSpec:
    return resolve(accepted(StackSettings, given), accepted(CatalogueEntry, entry(**changes)))


def faults(project: Path, given: SystemSpec | None = None) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as raised:
        check(given or spec(), project)
    return raised.value.faults


def write(path: Path, content: object) -> Path:
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return path


def contexts(*names: str) -> Config:
    return {"contexts": [{"name": name} for name in names]}


def test_everything_in_place_is_accepted(project: Path) -> None:
    check(spec(), project)


def test_the_context_may_be_in_any_of_the_files_that_kubeconfig_names(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [write(project / "a", contexts("other")), project / "missing", write(project / "b", contexts("prod"))]
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join(map(str, files)))
    check(spec(), project)


def test_without_the_variable_the_users_own_file_is_read(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBECONFIG")
    monkeypatch.setenv("HOME", str(project))
    (fault,) = faults(project)
    assert "(no file found)" in fault
    (project / ".kube").mkdir()
    write(project / ".kube" / "config", contexts("prod"))
    check(spec(), project)


@pytest.mark.parametrize("content", [contexts(), {"contexts": None}, {}, "", "kind: Config\n"])
def test_a_kubeconfig_without_contexts_is_no_accident(
    project: Path, monkeypatch: pytest.MonkeyPatch, content: object
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(write(project / "config", content)))
    (fault,) = faults(project)
    assert fault.startswith("slipway:cluster.context: 'prod' is not in the kubeconfig (searched ")


@pytest.mark.parametrize("content", ["[unclosed", "text", "- a\n", "contexts: 5\n", "contexts: [{nam: x}]\n"])
def test_a_kubeconfig_that_is_none_is_said_to_be_unreadable(
    project: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    file = write(project / "config", content)
    monkeypatch.setenv("KUBECONFIG", str(file))
    unreadable, missing = faults(project)
    assert unreadable.startswith(f"slipway:cluster.context: cannot read the kubeconfig {file}: ")
    assert "\n" not in unreadable
    assert missing.startswith("slipway:cluster.context: 'prod' is not in the kubeconfig")


def test_a_kubeconfig_of_bytes_is_said_to_be_unreadable(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "config").write_bytes(b"\xff\xfe")
    monkeypatch.setenv("KUBECONFIG", str(project / "config"))
    assert faults(project)[0].startswith("slipway:cluster.context: cannot read the kubeconfig")


def test_a_missing_dockerfile_is_refused(project: Path) -> None:
    (project / "serving" / "Dockerfile").unlink()
    (fault,) = faults(project)
    assert fault.startswith("catalog/shop.yaml: images.server: serving/Dockerfile does not exist in the project")


def test_missing_wheels_are_refused(project: Path) -> None:
    (fault,) = faults(project, spec(wheels="wheels"))
    assert fault.startswith("slipway:image.wheels: the folder wheels does not exist")
    (project / "wheels").mkdir()
    check(spec(wheels="wheels"), project)


def test_where_nothing_is_built_no_folder_is_needed(tmp_path: Path) -> None:
    given = put(stack("dev"), "release.web.slots.blue.image", f"server@sha256:{'5f0c' * 16}")
    check(resolve(accepted(StackSettings, given), accepted(CatalogueEntry, entry())), tmp_path)


def test_another_context_of_the_kubeconfig_is_no_replacement(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(write(project / "config", contexts("prd", "other"))))
    (fault,) = faults(project)
    assert fault.startswith("slipway:cluster.context: 'prod' is not in the kubeconfig (searched ")
    assert "they contain prd, other); did you mean 'prd'?" in fault


@pytest.mark.parametrize("value", ["", None])
def test_a_secrets_variable_must_be_set_and_hold_something(
    project: Path, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    given = {**stack(), "secrets": {"login": {"environment": {"API_KEY": "CI_API_KEY"}}}}
    system = resolved(given, secrets={"login": {"keys": ["API_KEY"]}})
    monkeypatch.delenv("CI_API_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("CI_API_KEY", value)
    (fault,) = faults(project, system)
    assert fault.startswith(
        "slipway:secrets.login.environment.API_KEY: the variable CI_API_KEY is unset or empty; set it"
    )


@pytest.mark.parametrize("value", [b"\xff\xfe", b"Z\xfcrich", b"key\xc3", b"\xed\xb3\xbf"])
def test_a_secrets_variable_must_be_utf_8(project: Path, monkeypatch: pytest.MonkeyPatch, value: bytes) -> None:
    given = {**stack(), "secrets": {"login": {"environment": {"API_KEY": "CI_API_KEY"}}}}
    system = resolved(given, secrets={"login": {"keys": ["API_KEY"]}})
    monkeypatch.setenv("CI_API_KEY", os.fsdecode(value))
    (fault,) = faults(project, system)
    assert fault.startswith(
        "slipway:secrets.login.environment.API_KEY: the variable CI_API_KEY has bytes that are not UTF-8 (the first at "
    )
    assert fault.endswith("a Secret's value must be UTF-8 text; encode it, for example with base64")
    monkeypatch.setenv("CI_API_KEY", "Zürich")
    check(system, project)


def test_what_no_config_map_can_hold_is_refused_before_anything_is_made(project: Path) -> None:
    many = {f"web-{n}": service() for n in range(80)}
    (fault,) = faults(project, resolved(stack(), services=many))
    assert fault.startswith("catalog/shop.yaml: services: the dashboard of 80 services takes ")
