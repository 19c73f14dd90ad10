"""The fences around a system: how much it may use, and what a container gets that asks for nothing."""

from typing import Any

import pytest

from components.manifests import guards
from models.entry import CatalogueEntry
from models.resolve import resolve
from models.stack import StackSettings
from tests.samples import IMAGE, Config, accepted, entry, job, put, release, service, stack, store


def hard(**changes: object) -> dict[str, str]:
    """The quota of a system changed so."""
    spec = resolve(accepted(StackSettings, stack()), accepted(CatalogueEntry, entry(**changes)))
    return guards.quota(spec)


def resources(cpu: str, memory: str, storage: str = "1Gi", **devices: int) -> Config:
    """Limits twice the requests."""
    asked = {"cpu": cpu, "memory": memory, "ephemeral-storage": storage}
    most = {"cpu": "2", "memory": "2Gi", "ephemeral-storage": "2Gi"}
    return {"requests": asked, "limits": most, "devices": {f"nvidia.com/{key}": n for key, n in devices.items()}}


def sized(scaling: Config, given: Config, **rollout: int | str) -> Config:
    return service(scaling=scaling, rollout=rollout, resources=given)


ONE: Config = {"replicas": 1}
UP_TO_FOUR: Config = {"minReplicas": 2, "maxReplicas": 4, "metrics": {"cpu": {"utilization": 70}}}


def test_there_is_room_for_both_slots_at_their_most_with_a_surge_and_all_of_the_old_pods_leaving() -> None:
    given = sized(UP_TO_FOUR, resources("250m", "512Mi"), maxSurge=1)
    assert hard(services={"web": given}) == {
        "pods": "18",  # twice four that serve, four that leave and one that comes
        "requests.cpu": "4500m",
        "requests.memory": "9Gi",
        "requests.ephemeral-storage": "18Gi",
        "limits.cpu": "36",
        "limits.memory": "36Gi",
        "limits.ephemeral-storage": "36Gi",
        "persistentvolumeclaims": "0",
        "requests.storage": "0",
    }


@pytest.mark.parametrize(
    ("scaling", "rollout", "pods"),
    [
        (ONE, {"maxSurge": 1}, "6"),
        (ONE, {"maxSurge": 3}, "10"),
        ({"replicas": 5}, {"maxSurge": "25%"}, "24"),  # a quarter of five, rounded up: two
        (ONE, {"maxSurge": "25%"}, "6"),
        (ONE, {"maxSurge": 0, "maxUnavailable": 1}, "4"),
        ({"replicas": 3}, {"maxSurge": 1}, "14"),
        ({"minReplicas": 1, "maxReplicas": 5, "triggers": {"t": {"cpu": {"utilization": 50}}}}, {"maxSurge": 1}, "22"),
    ],
)
def test_a_fixed_number_counts_as_such_and_a_range_at_its_ceiling(
    scaling: Config, rollout: dict[str, int | str], pods: str
) -> None:
    assert hard(services={"web": sized(scaling, resources("1", "1Gi"), **rollout)})["pods"] == pods


def test_services_add_up() -> None:
    found = hard(
        services={
            "web": sized(ONE, resources("1", "1Gi"), maxSurge=1),
            "api": sized({"replicas": 2}, resources("500m", "512Mi"), maxSurge=2),
        }
    )
    assert (found["pods"], found["requests.cpu"], found["requests.memory"]) == ("18", "12", "12Gi")
    assert (found["limits.cpu"], found["limits.memory"]) == ("36", "36Gi")


def test_a_store_is_one_pod_and_a_job_two_its_own_and_the_one_before() -> None:
    alone = hard(services={"web": sized(ONE, resources("1", "1Gi"))})
    with_store = hard(
        services={"web": sized(ONE, resources("1", "1Gi"))}, stores={"db": store(resources=resources("200m", "64Mi"))}
    )
    working = {"dev": {"jobs": {"train": job(resources=resources("300m", "128Mi"))}}, "prod": {}}
    with_job = hard(services={"web": sized(ONE, resources("1", "1Gi"))}, environments=working)
    assert (alone["pods"], with_store["pods"], with_job["pods"]) == ("6", "7", "8")
    assert (alone["requests.cpu"], with_store["requests.cpu"], with_job["requests.cpu"]) == ("6", "6200m", "6600m")
    assert (alone["requests.memory"], with_store["requests.memory"]) == ("6Gi", f"{6 * 1024 + 64}Mi")
    assert (alone["limits.cpu"], with_store["limits.cpu"], with_job["limits.cpu"]) == ("12", "14", "16")


