"""Pods of every kind are locked down alike and told what they need; a service's pod has what its entry asks for."""

from typing import Any

import pytest

from models.entry import CatalogueEntry
from tests.components.deploying import deployed, registered
from tests.declared import Declared, Objects
from tests.samples import Config, entry, job, put, refused, service, stack, store

IMAGES = {"server": {"context": "serving"}, "trainer": {"context": "serving", "target": "trainer"}}
SECRETS = {"keys": {"keys": ["API_KEY"]}}
GIVEN = {"keys": {"values": {"API_KEY": "a"}}}
STORAGE = {"url": "https://s3.example.com", "networks": ["10.0.0.0/8"]}


def shop(stack_data: Config | None = None, store_data: Config | None = None, **blocks: object) -> tuple[Config, Config]:
    """One service, one store and one Job, which know each other."""
    given = entry(
        images=IMAGES,
        secrets=SECRETS,
        volumes={"hub": {"size": "1Gi"}, "theirs": {"size": "1Gi", "existing": "made-by-hand"}},
        stores={"queue": store(secrets=["keys"], **(store_data or {}))},
        services={"web": service(**{"calls": ["queue", "api"], **blocks}), "api": service(exposure={"port": 8080})},
        environments={"dev": {"jobs": {"train": job(image="trainer", calls=["queue", "api"])}}},
    )
    return given, {**stack(), "secrets": GIVEN, "objectStorage": STORAGE, **(stack_data or {})}


def system(stack_data: Config | None = None, store_data: Config | None = None, **blocks: object) -> Objects[Declared]:
    return deployed(*shop(stack_data, store_data, **blocks))


KINDS = ("Deployment", "StatefulSet", "Job")


def template(run: Objects[Declared], kind: str = "Deployment") -> dict[str, Any]:
    name = "web-blue" if kind == "Deployment" else None
    return run.one(kind, name).inputs["spec"]["template"]


def pod(run: Objects[Declared], kind: str = "Deployment") -> dict[str, Any]:
    return template(run, kind)["spec"]


def container(run: Objects[Declared], kind: str = "Deployment") -> dict[str, Any]:
    (only,) = pod(run, kind)["containers"]
    return only


def told(run: Objects[Declared], kind: str = "Deployment") -> dict[str, str]:
    return {variable["name"]: variable.get("value", "") for variable in container(run, kind)["env"]}


