"""Servers as strangers bring them (examples/servers): a folder each, deployed as it stands."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from models.entry import CatalogueEntry
from models.resolve import resolve
from models.stack import StackSettings
from tests.contracts.examples import FOLDER, NAMES
from tests.declared import Declared, Objects, declared
from tests.recording import PROJECT
from tests.samples import accepted

USER = re.compile(r"^USER (.*)$", re.MULTILINE)
DIGEST = re.compile(r"[a-z0-9.:/-]+@sha256:[0-9a-f]{64}")
EXPECTED = {
    "bentoml", "fastapi", "flask", "grpc", "home", "litserve", "mlserver", "prebuilt", "ray-serve", "streams", "triton",
    "vllm", "vllm-simulator",
}  # fmt: skip
NAMED = {"prebuilt", "triton", "vllm"}
"""Run an image that somebody else built."""


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
    assert set(NAMES) == EXPECTED


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_built_from_its_own_folder_or_named_by_digest_and_gets_nothing_of_ours(name: str) -> None:
    for image in read(FOLDER / name / f"{name}.yaml")["images"].values():
        if name in NAMED:
            assert DIGEST.fullmatch(image["reference"])
            assert not (FOLDER / name / "Dockerfile").exists()
        else:
            assert (PROJECT / image["context"] / "Dockerfile").is_file()
            assert PROJECT / image["context"] == FOLDER / name
    containers = [container for one in pods(name) for container in one["containers"]]
    assert containers
    given = [variable["name"] for container in containers for variable in container["env"]]
    assert not [variable for variable in given if variable.startswith("SLIPWAY_")]
    assert not [config for config in run(name).of_kind("ConfigMap") if "settings.json" in config.inputs["data"]]


@pytest.mark.parametrize("name", sorted(EXPECTED - NAMED))
def test_a_number_is_the_user_of_an_image_that_an_entry_keeps(name: str) -> None:
    users = USER.findall((FOLDER / name / "Dockerfile").read_text("utf-8"))
    for service in read(FOLDER / name / f"{name}.yaml")["services"].values():
        assert (service.get("user") == "image") == bool(users)
    assert all(user.isdecimal() and user != "0" for user in users)


@pytest.mark.parametrize("name", sorted(EXPECTED - {"streams"}))  # its answers take as long as their clients like
def test_both_environments_of_an_example_release_by_a_gate_that_judges_errors_and_latency(name: str) -> None:
    described = accepted(CatalogueEntry, read(FOLDER / name / f"{name}.yaml"))
    assert set(described.environments) == {"dev", "prod"}
    (service,) = described.services
    for environment in described.environments:
        gate = described.service_in(environment, service).release.gate
        assert gate.errors is not None
        assert gate.latency is not None


def test_the_metrics_of_a_port_of_their_own_are_where_no_service_leads() -> None:
    ports = {"grpc": 9100, "mlserver": 8082, "ray-serve": 8080, "triton": 8002}
    for name, port in ports.items():
        (container,) = pod(name)["containers"]
        assert {"name": "management", "containerPort": port} in container["ports"]
        exposed = [
            one["targetPort"] for service in run(name).of_kind("Service") for one in service.inputs["spec"]["ports"]
        ]
        assert "management" not in exposed


def test_grpc_is_asked_by_the_standard_health_service() -> None:
    (container,) = pod("grpc")["containers"]
    asked = [container[f"{kind}Probe"]["grpc"] for kind in ("startup", "readiness", "liveness")]
    assert asked == [{"port": 50051, "service": "iris.v1.Classifier"}] * 2 + [{"port": 50051}]


def test_a_home_is_a_bounded_volume_and_its_variable() -> None:
    for name in ("home", "prebuilt", "bentoml", "vllm", "triton"):
        (container,) = pod(name)["containers"]
        values = {variable["name"]: variable.get("value") for variable in container["env"]}
        assert values["HOME"] in {mount["mountPath"] for mount in container["volumeMounts"]}


@pytest.mark.parametrize(("name", "memory"), [("triton", "2Gi"), ("vllm", "8Gi")])
def test_a_server_on_gpus_has_twenty_minutes_to_start_shared_memory_and_its_gpu(name: str, memory: str) -> None:
    spec = pod(name)
    (container,) = spec["containers"]
    startup = container["startupProbe"]
    assert startup["periodSeconds"] * startup["failureThreshold"] >= 20 * 60
    (deployment,) = run(name).of_kind("Deployment")
    assert deployment.inputs["spec"]["progressDeadlineSeconds"] > 20 * 60
    paths = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    shared = [volume["emptyDir"] for volume in spec["volumes"] if paths[volume["name"]] == "/dev/shm"]  # noqa: S108
    assert shared == [{"medium": "Memory", "sizeLimit": memory}]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "1"


def test_the_weights_of_vllm_are_on_a_claim_that_its_pods_share() -> None:
    (claim,) = run("vllm").of_kind("PersistentVolumeClaim")
    assert claim.inputs["spec"]["accessModes"] == ["ReadWriteMany"]
    (container,) = pod("vllm")["containers"]
    values = {variable["name"]: variable.get("value") for variable in container["env"]}
    assert values["HF_HOME"] in {mount["mountPath"] for mount in container["volumeMounts"]}
    assert "HF_TOKEN" in values


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
