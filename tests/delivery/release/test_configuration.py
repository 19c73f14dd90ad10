"""`slipway` reads the configuration that `pulumi up` gets, wherever it is written."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from delivery.errors import DeliveryError, Unreadable
from delivery.release.configuration import Setting
from delivery.release.service import Service
from delivery.release.size_limit import refuse_oversized
from delivery.release.stack import Stack
from models.errors import ConfigurationError
from tests.samples import IMAGE, PLANTED, Config, entry, service

SYSTEM: Config = {"entry": "shop", "environment": "prod"}
CLUSTER: Config = {"context": "prod"}
RELEASE: Config = {"web": {"slots": {"blue": {"image": IMAGE}}}}
TRACING: Config = {"url": "http://traces.example.com:4318", "networks": ["192.0.2.0/24"]}
SECRET: Config = {"secure": "v1:abc:def"}


@dataclass
class Pulumi:
    """Answers with a configuration, and counts the questions."""

    config_now: dict[str, Setting] | None = None
    asked: list[str] = field(default_factory=list[str])

    def config(self) -> dict[str, Setting]:
        self.asked.append("config")
        if self.config_now is None:
            raise DeliveryError("stack prod: passphrase must be set")
        return self.config_now


class Project:
    """A project with one stack."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.pulumi = folder, Pulumi()
        (folder / "catalog").mkdir()
        shop = entry(services={"web": service()}, environments={"dev": {}, "prod": {}})
        (folder / "catalog/shop.yaml").write_text(yaml.safe_dump(shop))

    def write(self, project: Config | None = None, top: Config | None = None, **config: object) -> Stack:
        """Write both files, and open the stack."""
        if project is not None:
            (self.folder / "Pulumi.yaml").write_text(
                yaml.safe_dump({"name": "slipway", "runtime": "python", **project})
            )
        given = {"system": SYSTEM, "cluster": CLUSTER, "release": RELEASE, **config}
        values = {f"slipway:{key}": value for key, value in given.items() if value is not None}
        folder = self.folder / str((project or {}).get("stackConfigDir", "."))
        folder.mkdir(exist_ok=True)
        (folder / "Pulumi.prod.yaml").write_text(yaml.safe_dump({**(top or {}), "config": values}))
        stack = Stack.open(self.folder, "prod")
        stack.__dict__["engine"] = self.pulumi
        return stack

    def answers(self, *secret: str, **config: object) -> None:
        """Let Pulumi say this, as text; these keys are stored encrypted."""
        given = {"system": SYSTEM, "cluster": CLUSTER, "release": RELEASE, **config}
        self.pulumi.config_now = {
            f"slipway:{key}": Setting(json.dumps(value), secret=key in secret) for key, value in given.items()
        }


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_an_ordinary_file_is_read_without_pulumi(project: Project) -> None:
    stack = project.write({}, tracing=TRACING, secrets={"login": {"values": {"KEY": SECRET}}})
    settings = stack.settings()
    assert settings.tracing is not None
    assert project.pulumi.asked == []


def test_a_value_that_is_stored_as_json_text_is_a_map(project: Project) -> None:
    """``pulumi config set slipway:tracing '{"url": …}'`` stores text."""
    settings = project.write(tracing=json.dumps(TRACING)).settings()
    assert settings.tracing is not None
    assert settings.tracing.url == TRACING["url"]
    assert project.pulumi.asked == []


@pytest.mark.parametrize(
    ("shared", "top", "config"),
    [
        pytest.param({"config": {"slipway:tracing": {"value": TRACING}}}, {}, {}, id="project"),
        pytest.param({"config": {"tracing": {"type": "object", "default": TRACING}}}, {}, {}, id="project's own key"),
        pytest.param({}, {"environment": ["shop/prod"]}, {}, id="ESC environment"),
        pytest.param({}, {}, {"tracing": SECRET}, id="encrypted as a whole"),
        pytest.param({}, {}, {"tracing": {**TRACING, "url": SECRET}}, id="encrypted in part"),
        pytest.param({}, {}, {"tracing": TRACING, "secrets": SECRET}, id="all secrets encrypted"),
    ],
)
def test_what_the_file_does_not_tell_is_asked_of_pulumi(
    project: Project, shared: Config, top: Config, config: Config
) -> None:
    stack = project.write(shared, top, **config)
    project.answers(tracing=TRACING)
    settings = stack.settings()
    assert settings.tracing is not None
    assert settings.tracing.url == TRACING["url"]
    assert project.pulumi.asked == ["config"]


def test_what_slipway_writes_is_read_from_the_file_and_no_reason_to_ask_again(project: Project) -> None:
    stack = project.write({}, {"environment": ["shop/prod"]})
    project.answers(tracing=TRACING)
    assert stack.settings().release["web"].weight == 0
    file = stack.file.path
    file.write_text(file.read_text().replace("web:", "web:\n      weight: 100", 1).replace("blue:", "blue: &b", 1))
    changed = yaml.safe_load(file.read_text())
    changed["config"]["slipway:release"]["web"] = {
        "slots": {"blue": {"image": IMAGE}, "green": {"image": IMAGE}}, "weight": 30,
    }  # fmt: skip
    file.write_text(yaml.safe_dump(changed))
    assert stack.settings().release["web"].weight == 30
    assert project.pulumi.asked == ["config"]
    changed["config"]["slipway:cluster"] = {"context": "other"}
    file.write_text(yaml.safe_dump(changed))
    stack.settings()
    assert project.pulumi.asked == ["config", "config"]


def test_what_pulumi_cannot_read_is_its_one_line(project: Project) -> None:
    stack = project.write(tracing=SECRET)
    with pytest.raises(Unreadable, match=r"^stack prod: passphrase must be set$"):
        stack.settings()


