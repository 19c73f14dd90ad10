"""kube-score finds no fault in any shipped system or example in any environment, except for the waived ones.

It needs the toolchain (kube-score is built by the first who asks), but no cluster.
"""

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.paths import Paths
from local.progress import Progress
from local.toolchain.build import provide
from tests.contracts import examples
from tests.contracts.cases import CASES, config_of
from tests.generated import run_generated
from tests.recording import run_main
from tests.rendering import as_json, objects

GOOD = 10
"""kube-score's grade for an object without findings."""


@dataclass(frozen=True)
class Waiver:
    """Objects that may break one of kube-score's rules, as ``<entry>-<environment> <Kind>/<name>``, and why."""

    objects: str
    reason: str


WAIVERS = {
    "container-image-pull-policy": Waiver(
        r".*",
        "every image is named by digest: the tag that Always would ask for anew cannot move, and a registry that is "
        "down would keep pods from restarting",
    ),
    "deployment-has-host-podantiaffinity": Waiver(
        r".*",
        "topologySpreadConstraints over nodes do the same, and still balance when there are more pods than nodes",
    ),
    "statefulset-has-servicename": Waiver(
        r".* StatefulSet/(queue|cache|vectors)",
        "a store has one pod and is called by its Service: the stable address outlives the pod, a headless name is "
        "gone from DNS, and from every cache of it, while the pod restarts",
    ),
    "deployment-replicas": Waiver(
        r"[\w-]+-dev .*|parsing-\w+ Deployment/worker-\w+",
        "dev is one small node on which replicas guard against nothing; a worker takes jobs from a queue, so without "
        "one they wait, and KEDA sets their number",
    ),
    "horizontalpodautoscaler-replicas": Waiver(
        r"classifier-dev .*",
        "dev is one small node on which replicas guard against nothing",
    ),
    "container-security-context-user-group-id": Waiver(
        r"(bentoml|fastapi|grpc|litserve|mlserver|ray-serve)-.*",
        "the authors of an image choose its user: a number below 10,000, or `user: image`, which names none",
    ),
    "networkpolicy-targets-pod": Waiver(
        r".* NetworkPolicy/scrape-main-port",
        "it admits Prometheus to the pods of a slot that is pinned to a revision without a management port, which "
        "no stack here has",
    ),
    "pod-probes-identical": Waiver(
        r"(fastapi|ray-serve|vllm)-.*",
        "these servers have one check of health; liveness asks it more rarely and with more patience",
    ),
    "service-type": Waiver(
        r"classifier-(dev|staging) Service/classifier",
        "the published system is reached by LoadBalancer or NodePort (C1): only prod has a load balancer",
    ),
}
"""Waivers by the name of kube-score's rule."""


@pytest.fixture(scope="module")
def complaints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Return the objects of all cases that break each rule."""
    scorer = provide("kube-score", Paths.from_environment().cache, Progress())
    file = tmp_path_factory.mktemp("kube") / "config"
    file.write_text(yaml.safe_dump({"contexts": [{"name": "prod"}]}))
    found: dict[str, set[str]] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KUBECONFIG", str(file))
        for case in CASES:
            manifests = as_json(objects(run_main(config_of(case))))
            for rule, name in scored(scorer, manifests):
                found.setdefault(rule, set()).add(f"{case.entry}-{case.environment} {name}")
        for example in examples.NAMES:
            for environment, system in examples.systems(example):
                for rule, name in scored(scorer, as_json(objects(run_generated(system)))):
                    found.setdefault(rule, set()).add(f"{example}-{environment} {name}")
    return found


def scored(scorer: Path, manifests: str) -> Iterator[tuple[str, str]]:
    """Return each rule that an object breaks, with the object."""
    done = subprocess.run(
        [scorer, "score", "--output-format", "json", "--output-version", "v2", "-"],
        input=manifests, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    judged: list[dict[str, Any]] = json.loads(done.stdout)
    assert judged, done.stderr
    for judgement in judged:
        name = f"{judgement['type_meta']['kind']}/{judgement['object_meta']['name']}"
        for check in judgement["checks"]:
            if not check["skipped"] and check["grade"] < GOOD:
                yield check["check"]["id"], name


def test_kube_score_has_nothing_to_say_that_is_not_waived(complaints: dict[str, set[str]], facts: list[str]) -> None:
    unexpected = {
        f"{rule}: {name}"
        for rule, names in complaints.items()
        for name in names
        if rule not in WAIVERS or not re.fullmatch(WAIVERS[rule].objects, name)
    }
    assert sorted(unexpected) == []
    waived = sum(map(len, complaints.values()))
    facts.append(f"kube-score: {len(CASES)} cases, {len(WAIVERS)} waivers, which {waived} objects need")


@pytest.mark.parametrize("rule", WAIVERS)
def test_every_waiver_is_needed(complaints: dict[str, set[str]], rule: str) -> None:
    assert complaints.get(rule), f"nothing breaks {rule} any more: drop its waiver"


def test_kube_score_notices_what_is_wrong(complaints: dict[str, set[str]]) -> None:
    assert complaints
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "bare"},
        "spec": {"containers": [{"name": "bare", "image": "bare:latest"}]},
    }
    scorer = provide("kube-score", Paths.from_environment().cache, Progress())
    broken = {rule for rule, _ in scored(scorer, as_json([pod]))}
    assert broken >= {"container-resources", "container-image-tag", "container-security-context-readonlyrootfilesystem"}
