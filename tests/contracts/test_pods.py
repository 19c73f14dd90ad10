"""What holds of every pod: it passes Pod Security *restricted*, starts truthfully, and holds no secret."""

import json
import re
from typing import Any

import pytest

from models.errors import SECRET_LOOKING
from models.quantity import parse
from models.resources import LOG_ROOM
from tests.contracts.cases import (
    CASES,
    PLANTED,
    Case,
    config_of,
    containers,
    containers_of,
    in_every_case,
    pod,
    workloads,
)
from tests.declared import Declared, Objects
from tests.each import each
from tests.recording import Recorded, Secret, run_main
from tests.samples import put


@in_every_case
def test_every_container_asks_for_and_is_limited_in_everything(run: Objects[Declared]) -> None:
    assert containers(run)
    for container in containers(run):
        resources = container["resources"]
        assert set(resources["requests"]) == set(resources["limits"]) >= {"cpu", "memory", "ephemeral-storage"}
        devices = {name: amount for name, amount in resources["requests"].items() if "/" in name}
        assert devices.items() <= resources["limits"].items(), "the API server refuses a device that is shared"
        assert all(parse(amount) <= parse(resources["limits"][key]) for key, amount in resources["requests"].items())


@in_every_case
def test_every_image_is_named_by_digest(run: Objects[Declared]) -> None:
    for container in containers(run):
        assert re.fullmatch(r"[a-z0-9./:-]+/[a-z0-9/-]+@sha256:[0-9a-f]{64}", container["image"])


@in_every_case
def test_pods_pass_the_restricted_standard(run: Objects[Declared]) -> None:
    for workload in workloads(run):
        spec = pod(workload)["spec"]
        context = spec["securityContext"]
        assert context["runAsNonRoot"] is True
        assert context["runAsUser"] == context["runAsGroup"] == context["fsGroup"] >= 10000
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
        kinds = {kind for volume in spec["volumes"] for kind in volume if kind != "name"}
        assert kinds <= {"configMap", "emptyDir", "secret", "projected", "persistentVolumeClaim"}
        assert spec["automountServiceAccountToken"] is False, "no shipped system talks to the API server"


@in_every_case
def test_containers_pass_the_restricted_standard(run: Objects[Declared]) -> None:
    for container in containers(run):
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["readOnlyRootFilesystem"] is True
        assert context["runAsNonRoot"] is True
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert not any("hostPort" in port for port in container.get("ports", []))


@in_every_case
def test_every_server_has_its_three_probes_on_a_port_that_it_opens(run: Objects[Declared]) -> None:
    for deployment in run.of_kind("Deployment"):
        (server,) = pod(deployment)["spec"]["containers"]
        names = {port["name"] for port in server["ports"]}
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            assert server[probe]["httpGet"]["port"] in names
            assert server[probe]["httpGet"]["path"].startswith("/")
        environment = {variable["name"]: variable.get("value") for variable in server["env"]}
        assert environment["PORT"] == str(server["ports"][0]["containerPort"])


@in_every_case
def test_liveness_does_not_ask_what_readiness_asks(run: Objects[Declared]) -> None:
    for deployment in run.of_kind("Deployment"):
        (server,) = pod(deployment)["spec"]["containers"]
        ready, live, start = (
            server[f"{probe}Probe"]["httpGet"]["path"] for probe in ("readiness", "liveness", "startup")
        )
        assert ready == start, "traffic and liveness begin when the model is loaded"
        assert ready != live, "a draining server is not ready, and must not be killed for it"


@in_every_case
def test_the_budgets_fit_into_one_another(run: Objects[Declared]) -> None:
    for deployment in run.of_kind("Deployment"):
        spec = pod(deployment)["spec"]
        (server,) = spec["containers"]
        settings = json.loads(run.one("ConfigMap", _config_map(spec)).inputs["data"]["settings.json"])
        startup = server["startupProbe"]["periodSeconds"] * server["startupProbe"]["failureThreshold"]
        stopping = server["lifecycle"]["preStop"]["sleep"]["seconds"] + settings["drainSeconds"]
        assert startup <= deployment.inputs["spec"]["progressDeadlineSeconds"]
        assert settings["requestTimeoutSeconds"] <= stopping <= spec["terminationGracePeriodSeconds"]


def _config_map(spec: dict[str, Any]) -> str:
    (name,) = [volume["configMap"]["name"] for volume in spec["volumes"] if volume["name"] == "settings"]
    return name


