"""The S3 server and the volume provisioner: secrets stay secret, and the classes fit the provisioner."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from local import addresses, cluster, pki, storage
from local.daemon import Daemon
from local.paths import Paths

MANIFESTS = sorted((Path(cluster.__file__).parent / "manifests").rglob("*.yaml"))


DELEGATOR = "system:auth-delegator"
"""Kubernetes' own role for who serves an aggregated API: it asks the API server who a caller is."""
WITHOUT_RIGHTS = {"slipway:keda", "slipway:keda-metrics-apiserver"}
"""KEDA's adapter has `DELEGATOR` alone, and the certificate between it and the operator is no user of the API."""


@pytest.fixture
def table(prepared: Paths) -> dict[str, Daemon]:
    return {daemon.name: daemon for daemon in storage.daemons(prepared)}


def objects(kind: str) -> list[dict[str, Any]]:
    found = [item for file in MANIFESTS for item in yaml.safe_load_all(file.read_text())]
    return [item for item in found if item["kind"] == kind]


def test_the_s3_server_s_keys_are_in_no_argument_that_everybody_can_list(
    table: dict[str, Daemon], prepared: Paths
) -> None:
    exported = storage.s3_exports(prepared)
    keys = {exported["SLIPWAY_S3_ACCESS_KEY"], exported["SLIPWAY_S3_SECRET_KEY"]}
    assert set(table["s3"].environment.values()) == keys
    assert [argument for argument in table["s3"].arguments if any(key in argument for key in keys)] == []


def test_what_pods_store_is_below_the_state_that_down_removes(table: dict[str, Daemon], prepared: Paths) -> None:
    folders = [word.partition("=")[2] for daemon in table.values() for word in daemon.arguments if "=/" in word]
    data = [folder for folder in folders if folder.startswith("/") and folder != "/health"]
    assert len(data) >= 4
    assert [folder for folder in data if not Path(folder).is_relative_to(prepared.state)] == []


def test_both_storage_classes_are_served_by_the_provisioner_that_runs(table: dict[str, Daemon]) -> None:
    classes = {found["metadata"]["name"]: found for found in objects("StorageClass")}
    assert classes.keys() == {"standard", "fast"}
    assert {found["provisioner"] for found in classes.values()} == {addresses.PROVISIONER}
    assert {found["volumeBindingMode"] for found in classes.values()} == {"WaitForFirstConsumer"}
    default = "storageclass.kubernetes.io/is-default-class"
    assert [name for name, found in classes.items() if default in found["metadata"].get("annotations", {})] == [
        "standard"
    ]
    assert f"-name={addresses.PROVISIONER}" in table["volume-provisioner"].arguments


def test_every_daemon_with_rights_of_its_own_has_exactly_one_role_bound_to_its_user(prepared: Paths) -> None:
    leaves = pki.leaves(prepared.addresses)
    users = {leaf.name for leaf in leaves if leaf.name.startswith("slipway:") and not leaf.groups} - WITHOUT_RIGHTS
    bindings = [found for found in objects("ClusterRoleBinding") if found["roleRef"]["name"] != DELEGATOR]
    subjects = [(found["subjects"][0], found["roleRef"]["name"]) for found in bindings]
    bound = {subject["name"]: role for subject, role in subjects if subject["kind"] == "User"}
    assert "slipway:volume-provisioner" in users
    assert bound == {user: user for user in users}
    assert {found["metadata"]["name"] for found in objects("ClusterRole")} == users


def test_no_daemon_may_read_secrets_except_those_that_serve_certificates_and_log_in_to_triggers_sources() -> None:
    readers = {
        found["metadata"]["name"]
        for found in objects("ClusterRole")
        for rule in found["rules"]
        if {"secrets", "*"} & set(rule["resources"])
    }
    assert readers == {"slipway:traefik", "slipway:keda-operator"}
