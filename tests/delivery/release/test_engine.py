"""What is told of a Pulumi that failed: the pods' own words, else the error that is not the epilogue."""

import pytest

from delivery.errors import UpdateFailed
from delivery.release.engine import diagnostics, last_line

PODS = """
Diagnostics:
  kubernetes:apps/v1:Deployment (web-green-deployment):
    error: pod web-green-x: container server: CrashLoopBackOff
    error: pod web-green-x: container server: CrashLoopBackOff
    error: update failed
Outputs:
    + reason: "error: pod web-green-x: an older one"
"""
REFUSED = """
Diagnostics:
  pulumi:pulumi:Stack (slipway-prod):
    error: slipway:release.web.slots.green: nobody vouches for it
    error: an unhandled error occurred: program exited with non-zero exit code: 1
"""
ROLLOUTS = """
Diagnostics:
  pulumi:pulumi:Stack (slipway-prod):
    error: Deployment shop/web-green was not rolled out within 60 s: pod web-green-x: container server: CrashLoopBackOff
    Deployment shop/api-blue was not rolled out yet when another workload failed: ReplicaSet b-7: FailedCreate: exceeded
    error: an unhandled error occurred: program exited with non-zero exit code: 1
"""
UNREACHABLE = """
Diagnostics:
  pulumi:pulumi:Stack (slipway-prod):
    error: Deployment shop/web-green was not rolled out within 600 s: connection refused
"""
AWAY = """
Diagnostics:
  kubernetes:networking.k8s.io/v1:Ingress (web-canary):
    error: configured Kubernetes cluster is unreachable. If the cluster was deleted, …

  pulumi:pulumi:Stack (slipway-prod):
    error: update failed

Resources:
    2 errored
"""
SEVERAL = """
Diagnostics:
  kubernetes:apps/v1:Deployment (web-green-deployment):
    error: 2 errors occurred:
      * the Kubernetes API server reported that it failed to become live
      * dial tcp 10.0.0.1:443: connect: connection refused

  pulumi:pulumi:Stack (slipway-prod):
    error: update failed
"""


def test_several_errors_of_one_resource_are_told_and_not_how_many_they_are() -> None:
    said = "2 errors occurred: * the Kubernetes API server reported that it failed to become live * dial tcp"
    assert diagnostics(SEVERAL).startswith(said)
    assert UpdateFailed(diagnostics(SEVERAL)).lost_the_cluster


def test_what_failed_is_told_and_not_that_the_update_did() -> None:
    assert diagnostics(AWAY).startswith("configured Kubernetes cluster is unreachable")
    assert UpdateFailed(diagnostics(AWAY)).lost_the_cluster


def test_every_rollout_that_failed_is_told() -> None:
    said = diagnostics(ROLLOUTS)
    assert "pod web-green-x: container server: CrashLoopBackOff; Deployment shop/api-blue" in said
    assert said.endswith("ReplicaSet b-7: FailedCreate: exceeded")
    assert not UpdateFailed(said.replace("CrashLoopBackOff", "connection refused")).lost_the_cluster


def test_a_rollout_without_an_api_server_has_lost_the_cluster() -> None:
    assert UpdateFailed(diagnostics(UNREACHABLE)).lost_the_cluster


def test_the_pods_say_it_once_and_outputs_are_no_diagnostics() -> None:
    assert diagnostics(PODS).count("CrashLoopBackOff") == 1
    assert "older" not in diagnostics(PODS)


def test_a_refusal_of_the_program_is_told_and_not_that_it_exited() -> None:
    assert "nobody vouches for it" in diagnostics(REFUSED)
    assert "non-zero" not in diagnostics(REFUSED)


@pytest.mark.parametrize(("said", "line"), [("a\n b \n\n", "b"), ("", "no output")])
def test_where_nothing_is_diagnosed_the_last_line_is_told(said: str, line: str) -> None:
    assert last_line(said) == line
    assert diagnostics(said) == line