@in_every_case
def test_volumes_and_mounts_belong_together(run: Objects[Declared]) -> None:
    for workload in workloads(run):
        volumes = {volume["name"] for volume in pod(workload)["spec"]["volumes"]}
        every = containers_of(workload)
        assert {mount["name"] for container in every for mount in container["volumeMounts"]} == volumes
        for container in every:
            paths = [mount["mountPath"] for mount in container["volumeMounts"]]
            assert len(set(paths)) == len(paths)


@in_every_case
def test_every_claim_and_config_map_that_a_pod_mounts_is_made_before_it(run: Objects[Declared]) -> None:
    made = {(r.kind, r.object_name): r.urn for r in run.manifests}
    for workload in workloads(run):
        for volume in pod(workload)["spec"]["volumes"]:
            if claim := volume.get("persistentVolumeClaim"):
                assert made["PersistentVolumeClaim", claim["claimName"]] in workload.depends_on
            if config := volume.get("configMap"):
                assert made["ConfigMap", config["name"]] in workload.depends_on


@in_every_case
def test_every_pod_has_an_account_that_exists(run: Objects[Declared]) -> None:
    accounts = {account.object_name for account in run.of_kind("ServiceAccount")}
    for workload in workloads(run):
        assert pod(workload)["spec"]["serviceAccountName"] in accounts
    assert {pod(workload)["spec"]["serviceAccountName"] for workload in workloads(run)} == accounts


@in_every_case
def test_the_init_container_fetches_to_where_the_server_reads(run: Objects[Declared]) -> None:
    for deployment in run.of_kind("Deployment"):
        spec = pod(deployment)["spec"]
        (server,) = spec["containers"]
        settings = json.loads(run.one("ConfigMap", _config_map(spec)).inputs["data"]["settings.json"])
        assert ("modelPath" in settings) == ("initContainers" in spec)
        for loader in spec.get("initContainers", []):
            model = {m["name"]: m["mountPath"] for m in server["volumeMounts"]}["model"]
            assert loader["command"][4] == model == settings["modelPath"]
            assert model in {mount["mountPath"] for mount in loader["volumeMounts"] if not mount.get("readOnly")}
            assert loader["image"] == server["image"]


@in_every_case
def test_what_a_pod_may_write_fits_its_storage_limit(run: Objects[Declared]) -> None:
    for workload in workloads(run):
        sizes = [volume["emptyDir"]["sizeLimit"] for volume in pod(workload)["spec"]["volumes"] if "emptyDir" in volume]
        limit = pod(workload)["spec"]["containers"][0]["resources"]["limits"]["ephemeral-storage"]
        assert sum(parse(size) for size in [*sizes, LOG_ROOM]) <= parse(limit)


@pytest.mark.slow
@in_every_case
def test_a_secret_stands_in_secret_objects_alone_and_is_marked_there(registered: Recorded, case: Case) -> None:
    holders = [r for r in registered.manifests if PLANTED in json.dumps(r.inputs)]
    assert {r.kind for r in holders} <= {"Secret"}
    assert len(holders) == len(config_of(case).get("secrets", {}))
    for holder in holders:
        assert all(isinstance(value, Secret) for value in holder.inputs["stringData"].values())
    assert PLANTED not in json.dumps(registered.outputs)


@in_every_case
def test_every_secret_that_a_pod_refers_to_is_made_before_it_with_that_key(run: Objects[Declared]) -> None:
    secrets = {secret.object_name: secret for secret in run.of_kind("Secret")}
    for workload in workloads(run):
        variables = [variable for container in containers_of(workload) for variable in container.get("env", [])]
        for reference in [v["valueFrom"]["secretKeyRef"] for v in variables if "valueFrom" in v]:
            assert reference["key"] in secrets[reference["name"]].inputs["stringData"]
            assert secrets[reference["name"]].urn in workload.depends_on
        for pulled in pod(workload)["spec"].get("imagePullSecrets", []):
            assert secrets[pulled["name"]].inputs["type"] == "kubernetes.io/dockerconfigjson"


@in_every_case
def test_no_environment_variable_looks_like_a_secret(run: Objects[Declared]) -> None:
    for container in containers(run):
        names = [variable["name"].lower() for variable in container.get("env", []) if "value" in variable]
        assert [name for name in names if any(word in name for word in SECRET_LOOKING)] == []


@pytest.mark.slow
@each("case", [case for case in CASES if "image" in config_of(case)])
def test_a_value_given_to_the_build_alone_reaches_no_manifest_and_no_output(case: Case) -> None:
    run = run_main(put(config_of(case), "image.args", {"INDEX_TOKEN": "planted-7f3a"}))
    assert "planted-7f3a" in json.dumps([r.inputs for r in run.of_kind("Image")])
    assert "planted-7f3a" not in json.dumps([[r.inputs for r in run.manifests], run.outputs])