def test_a_value_that_pulumi_decrypted_is_in_no_message(project: Project) -> None:
    stack = project.write(tracing={**TRACING, "url": SECRET}, source=5)
    project.answers("tracing", tracing={**TRACING, "url": f"u:{PLANTED}@db"}, source="not a name!")
    with pytest.raises(Unreadable) as raised:
        stack.settings()
    encrypted, other = sorted(str(raised.value).splitlines())
    assert encrypted.startswith("Pulumi.prod.yaml, line ")
    assert encrypted.endswith(
        ": slipway:tracing.url: the encrypted value is not valid; "
        "check it with: pulumi config get --path 'slipway:tracing.url'"
    )
    assert "not a name!" in other


def test_an_environment_may_not_hold_what_slipway_writes(project: Project) -> None:
    stack = project.write({}, {"environment": ["shop/prod"]}, release=None)
    project.answers()
    with pytest.raises(Unreadable, match=r"ESC environment: slipway:release: must be a map in the stack file"):
        stack.settings()


def test_a_key_that_the_file_loses_does_not_come_back(project: Project) -> None:
    stack = project.write({}, {"environment": ["shop/prod"]})
    project.answers(tracing=TRACING)
    assert stack.settings().release
    file = stack.file.path
    left = yaml.safe_load(file.read_text())
    del left["config"]["slipway:release"]
    file.write_text(yaml.safe_dump(left))
    assert not stack.settings().release


@pytest.mark.parametrize("top", [{"environment": ["other/prod"]}, {}])
def test_another_environment_or_another_secret_is_a_reason_to_ask_again(project: Project, top: Config) -> None:
    stack = project.write({}, {"environment": ["shop/prod"]}, tracing=SECRET)
    project.answers(tracing=TRACING)
    stack.settings()
    changed = {**yaml.safe_load(stack.file.path.read_text()), **top}
    if not top:
        changed["config"]["slipway:tracing"] = {"secure": "v1:other"}
    stack.file.path.write_text(yaml.safe_dump(changed))
    stack.settings()
    assert len(project.pulumi.asked) == 2


def test_the_size_limit_counts_what_pulumi_passes_from_elsewhere(project: Project) -> None:
    stack = project.write({}, {"environment": ["shop/prod"]})
    project.answers(externals={f"s{number}": {"url": f"https://{'a' * 50}.example.com"} for number in range(1500)})
    web = Service(stack, "web")
    with pytest.raises(DeliveryError, match="most of it in slipway:externals"):
        refuse_oversized(web, web.release(), web.record())


def test_stack_files_in_a_folder_of_their_own_are_found(project: Project) -> None:
    stack = project.write({"stackConfigDir": "stacks"})
    assert stack.file.path == project.folder / "stacks/Pulumi.prod.yaml"
    assert stack.settings().release["web"].slots["blue"].image == IMAGE
    with pytest.raises(DeliveryError, match=r"^prodd: no such stack \(prod\)"):
        Stack.open(project.folder, "prodd")


def test_a_revision_that_a_stack_file_in_its_own_folder_names_is_kept(project: Project) -> None:
    stack = project.write({"stackConfigDir": "stacks"})
    (project.folder / "revisions").mkdir()
    kept, free = ("a1" * 8, "b2" * 8)
    for name in (kept, free):
        (project.folder / f"revisions/{name}.yaml").write_text("x: 1\n")
    other = project.folder / "stacks/Pulumi.other.yaml"
    other.write_text(f"config:\n  slipway:release:\n    web: {{slots: {{blue: {{revision: {kept}}}}}}}\n")
    stack.revisions.drop([kept, free])
    assert [path.stem for path in (project.folder / "revisions").iterdir()] == [kept]


@pytest.mark.parametrize(
    ("shared", "config", "where"),
    [
        ({}, {"release": json.dumps(RELEASE)}, "slipway:release"),
        ({}, {"release": SECRET}, "Pulumi.prod.yaml, line 4: slipway:release"),
        ({"config": {"slipway:delivery": {"value": {}}}}, {}, "Pulumi.yaml: slipway:delivery"),
    ],
)
def test_what_slipway_writes_is_refused_where_it_cannot_be_edited(
    project: Project, shared: Config, config: Config, where: str
) -> None:
    """Otherwise the first write would lose the other services."""
    stack = project.write(shared, **config)
    with pytest.raises(Unreadable) as raised:
        stack.settings()
    assert str(raised.value) == (
        f"{where}: must be a map in the stack file, because slipway edits it there; move its values into a map"
    )


def test_a_project_file_that_is_no_yaml_is_one_line(project: Project) -> None:
    project.write({})
    (project.folder / "Pulumi.yaml").write_text("name: slipway\nconfig: {\n")
    with pytest.raises(ConfigurationError, match=r"^Pulumi\.yaml, line \d: not valid YAML"):
        Stack.open(project.folder, "prod")


@pytest.mark.parametrize(("config", "folder"), [("stacks", "stacks"), (None, ".")])
def test_the_older_spelling_of_the_folder_is_read(project: Project, config: object, folder: str) -> None:
    stack = project.write({"stackConfigDir": folder})
    (project.folder / "Pulumi.yaml").write_text(yaml.safe_dump({"name": "slipway", "config": config}))
    assert Stack.open(project.folder, "prod").file.path == stack.file.path


def test_a_project_file_whose_configuration_is_a_list_is_one_line(project: Project) -> None:
    project.write({})
    (project.folder / "Pulumi.yaml").write_text("name: slipway\nconfig:\n- {a: 1}\n")
    with pytest.raises(ConfigurationError, match=r"^Pulumi\.yaml: config: must be a map of keys and values$"):
        Stack.open(project.folder, "prod")