def test_a_job_counts_in_its_own_environment_alone() -> None:
    elsewhere = {"dev": {}, "prod": {"jobs": {"train": job()}}}
    assert hard(environments=elsewhere) == hard()


def test_devices_are_counted_by_their_requests_alone_wherever_they_are_taken() -> None:
    found = hard(
        services={"web": sized(ONE, resources("1", "1Gi", gpu=2), maxSurge=1)},
        stores={"db": store(resources=resources("1", "1Gi", gpu=1))},
        environments={"dev": {"jobs": {"train": job(resources=resources("1", "1Gi", mig=3))}}, "prod": {}},
    )
    assert (found["requests.nvidia.com/gpu"], found["requests.nvidia.com/mig"]) == ("13", "6")
    assert not [key for key in found if key.startswith("limits.nvidia")], "the API server refuses such a key"


def test_claims_are_counted_and_so_is_what_they_ask_for_in_all_and_by_class() -> None:
    found = hard(
        volumes={
            "hub": {"size": "5Gi", "access": "ReadWriteMany"},
            "shared": {"size": "512Mi", "storageClass": "fast"},
            "old": {"size": "1Gi", "existing": "made-by-hand", "storageClass": "slow.example.com"},
        },
        stores={"db": store(volume={"size": "20Gi", "storageClass": "fast"}), "cache": store(volume={"size": "1Gi"})},
    )
    assert {key: found[key] for key in found if "persistentvolumeclaims" in key or "requests.storage" in key} == {
        "persistentvolumeclaims": "5",
        "requests.storage": f"{27 * 1024 + 512}Mi",
        "fast.storageclass.storage.k8s.io/persistentvolumeclaims": "2",
        "fast.storageclass.storage.k8s.io/requests.storage": f"{20 * 1024 + 512}Mi",
        "slow.example.com.storageclass.storage.k8s.io/persistentvolumeclaims": "1",
        "slow.example.com.storageclass.storage.k8s.io/requests.storage": "1Gi",
    }


def test_an_environments_own_volume_counts_instead_of_the_entrys() -> None:
    given = entry(volumes={"hub": {"size": "5Gi"}}, stores={"db": store(volume={"size": "20Gi"})})
    given = put(given, "environments.dev", {"volumes": {"hub": {"size": "1Gi"}}})
    given = put(given, "environments.dev.stores", {"db": {"volume": {"size": "2Gi"}}})
    assert hard(**given)["requests.storage"] == "3Gi"


def test_a_container_that_declares_nothing_gets_a_small_share_of_everything() -> None:
    spec: Any = guards.container_defaults()
    (limit,) = spec["limits"]
    assert limit == {
        "type": "Container",
        "defaultRequest": {"cpu": "50m", "memory": "64Mi", "ephemeral-storage": "64Mi"},
        "default": {"cpu": "250m", "memory": "256Mi", "ephemeral-storage": "256Mi"},
    }


def test_the_restricted_standard_is_enforced_warned_of_and_audited_at_one_version() -> None:
    assert guards.pod_security_labels("v1.30") == {
        f"pod-security.kubernetes.io/{mode}{suffix}": value
        for mode in ("enforce", "warn", "audit")
        for suffix, value in (("", "restricted"), ("-version", "v1.30"))
    }


@pytest.mark.parametrize(
    ("content", "pods"),
    [
        ({"minReplicas": 1, "maxReplicas": 1}, "18"),
        ({"minReplicas": 4}, "18"),
        ({"minReplicas": 7, "maxReplicas": 7}, "30"),
    ],
)
def test_a_slot_that_a_release_narrows_leaves_the_quota_and_one_that_it_widens_has_room(
    content: Config, pods: str
) -> None:
    given = put(stack(), "release.web", release(slots={"blue": {"image": IMAGE, **content}}))
    services = {"web": sized(UP_TO_FOUR, resources("1", "1Gi"), maxSurge=1)}
    spec = resolve(accepted(StackSettings, given), accepted(CatalogueEntry, entry(services=services)))
    assert guards.quota(spec)["pods"] == pods


def test_a_quota_is_at_most_what_the_api_server_stores() -> None:
    """It would lower a larger amount, and each update would find a difference."""
    many = sized({"replicas": 2**31 - 1}, resources("250m", "512Mi"))
    assert hard(services={"web": many})["limits.memory"] == str(2**63 - 1)
