"""The server's settings file, and the ConfigMap that carries it."""

import json

from components.manifests.settings import Content, config_map_name, settings_file
from models.release import SlotRelease
from models.revision import Revision
from models.server import ServerSettings
from models.service import ServiceSpec
from tests.samples import accepted, service

SPEC = accepted(ServiceSpec, service(drain={"preStop": "6s", "drain": "31s", "grace": "45s", "requestTimeout": "29s"}))


def settings(**server: object) -> Content:
    release = SlotRelease(server=accepted(ServerSettings, server)) if server else SlotRelease()
    content = settings_file(SPEC.with_slot(Revision.of(SPEC, release).whole))
    assert content
    return content


def test_the_settings_file_holds_what_the_server_reads() -> None:
    assert json.loads(settings().data["settings.json"]) == {
        "modelName": "digits",
        "modelPath": "/models",
        "queueLimit": 64,
        "requestTimeoutSeconds": 29,
        "drainSeconds": 31,
        "logLevel": "info",
        "topK": 3,
        "variant": "float",
    }


def test_a_releases_settings_replace_the_entrys_and_nothing_else() -> None:
    own = settings(queueLimit=5, logLevel="debug", topK=1, variant="int8")
    read = json.loads(own.data["settings.json"])
    assert (read["queueLimit"], read["logLevel"], read["topK"], read["variant"]) == (5, "debug", 1, "int8")
    assert read["drainSeconds"] == 31


def test_other_settings_are_another_config_map_and_the_same_are_the_same() -> None:
    one, same, other = (settings(queueLimit=limit) for limit in (5, 5, 6))
    assert config_map_name("web", "blue", one) == config_map_name("web", "blue", same)
    assert config_map_name("web", "blue", one) != config_map_name("web", "blue", other)
    assert one.content_hash in config_map_name("web", "blue", one)


def test_two_slots_never_share_a_config_map() -> None:
    assert config_map_name("web", "blue", settings()) != config_map_name("web", "green", settings())
