"""Which cluster and whose namespace the real ``__main__.py`` writes to, before it registers anything."""

from typing import Any

import pytest

from components import recorded
from tests.program.standing import ELSEWHERE, OWN, Cluster, deployed_state, state_of, theirs
from tests.recording import Recorded, State, record, refusal_of, run_main
from tests.samples import CLUSTER, Config, put, runnable

HERE = {"classifier-dev": theirs()}
DEV = runnable("dev")


@pytest.fixture(scope="module")
def state() -> State:
    """Dev after its first update."""
    return deployed_state(DEV)


def without_record(state: State) -> State:
    """The state that a version before this check left."""
    return State({key: value for key, value in state.outputs.items() if key != "cluster"}, state.resources)


def provider(run: Recorded) -> Config:
    (found,) = (r for r in run.resources if r.type == "pulumi:providers:kubernetes")
    return found.inputs


def test_a_first_deployment_has_nothing_to_compare_with_and_records_the_cluster(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Cluster().reached(monkeypatch)
    assert run_main(DEV).outputs["cluster"] == CLUSTER


def test_a_renamed_context_changes_no_input_of_any_resource(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    Cluster(namespaces=HERE).reached(monkeypatch)
    runs = [run_main(put(DEV, "cluster.context", name), state=state) for name in ("slipway-local", "prod")]
    before, after = ({r.urn: (r.inputs, r.aliases) for r in run.resources} for run in runs)
    assert before == after
    assert len(before) > 10


def test_another_cluster_is_refused_with_both_uids_and_the_remedy(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    Cluster(uid=ELSEWHERE, namespaces=HERE).reached(monkeypatch)
    (line,) = refusal_of(DEV, state=state)
    assert line == (
        f"slipway:cluster.context: 'slipway-local' reaches cluster {ELSEWHERE}, not cluster {CLUSTER}, where this "
        f"stack runs; correct the context, or, to move the stack there, set slipway:cluster.uid: {ELSEWHERE} "
        "(docs/data.md)"
    )
    assert refusal_of(DEV, state=state, preview=True) == [line]


@pytest.mark.parametrize("namespaces", [{}, {"classifier-dev": theirs(uid=ELSEWHERE)}])
def test_a_state_without_the_record_is_known_by_its_namespace(
    state: State, monkeypatch: pytest.MonkeyPatch, namespaces: dict[str, Config]
) -> None:
    old = without_record(state)
    Cluster(namespaces=HERE).reached(monkeypatch)
    assert run_main(DEV, state=old).outputs["cluster"] == CLUSTER
    Cluster(uid=ELSEWHERE, namespaces=namespaces).reached(monkeypatch)
    (line,) = refusal_of(DEV, state=old)
    assert "which does not have this stack's namespace classifier-dev; correct the context" in line


def test_the_stack_file_may_name_the_new_cluster_and_the_state_is_refreshed_first(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    Cluster(uid=ELSEWHERE).reached(monkeypatch)
    moving = put(DEV, "cluster.uid", ELSEWHERE)
    (line,) = refusal_of(moving, state=state)
    assert "pulumi refresh, which removes from the state what" in line
    refreshed = State(state.outputs, {u: r for u, r in state.resources.items() if "kubernetes:" not in r["type"]})
    assert run_main(moving, state=refreshed).outputs["cluster"] == ELSEWHERE


def test_the_cluster_that_the_stack_file_names_is_the_only_one(monkeypatch: pytest.MonkeyPatch) -> None:
    named = put(DEV, "cluster.uid", CLUSTER)
    Cluster().reached(monkeypatch)
    run_main(named)
    Cluster(uid=ELSEWHERE).reached(monkeypatch)
    (line,) = refusal_of(named)
    assert line.startswith(f"slipway:cluster.uid: context 'slipway-local' reaches cluster {ELSEWHERE}, but the stack")
    Cluster(forbidden=frozenset({"kube-system"})).reached(monkeypatch)
    (line,) = refusal_of(named)
    assert line.startswith("slipway:cluster.uid: the account of context 'slipway-local' may not read the namespace")


def test_an_account_that_may_not_read_the_identity_goes_by_the_namespace_and_keeps_the_record(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = frozenset({"kube-system"})
    Cluster(namespaces=HERE, forbidden=hidden).reached(monkeypatch)
    assert run_main(DEV, state=state).outputs["cluster"] == CLUSTER
    Cluster(forbidden=hidden).reached(monkeypatch)
    (line,) = refusal_of(DEV, state=state)
    assert line.startswith("slipway:cluster.context: 'slipway-local' reaches a cluster which does not have this")
    Cluster(forbidden=hidden | {"classifier-dev"}).reached(monkeypatch)
    run_main(DEV, state=state)


def test_a_cluster_that_does_not_answer_ends_an_update_and_not_a_preview(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    Cluster(away=True).reached(monkeypatch)
    (line,) = refusal_of(DEV, state=state)
    assert line == (
        "slipway:cluster.context: 'slipway-local': the API server does not answer (connection refused), so the "
        "cluster cannot be verified; start the cluster, or correct the context"
    )
    assert run_main(DEV, state=state, preview=True).of_kind("Deployment")


FOREIGN = {"classifier-dev": {"uid": OWN, "labels": {"kubernetes.io/metadata.name": "classifier-dev"}}}


def existing(config: Config = DEV) -> Config:
    return put(config, "system.existingNamespace", True)  # noqa: FBT003 -- a value of the stack file


def test_a_namespace_that_is_there_already_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    Cluster(namespaces=FOREIGN).reached(monkeypatch)
    (line,) = refusal_of(DEV)
    assert line == (
        "namespace classifier-dev: already exists and belongs to no stack; set slipway:system.namespace to another "
        "namespace, or, to deploy into this one and keep it unchanged, set slipway:system.existingNamespace: true"
    )


@pytest.mark.parametrize("config", [DEV, existing()])
@pytest.mark.parametrize("owner", [theirs("other"), theirs(system="nlu")])
def test_a_namespace_of_another_stack_is_refused_also_as_an_existing_one(
    monkeypatch: pytest.MonkeyPatch, config: Config, owner: Config
) -> None:
    Cluster(namespaces={"classifier-dev": owner}).reached(monkeypatch)
    (line,) = refusal_of(config)
    assert line.startswith("namespace classifier-dev: already belongs to another stack (")


def test_the_namespace_of_an_update_that_was_interrupted_is_known_by_its_labels(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Cluster(namespaces=HERE).reached(monkeypatch)
    assert run_main(DEV).of_kind("Namespace")


def test_an_existing_namespace_is_used_and_not_owned(monkeypatch: pytest.MonkeyPatch) -> None:
    Cluster(namespaces=FOREIGN).reached(monkeypatch)
    run = run_main(existing())
    fences = [r.kind for r in run.manifests if r.kind in ("Namespace", "ResourceQuota", "LimitRange")]
    assert fences == [], "they would change what others in the namespace may do, and destroy would delete it"
    own = {"matchLabels": {"app.kubernetes.io/part-of": "classifier"}}
    policies = {p.object_name: p.inputs["spec"]["podSelector"] for p in run.of_kind("NetworkPolicy")}
    assert policies["classifier-default-deny"] == policies["classifier-dns"] == own
    assert all(policies.values()), "a policy that selects every pod would cut off others"
    assert {r.inputs["metadata"]["namespace"] for r in run.manifests} == {"classifier-dev"}
    for pod in (d.inputs["spec"]["template"] for d in run.of_kind("Deployment")):
        assert pod["metadata"]["labels"]["app.kubernetes.io/part-of"] == "classifier"
        assert pod["spec"]["securityContext"]["runAsNonRoot"] is True


@pytest.mark.parametrize("kind", ["service", "serviceaccount", "claim", "deployment", "statefulset"])
@pytest.mark.parametrize("name", ["classifier", "classifier-blue", "classifier-green"])
def test_what_somebody_elses_namespace_has_under_a_name_of_ours_is_refused(
    monkeypatch: pytest.MonkeyPatch, kind: str, name: str
) -> None:
    theirs_inside: Config = {"name": name, "labels": {"app": "shop"}}
    own: Config = {"name": name, "labels": {"app.kubernetes.io/part-of": "classifier"}}
    beside: Config = {"name": "beside", "labels": {}}
    Cluster(namespaces=FOREIGN, inside=[(kind, beside), (kind, theirs_inside)]).reached(monkeypatch)
    (line,) = refusal_of(existing())
    assert line.startswith(f"namespace classifier-dev: its {kind} {name} does not belong to this stack: an")
    Cluster(namespaces=FOREIGN, inside=[(kind, beside), (kind, own)]).reached(monkeypatch)
    run_main(existing())


def test_an_existing_namespace_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    Cluster().reached(monkeypatch)
    (line,) = refusal_of(existing())
    assert line == (
        "namespace classifier-dev: does not exist in the cluster; create it, or remove slipway:system.existingNamespace"
    )


@pytest.mark.parametrize("allowed", [False, True])
@pytest.mark.parametrize("name", ["kube-system", "kube-public", "kube-node-lease", "kube-mine"])
def test_the_namespaces_of_kubernetes_are_refused_always(name: str, *, allowed: bool) -> None:
    config = put(put(DEV, "system.namespace", name), "system.existingNamespace", allowed)
    assert refusal_of(config) == [
        f"slipway:system: namespace {name}: Kubernetes reserves the prefix kube-; choose another name"
    ]


def test_the_default_namespace_needs_the_explicit_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    (line,) = refusal_of(put(DEV, "system.namespace", "default"))
    assert line.startswith("slipway:system: namespace default: exists in every cluster")
    Cluster(namespaces={"default": {"uid": OWN}}).reached(monkeypatch)
    assert run_main(existing(put(DEV, "system.namespace", "default"))).of_kind("Namespace") == []


@pytest.mark.parametrize("name", ["PULUMI_K8S_ENABLE_PATCH_FORCE", "PULUMI_K8S_AWAIT_ALL"])
def test_a_variable_that_the_plugin_obeys_ends_an_update_and_not_a_preview(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "true")
    (line,) = refusal_of(DEV)
    assert line.startswith(f"the variable {name} is true: ")
    assert run_main(DEV, preview=True).of_kind("Deployment")


def test_the_state_is_that_of_the_stack_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def refusing(request: Any) -> Any:
        asked.append((request.tok, dict(request.args)))
        raise LookupError

    def program() -> None:
        monkeypatch.setattr(recorded.get_monitor(), "Invoke", refusing)
        with pytest.raises(LookupError):
            recorded.read()

    record(program, stack="prod")
    assert asked == [("pulumi:pulumi:readStackOutputs", {"name": "organization/slipway/prod"})]
    assert state_of(Recorded()).resources == {}
