"""Servers as strangers bring them (examples/servers): a folder each, deployed as it stands."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from models.entry import CatalogueEntry
from models.resolve import resolve
from models.stack import StackSettings
from tests.declared import Declared, Objects, declared
from tests.recording import PROJECT
from tests.samples import accepted

FOLDER = PROJECT / "examples" / "servers"
NAMES = sorted(path.name for path in FOLDER.iterdir() if path.is_dir())


def read(path: Path) -> Any:
    return json.loads(json.dumps(yaml.safe_load(path.read_text("utf-8"))))


def run(name: str) -> Objects[Declared]:
    config = read(FOLDER / name / f"Pulumi.{name}-dev.yaml")["config"]
    settings = {key.removeprefix("slipway:"): value for key, value in config.items()}
    described = accepted(CatalogueEntry, read(FOLDER / name / f"{name}.yaml"))
    return declared(resolve(accepted(StackSettings, settings), described))


def pods(name: str) -> list[dict[str, Any]]:
    return [deployment.inputs["spec"]["template"]["spec"] for deployment in run(name).of_kind("Deployment")]


def pod(name: str) -> dict[str, Any]:
    (only,) = pods(name)
    return only


def test_there_are_examples() -> None:
    assert {"fastapi", "flask", "streams"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_built_from_its_own_folder_and_gets_nothing_of_ours(name: str) -> None:
    images = read(FOLDER / name / f"{name}.yaml")["images"]
    for image in images.values():
        assert (PROJECT / image["context"] / "Dockerfile").is_file()
        assert PROJECT / image["context"] == FOLDER / name
    containers = [container for one in pods(name) for container in one["containers"]]
    assert containers
    given = [variable["name"] for container in containers for variable in container["env"]]
    assert not [variable for variable in given if variable.startswith("SLIPWAY_")]
    assert not [config for config in run(name).of_kind("ConfigMap") if "settings.json" in config.inputs["data"]]


def test_flask_has_no_user_and_gets_ours() -> None:
    assert "USER " not in (FOLDER / "flask" / "Dockerfile").read_text()
    assert pod("flask")["securityContext"]["runAsUser"] == 10001


def test_fastapi_keeps_its_user_and_its_workers_share_a_folder_for_their_numbers() -> None:
    assert "USER 1001\n" in (FOLDER / "fastapi" / "Dockerfile").read_text()
    spec = pod("fastapi")
    assert "runAsUser" not in spec["securityContext"]
    (container,) = spec["containers"]
    values = {variable["name"]: variable["value"] for variable in container["env"]}
    assert values["PROMETHEUS_MULTIPROC_DIR"] in {mount["mountPath"] for mount in container["volumeMounts"]}
    asked = [container[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "readiness", "liveness")]
    assert asked == ["/health"] * 3


def test_the_servers_of_streams_are_told_how_long_they_may_drain() -> None:
    drained = {}
    for deployment in run("streams").of_kind("Deployment"):
        spec = deployment.inputs["spec"]["template"]["spec"]
        (container,) = spec["containers"]
        values = {variable["name"]: variable["value"] for variable in container["env"]}
        drained[deployment.object_name] = values["DRAIN_SECONDS"], spec["terminationGracePeriodSeconds"]
    assert drained == {"words-blue": ("120", 130), "rpc-blue": ("50", 60)}
