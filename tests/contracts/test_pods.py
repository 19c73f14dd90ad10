"""What holds of every pod: it passes Pod Security *restricted*, starts truthfully, and holds no secret."""

import json
import re
from typing import Any

import pytest

from models.errors import SECRET_LOOKING
from models.quantity import parse
from tests.contracts.cases import CASES, Case, config_of, containers, pod
from tests.recording import Recorded, run_main
from tests.samples import put


def test_every_container_asks_for_and_is_limited_in_everything(run: Recorded) -> None:
    assert containers(run)
    for container in containers(run):
        resources = container["resources"]
        assert set(resources["requests"]) == set(resources["limits"]) >= {"cpu", "memory", "ephemeral-storage"}
        devices = {name: amount for name, amount in resources["requests"].items() if "/" in name}
        assert devices.items() <= resources["limits"].items(), "the API server refuses a device that is shared"
        assert all(parse(amount) <= parse(resources["limits"][key]) for key, amount in resources["requests"].items())


def test_every_image_is_named_by_digest(run: Recorded) -> None:
    for container in containers(run):
        assert re.fullmatch(r"[a-z0-9./:-]+/[a-z0-9/-]+@sha256:[0-9a-f]{64}", container["image"])


def test_pods_pass_the_restricted_standard(run: Recorded) -> None:
    for deployment in run.of_kind("Deployment"):
        spec = pod(deployment)["spec"]
        context = spec["securityContext"]
        assert context["runAsNonRoot"] is True
        assert context["runAsUser"] == context["runAsGroup"] == context["fsGroup"] >= 10000
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
        kinds = {kind for volume in spec["volumes"] for kind in volume if kind != "name"}
        assert kinds <= {"configMap", "emptyDir", "secret", "projected", "persistentVolumeClaim"}
        assert spec["automountServiceAccountToken"] is False


def test_containers_pass_the_restricted_standard(run: Recorded) -> None:
    for container in containers(run):
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["readOnlyRootFilesystem"] is True
        assert context["runAsNonRoot"] is True
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert not any("hostPort" in port for port in container.get("ports", []))


def test_every_server_has_its_three_probes_on_a_port_that_it_opens(run: Recorded) -> None:
    for deployment in run.of_kind("Deployment"):
        (server,) = pod(deployment)["spec"]["containers"]
        names = {port["name"] for port in server["ports"]}
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            assert server[probe]["httpGet"]["port"] in names
            assert server[probe]["httpGet"]["path"].startswith("/")
        environment = {variable["name"]: variable["value"] for variable in server["env"]}
        assert environment["PORT"] == str(server["ports"][0]["containerPort"])


def test_liveness_does_not_ask_what_readiness_asks(run: Recorded) -> None:
    for deployment in run.of_kind("Deployment"):
        (server,) = pod(deployment)["spec"]["containers"]
        ready, live, start = (
            server[f"{probe}Probe"]["httpGet"]["path"] for probe in ("readiness", "liveness", "startup")
        )
        assert ready == start, "traffic and liveness begin when the model is loaded"
        assert ready != live, "a draining server is not ready, and must not be killed for it"


def test_the_budgets_fit_into_one_another(run: Recorded) -> None:
    for deployment in run.of_kind("Deployment"):
        spec = pod(deployment)["spec"]
        (server,) = spec["containers"]
        settings = json.loads(run.one("ConfigMap", _config_map(spec)).inputs["data"]["settings.json"])
        startup = server["startupProbe"]["periodSeconds"] * server["startupProbe"]["failureThreshold"]
        stopping = server["lifecycle"]["preStop"]["sleep"]["seconds"] + settings["drainSeconds"]
        assert startup <= deployment.inputs["spec"]["progressDeadlineSeconds"]
        assert settings["requestTimeoutSeconds"] <= stopping <= spec["terminationGracePeriodSeconds"]


def _config_map(spec: dict[str, Any]) -> str:
    (name,) = [volume["configMap"]["name"] for volume in spec["volumes"] if "configMap" in volume]
    return name


def test_volumes_and_mounts_belong_together(run: Recorded) -> None:
    for deployment in run.of_kind("Deployment"):
        spec = pod(deployment)["spec"]
        volumes = {volume["name"] for volume in spec["volumes"]}
        every = [*spec["initContainers"], *spec["containers"]]
        assert {mount["name"] for container in every for mount in container["volumeMounts"]} == volumes
        for container in every:
            paths = [mount["mountPath"] for mount in container["volumeMounts"]]
            assert len(set(paths)) == len(paths)


def test_the_init_container_fetches_to_where_the_server_reads(run: Recorded) -> None:
    for deployment in run.of_kind("Deployment"):
        spec = pod(deployment)["spec"]
        (loader,), (server,) = spec["initContainers"], spec["containers"]
        model = {m["name"]: m["mountPath"] for m in server["volumeMounts"]}["model"]
        settings = json.loads(run.one("ConfigMap", _config_map(spec)).inputs["data"]["settings.json"])
        assert loader["command"][-1] == model == settings["modelPath"]
        assert model in {mount["mountPath"] for mount in loader["volumeMounts"] if not mount.get("readOnly")}
        assert loader["image"] == server["image"]


def test_what_a_pod_may_write_fits_its_storage_limit(run: Recorded) -> None:
    for deployment in run.of_kind("Deployment"):
        spec = pod(deployment)["spec"]
        sizes = [volume["emptyDir"]["sizeLimit"] for volume in spec["volumes"] if "emptyDir" in volume]
        limit = spec["containers"][0]["resources"]["limits"]["ephemeral-storage"]
        assert sum(parse(size) for size in sizes) <= parse(limit)


def test_no_environment_variable_looks_like_a_secret(run: Recorded) -> None:
    for container in containers(run):
        names = [variable["name"].lower() for variable in container.get("env", [])]
        assert [name for name in names if any(word in name for word in SECRET_LOOKING)] == []


@pytest.mark.parametrize("case", [case for case in CASES if "image" in config_of(case)], ids=str)
def test_a_value_given_to_the_build_alone_reaches_no_manifest_and_no_output(case: Case) -> None:
    run = run_main(put(config_of(case), "image.args", {"INDEX_TOKEN": "planted-7f3a"}))
    assert "planted-7f3a" in json.dumps([r.inputs for r in run.of_kind("Image")])
    assert "planted-7f3a" not in json.dumps([[r.inputs for r in run.manifests], run.outputs])