@pytest.mark.parametrize("kind", KINDS)
def test_every_pod_passes_the_restricted_standard_and_knows_nothing_that_it_was_not_told(kind: str) -> None:
    spec = pod(system(), kind)
    assert spec["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "runAsGroup": 10001,
        "fsGroup": 10001,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    for each in [*spec.get("initContainers", []), *spec["containers"]]:
        assert each["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {"name": "scratch", "mountPath": "/tmp"} in each["volumeMounts"]  # noqa: S108 -- a volume of the pod


@pytest.mark.parametrize("kind", KINDS)
def test_every_pod_pulls_with_the_namespaces_credentials(kind: str) -> None:
    run = system({"cluster": {"context": "prod", "pullSecrets": ["theirs"]}})
    assert pod(run, kind)["imagePullSecrets"] == [{"name": "theirs"}]


@pytest.mark.parametrize("kind", ["Deployment", "Job"])
def test_a_caller_is_told_the_address_that_services_have_and_not_their_pods(kind: str) -> None:
    addresses = {"QUEUE_ADDRESS": "queue:6379", "API_ADDRESS": "api:8080"}
    assert addresses.items() <= told(system(), kind).items()


def test_every_workload_is_somebody_of_its_own() -> None:
    run = system()
    accounts = {account.object_name: account.inputs for account in run.of_kind("ServiceAccount")}
    assert set(accounts) == {"web", "api", "queue", "train"}
    assert not any(account["automountServiceAccountToken"] for account in accounts.values())
    assert [pod(run, kind)["serviceAccountName"] for kind in KINDS] == ["web", "queue", "train"]


def test_no_claim_is_waited_for_since_many_are_bound_by_their_first_pod() -> None:
    claims = system().of_kind("PersistentVolumeClaim")
    assert len(claims) == 2
    assert all(c.inputs["metadata"]["annotations"] == {"pulumi.com/skipAwait": "true"} for c in claims)


def test_a_job_starts_when_the_stores_that_it_calls_are_up() -> None:
    run = system()
    assert run.one("StatefulSet").urn in run.one("Job").depends_on


def test_a_store_gets_its_secrets_and_waits_for_them() -> None:
    run = system()
    secret = run.one("Secret")
    reference = {"name": "API_KEY", "valueFrom": {"secretKeyRef": {"name": secret.object_name, "key": "API_KEY"}}}
    assert container(run, "StatefulSet")["env"] == [reference]
    assert secret.urn in run.one("StatefulSet").depends_on


@pytest.mark.parametrize("kind", KINDS)
def test_a_public_value_reaches_every_kind_of_pod_as_text(kind: str) -> None:
    public: Config = {"EOS_TOKEN": {"public": "</s>"}, "LEVEL": "notice"}
    its, given = shop(store_data={"env": public}, env=public)
    run = deployed(put(its, "environments.dev.jobs.train.env", public), given)
    assert told(run, kind)["EOS_TOKEN"] == "</s>"  # noqa: S105 -- the end of a sequence
    assert told(run, kind)["LEVEL"] == "notice"


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_makes_pods_says_why_they_fail(kind: str) -> None:
    name = "web-blue" if kind == "Deployment" else None
    assert registered(*shop()).one(kind, name).hooks["on_error"] == ("pods-own-reasons",)


def test_another_image_is_another_job() -> None:
    names = {
        system({"images": {"trainer": f"trainer@sha256:{digit * 64}"}}).one("Job").object_name for digit in ("a", "b")
    }
    assert len(names) == 2


def test_settings_never_change_and_are_there_before_the_pods() -> None:
    run = system(files={"files": {"a.txt": "a"}})
    used = {v["configMap"]["name"] for v in pod(run)["volumes"] if "configMap" in v}
    assert len(used) == 2
    for name in used:
        made = run.one("ConfigMap", name)
        assert made.inputs["immutable"] is True
        assert made.urn in run.one("Deployment", "web-blue").depends_on


def test_devices_are_the_main_containers_alone_and_limited_as_they_are_asked_for() -> None:
    resources = {**service()["resources"], "devices": {"nvidia.com/gpu": 2}}
    run = system(resources=resources)
    asked = container(run)["resources"]
    assert asked["requests"]["nvidia.com/gpu"] == asked["limits"]["nvidia.com/gpu"] == "2"
    (loader,) = pod(run)["initContainers"]
    assert loader["resources"]["limits"] == {
        key: value for key, value in asked["limits"].items() if key != "nvidia.com/gpu"
    }


def test_traces_go_where_the_stack_says_and_nowhere_else() -> None:
    given = {"tracing": {"url": "http://collector:4318"}}
    assert told(system(given))["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://collector:4318"
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" not in told(system())


def test_an_external_server_is_told_by_its_name() -> None:
    run = system({"externals": {"user-cache": {"url": "redis://cache.example.com"}}}, externals=["user-cache"])
    assert told(run)["USER_CACHE_URL"] == "redis://cache.example.com"


def test_a_mounted_volume_is_the_claim_of_its_name_or_the_one_that_was_there() -> None:
    run = system(mounts={"hub": "/hub", "theirs": "/theirs"})
    claims = {v["name"]: v["persistentVolumeClaim"] for v in pod(run)["volumes"] if "persistentVolumeClaim" in v}
    assert claims == {"volume-hub": {"claimName": "hub"}, "volume-theirs": {"claimName": "made-by-hand"}}
    assert {"name": "volume-theirs", "mountPath": "/theirs"} in container(run)["volumeMounts"]
    made = {claim.object_name: claim.urn for claim in run.of_kind("PersistentVolumeClaim")}
    assert set(made) == {"hub", "queue-data"}
    assert made["hub"] in run.one("Deployment", "web-blue").depends_on


def test_shared_memory_is_memory_of_that_size() -> None:
    run = system(sharedMemory="256Mi")
    assert {"name": "shared-memory", "emptyDir": {"medium": "Memory", "sizeLimit": "256Mi"}} in pod(run)["volumes"]
    assert {"name": "shared-memory", "mountPath": "/dev/shm"} in container(run)["volumeMounts"]  # noqa: S108


def test_shared_memory_that_would_fill_the_containers_memory_is_refused() -> None:
    given = {"web": service(sharedMemory="2Gi")}
    assert refused(CatalogueEntry, entry(services=given)) == (
        "given: services.web.sharedMemory: 2Gi must be less than limits.memory 2Gi, which includes it; raise the limit",
    )


def test_what_others_read_is_on_the_pods_beside_our_own_labels() -> None:
    run = system(pods={"labels": {"team": "vision"}, "annotations": {"logs.example.com/format": "json"}})
    metadata = template(run)["metadata"]
    assert metadata["annotations"] == {"logs.example.com/format": "json"}
    assert metadata["labels"] == {**template(system())["metadata"]["labels"], "team": "vision"}
    assert "annotations" not in template(system())["metadata"]


def test_liveness_may_have_a_pace_of_its_own() -> None:
    run = system(health={"period": "7s", "liveness": {"period": "30s", "timeout": "9s", "failures": 5}})
    probes = {
        kind: (probe["periodSeconds"], probe["timeoutSeconds"], probe["failureThreshold"])
        for kind in ("readiness", "liveness")
        for probe in [container(run)[f"{kind}Probe"]]
    }
    assert probes == {"readiness": (7, 3, 3), "liveness": (30, 9, 5)}
