"""The CronJob that tends a stack in its cluster: what it may, whom it runs as, and what it runs."""

import subprocess
from typing import Any, cast

import pytest
import yaml
from typer.testing import CliRunner

from delivery.commands.cli import app
from models.cluster import ClusterSettings
from tests.recording import PROJECT

TEMPLATE = PROJECT / "templates" / "kubernetes" / "tend.yaml"

Object = dict[str, Any]


def objects() -> list[Object]:
    return [cast("Object", found) for found in yaml.safe_load_all(TEMPLATE.read_text())]


def one(kind: str) -> Object:
    (found,) = [found for found in objects() if found["kind"] == kind]
    return found


def pod() -> Object:
    return one("CronJob")["spec"]["jobTemplate"]["spec"]["template"]["spec"]


def test_its_account_may_use_the_lease_where_the_lock_is_unless_set() -> None:
    role = one("Role")
    assert role["metadata"]["namespace"] == ClusterSettings(context="any").lock_namespace
    (rule,) = role["rules"]
    assert rule == {
        "apiGroups": ["coordination.k8s.io"],
        "resources": ["leases"],
        "verbs": ["get", "create", "update"],
    }


def test_every_binding_binds_the_account_that_the_pod_runs_as() -> None:
    bindings = [found for found in objects() if found["kind"].endswith("Binding")]
    assert len(bindings) == 3
    account = one("ServiceAccount")["metadata"]
    assert pod()["serviceAccountName"] == account["name"]
    for binding in bindings:
        assert binding["subjects"] == [{"kind": "ServiceAccount", **account}]


def test_it_never_runs_twice_at_once_and_is_not_tried_again_by_itself() -> None:
    spec = one("CronJob")["spec"]
    assert spec["concurrencyPolicy"] == "Forbid"
    assert spec["jobTemplate"]["spec"]["backoffLimit"] == 0
    assert pod()["restartPolicy"] == "Never"


def test_its_pod_is_restricted_and_limited() -> None:
    (container,) = pod()["containers"]
    assert pod()["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}
    }  # fmt: skip
    assert container["resources"].keys() == {"requests", "limits"}
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    assert mounted == {volume["name"] for volume in pod()["volumes"]}


def test_what_it_runs_is_shell_and_a_command_that_there_is() -> None:
    (container,) = pod()["containers"]
    assert container["command"] == ["bash", "-ec"]
    (script,) = container["args"]
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)
    assert "templates/ci.sh drive STACK tend STACK" in script
    assert CliRunner().invoke(app, ["tend", "--help"]).exit_code == 0


@pytest.mark.parametrize("placeholder", ["STACK-NAMESPACE", "KUBE-CONTEXT", "`STACK`"])
def test_what_has_to_be_filled_in_is_said(placeholder: str) -> None:
    assert placeholder in (PROJECT / "templates" / "README.md").read_text()
    assert placeholder.strip("`") in TEMPLATE.read_text()
