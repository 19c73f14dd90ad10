"""The real API server accepts every shipped system and example in every environment, under Pod Security."""

import copy
from collections import Counter
from collections.abc import Iterable, Iterator

import pytest

from tests.cluster import dry_run
from tests.cluster.stack import Stack, run
from tests.contracts import examples
from tests.contracts.cases import CASES, Case, config_of, entry
from tests.generated import run_generated
from tests.recording import run_main
from tests.rendering import Object, as_json, objects
from tests.samples import Config, put

NAMESPACE = "slipway-accepted"
EXTERNAL = {"externalSecret": {"store": "vault", "key": "ml/keys"}}
POD_MAKERS = ("Deployment", "StatefulSet", "Job")


def here(given: Config) -> Config:
    """Return the case for the embedded cluster, in the one namespace that all cases share."""
    return put(put(given, "system.namespace", NAMESPACE), "cluster.context", "slipway-local")


def with_external_secrets(case: Case) -> Config:
    given = config_of(case)
    return put(given, "secrets", dict.fromkeys(given["secrets"], EXTERNAL))


def pods(manifests: Iterable[Object]) -> list[Object]:
    """Return each workload's pods as Pod objects: Pod Security refuses pods, but only warns about workloads."""
    made = [manifest for manifest in manifests if manifest["kind"] in POD_MAKERS]
    return [_pod(manifest["metadata"]["name"], manifest["spec"]["template"]) for manifest in made]


def _pod(name: str, template: Object) -> Object:
    metadata = {**template["metadata"], "name": name, "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


@pytest.fixture(scope="module")
def rendered(stack: Stack) -> dict[str, list[Object]]:
    """Yield the manifests of each case; a case with secrets also comes with an external secret store."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KUBECONFIG", stack.env["KUBECONFIG"])
        found = {str(case): objects(run_main(here(config_of(case)))) for case in CASES}
        for case in CASES:
            if not case.both and entry(case.entry).secrets:
                found[f"{case}-external"] = objects(run_main(here(with_external_secrets(case))))
        for name in examples.NAMES:
            for number, (_, (given, content)) in enumerate(examples.systems(name)):
                found[f"{name}-{number}"] = objects(run_generated((here(given), content)))
    return found


@pytest.fixture(scope="module")
def namespace(stack: Stack, rendered: dict[str, list[Object]]) -> Iterator[list[Object]]:
    """Create the real namespace with the objects that admission reads: the pods' accounts and priority classes."""
    every = [manifest for manifests in rendered.values() for manifest in manifests]
    accounts = {m["metadata"]["name"]: m for m in every if m["kind"] == "ServiceAccount"}
    classes = {pod["spec"]["priorityClassName"] for pod in pods(every) if "priorityClassName" in pod["spec"]}
    priorities = [
        {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}, "value": 1000}
        for name in classes
    ]
    with dry_run.namespace(stack, next(m for m in every if m["kind"] == "Namespace")):
        file = stack.folder / "beside.json"
        file.write_text(as_json([*accounts.values(), *priorities]))
        kubectl(stack, "apply", "--server-side", "-f", str(file))
        yield every
        kubectl(stack, "delete", "priorityclass", *classes)


def kubectl(stack: Stack, *arguments: str) -> None:
    done = run("kubectl", *arguments, env=stack.env)
    assert done.returncode == 0, done.stderr


def test_every_manifest_of_every_environment_is_accepted(
    stack: Stack, namespace: list[Object], facts: list[str]
) -> None:
    asked = [manifest for manifest in namespace if manifest["kind"] != "Namespace"]
    kinds = Counter(manifest["kind"] for manifest in asked)
    custom = {"ScaledObject", "ExternalSecret", "ServiceMonitor", "PrometheusRule"}
    assert kinds.keys() >= {*POD_MAKERS, *custom, "Ingress", "HorizontalPodAutoscaler", "NetworkPolicy", "Secret"}
    verdict = dry_run.asked(stack, asked)
    assert verdict.complaints == ""
    assert len(verdict.accepted) == len(asked)
    facts.append(f"accepted by the API server: {len(asked)} manifests of {len(CASES)} cases, {len(kinds)} kinds")


def test_every_pod_is_admitted_where_pod_security_is_enforced(
    stack: Stack, namespace: list[Object], facts: list[str]
) -> None:
    asked = pods(namespace)
    verdict = dry_run.asked(stack, asked)
    assert verdict.complaints == ""
    assert len(verdict.accepted) == len(asked) >= len(CASES)
    facts.append(f"admitted under Pod Security restricted: {len(asked)} pods")


def test_the_namespace_would_refuse_a_pod_that_is_not_locked_down(stack: Stack, namespace: list[Object]) -> None:
    pod = copy.deepcopy(pods(namespace)[0])
    pod["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
    verdict = dry_run.asked(stack, [pod])
    assert not verdict.accepted
    assert 'violates PodSecurity "restricted' in verdict.complaints


def test_the_api_server_would_refuse_a_key_that_it_does_not_know(stack: Stack, namespace: list[Object]) -> None:
    monitor = copy.deepcopy(next(m for m in namespace if m["kind"] == "ServiceMonitor"))
    monitor["spec"]["endpoint"] = []
    verdict = dry_run.asked(stack, [monitor])
    assert not verdict.accepted
    assert 'unknown field "endpoint"' in verdict.complaints
