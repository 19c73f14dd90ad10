"""What the program tells the model server is what the server understands; neither imports the other."""

import pytest

from components.manifests.settings import settings_file
from models.service import ServiceSpec
from serving.settings import Settings
from tests.contracts.cases import in_every_case
from tests.declared import Declared, Objects
from tests.samples import Config, accepted, service


def told(**blocks: object) -> Settings:
    spec = accepted(ServiceSpec, service(**blocks))
    content = settings_file(spec)
    assert content
    return Settings.model_validate_json(content.data["settings.json"])


LONG = {"preStop": "0s", "drain": "3600s", "grace": "3600s", "requestTimeout": "3600s"}


@in_every_case
def test_the_server_accepts_every_settings_file(run: Objects[Declared]) -> None:
    carried = [c for c in run.of_kind("ConfigMap") if "settings.json" in c.inputs["data"]]
    assert len(carried) >= len(run.of_kind("Deployment"))
    for config_map in carried:
        assert Settings.model_validate_json(config_map.inputs["data"]["settings.json"])


@pytest.mark.parametrize(
    "blocks",
    [
        {"server": {"queueLimit": 1, "logLevel": "debug", "topK": 1}},
        {"server": {"queueLimit": 10_000, "logLevel": "error", "topK": 1000}},
        {"drain": {"preStop": "0s", "drain": "1s", "grace": "1s", "requestTimeout": "1s"}},
        {"drain": LONG},
        {"model": {"name": "n" * 63, "uri": "file:///x", "path": "/m"}},
    ],
    ids=str,
)
def test_the_server_accepts_the_extremes_that_the_models_allow(blocks: Config) -> None:
    assert told(**blocks)


def test_the_server_is_told_every_setting_that_it_has() -> None:
    assert told().model_fields_set == set(Settings.model_fields)
