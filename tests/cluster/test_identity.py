"""Nothing is replaced or deleted by accident: contexts, namespaces, claims, a user's shell, stacks of an older version.

Most of it is previews: the system has one small service and one volume.
"""

import json
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import cast

import pytest
import yaml

from tests.cluster.copies import Copy, entry, initialised, service
from tests.cluster.stack import Done, Json, Stack, last_errors, project_elsewhere, run
from tests.recording import PROJECT

OLD_VERSION = "b544263"
"""The last commit whose state names the context."""
SYSTEM, GUEST, OLD = "keepers", "keepers-guest", "keepers-old"
MODEL = "s3://models/digits/1"


def content(storage_class: str | None = None) -> Json:
    volume = {"size": "64Mi", "access": "ReadWriteOnce", **({"storageClass": storage_class} if storage_class else {})}
    one = service(SYSTEM, MODEL, mounts={"shelf": "/shelf"}, route=None)
    del one["managementPort"]  # the older version does not know this field
    return entry(SYSTEM, {"keeper": one}, volumes={"shelf": volume})


def unchanged(done: Done) -> None:
    assert done.returncode == 0, done.stdout + done.stderr


def refused(done: Done, line: str) -> None:
    assert done.returncode != 0, done.stdout
    told = [one for one in last_errors(done).splitlines() if line in one]
    assert len(told) == 1, done.stdout + done.stderr


def operations(copy: Copy) -> dict[str, str]:
    """Return the changes of a preview by URN, without unchanged resources."""
    done = copy.pulumi("preview", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    steps = cast("list[Json]", json.loads(done.stdout)["steps"])
    return {step["urn"]: step["op"] for step in steps if step["op"] != "same"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return project_elsewhere(tmp_path_factory.mktemp(SYSTEM), content())


@pytest.fixture(scope="module")
def copy(stack: Stack, folder: Path) -> Iterator[Copy]:
    with initialised(stack, folder, SYSTEM) as made:
        made.up()
        yield made


def test_a_preview_after_the_first_update_is_empty(copy: Copy) -> None:
    unchanged(copy.pulumi("preview", "--expect-no-changes"))


def with_context(copy: Copy, name: str, folder: Path) -> Copy:
    """Return the stack as on another machine, whose kubeconfig has another name for the context."""
    known = yaml.safe_load(Path(copy.stack.env["KUBECONFIG"]).read_text())
    (only,) = known["contexts"]
    kubeconfig = folder / "config"
    kubeconfig.touch(mode=0o600)
    kubeconfig.write_text(yaml.safe_dump({**known, "contexts": [{**only, "name": name}], "current-context": name}))
    stack = replace(copy.stack, env={**copy.stack.env, "KUBECONFIG": str(kubeconfig)})
    settings = {**copy.settings, "slipway:cluster": {**copy.settings["slipway:cluster"], "context": name}}
    return replace(copy, stack=stack, settings=settings)


def test_a_renamed_context_is_no_change(copy: Copy, tmp_path: Path) -> None:
    elsewhere = with_context(copy, "another-laptop", tmp_path)
    elsewhere.write({})
    try:
        unchanged(elsewhere.pulumi("preview", "--expect-no-changes"))
        unchanged(elsewhere.pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes"))
    finally:
        copy.write({})


SHELL = {
    **dict.fromkeys(
        (
            "PULUMI_K8S_DELETE_UNREACHABLE",
            "PULUMI_K8S_ENABLE_PATCH_FORCE",
            "PULUMI_K8S_SKIP_UPDATE_UNREACHABLE",
            "PULUMI_K8S_SUPPRESS_DEPRECATION_WARNINGS",
            "PULUMI_K8S_SUPPRESS_HELM_HOOK_WARNINGS",
            "PULUMI_K8S_AWAIT_ALL",
        ),
        "true",
    ),
    "PULUMI_K8S_ENABLE_SERVER_SIDE_APPLY": "false",
    "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE": "false",
    "PULUMI_K8S_ENABLE_SECRET_MUTABLE": "false",
    "PULUMI_K8S_CLIENT_QPS": "7",
    "PULUMI_K8S_CLIENT_BURST": "7",
    "PULUMI_K8S_CLIENT_TIMEOUT": "30",
    "PULUMI_KUBERNETES_MANAGED_BY_LABEL": "slipway",
}


def test_no_variable_of_a_users_shell_changes_a_preview(copy: Copy) -> None:
    shell = replace(copy, stack=replace(copy.stack, env={**copy.stack.env, **SHELL}))
    unchanged(shell.pulumi("preview", "--expect-no-changes"))
    refused(shell.pulumi("up", "--yes", "--skip-preview"), "the variable PULUMI_K8S_ENABLE_PATCH_FORCE is true")


def test_another_storage_class_is_refused_at_preview_and_update(copy: Copy, folder: Path) -> None:
    file = folder / "catalog" / f"{SYSTEM}.yaml"
    before = file.read_text()
    try:
        file.write_text(yaml.safe_dump(content("another"), sort_keys=False))
        for command in (("preview",), ("up", "--yes", "--skip-preview")):
            refused(copy.pulumi(*command), "slipway:system.discard: the data of claim/shelf (storageClass")
    finally:
        file.write_text(before)
    unchanged(copy.pulumi("preview", "--expect-no-changes"))


def test_a_renamed_entry_keeps_its_claim(copy: Copy, stack: Stack, tmp_path: Path) -> None:
    claim = copy.found("pvc", "shelf")["metadata"]["uid"]
    renamed = replace(
        copy,
        folder=project_elsewhere(tmp_path, {**content(), "name": "renamed"}),
        settings={**copy.settings, "slipway:system": {**copy.settings["slipway:system"], "entry": "renamed"}},
    )
    renamed.write({})
    forced = replace(renamed, stack=replace(stack, env={**stack.env, "PULUMI_K8S_ENABLE_PATCH_FORCE": "true"}))
    for one in (renamed, forced):
        found = operations(one)
        assert not {urn: op for urn, op in found.items() if "delete" in op or "replace" in op}
    renamed.up()
    unchanged(renamed.pulumi("preview", "--expect-no-changes"))
    assert copy.found("pvc", "shelf")["metadata"]["uid"] == claim
    copy.up()
    assert copy.found("pvc", "shelf")["metadata"]["uid"] == claim


@pytest.fixture
def foreign(stack: Stack, folder: Path) -> Iterator[Copy]:
    """A stack whose namespace exists already and has a foreign ConfigMap."""
    with initialised(stack, folder, GUEST, entry=SYSTEM) as made:
        made.applied(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": GUEST, "labels": {"team": "ml"}}},
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "theirs", "namespace": GUEST}},
        )
        yield made
    assert run("kubectl", "delete", "namespace", GUEST, env=stack.env).returncode == 0


def test_a_foreign_namespace_is_refused_or_used_and_left(foreign: Copy) -> None:
    before = foreign.found("namespace", GUEST)["metadata"]
    for command in (("preview",), ("up", "--yes", "--skip-preview")):
        refused(foreign.pulumi(*command), f"namespace {GUEST}: already exists and belongs to no stack")
    foreign.settings["slipway:system"]["existingNamespace"] = True
    foreign.up()
    unchanged(foreign.pulumi("preview", "--expect-no-changes"))
    assert foreign.pods("keeper")
    unchanged(foreign.pulumi("destroy", "--yes", "--skip-preview"))
    after = foreign.found("namespace", GUEST)["metadata"]
    assert (after["uid"], after["labels"]) == (before["uid"], before["labels"])
    assert foreign.found("configmap", "theirs")
    assert foreign.found("deployments,pvc,networkpolicies,resourcequotas,limitranges")["items"] == []


@pytest.fixture(scope="module")
def old_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An older version of the program, from the repository's history."""
    tree = tmp_path_factory.mktemp("old")
    archive = subprocess.run(["git", "archive", OLD_VERSION], cwd=PROJECT, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=BytesIO(archive)) as files:
        files.extractall(tree, filter="data")
    return tree


def test_a_stack_of_the_version_before_is_carried_over_also_under_another_context(
    stack: Stack, folder: Path, old_program: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    laid_out = tmp_path_factory.mktemp("laid-out")
    for path in old_program.iterdir():  # all of its packages
        if path.name != "catalog" and not path.name.startswith("Pulumi."):
            (laid_out / path.name).symlink_to(path)
    (laid_out / "Pulumi.yaml").symlink_to(old_program / "Pulumi.yaml")
    (laid_out / "catalog").mkdir()
    (laid_out / "catalog" / "__init__.py").symlink_to(old_program / "catalog" / "__init__.py")
    (laid_out / "catalog" / f"{SYSTEM}.yaml").write_text(yaml.safe_dump(content(), sort_keys=False))
    (laid_out / ".slipway").symlink_to(PROJECT / ".slipway")
    with initialised(stack, folder, OLD, entry=SYSTEM) as made:
        cluster = {key: value for key, value in made.settings["slipway:cluster"].items() if key != "proxyMetricsUrl"}
        # Only the fields that the older version knows.
        new = replace(made, settings={**made.settings, "slipway:cluster": cluster})
        old = replace(new, folder=laid_out)
        old.up()
        uid = new.found("namespace", OLD)["metadata"]["uid"]
        pods = [pod["metadata"]["uid"] for pod in new.pods("keeper")]
        renamed = with_context(new, "another-laptop", tmp_path)
        for one in (new, renamed):
            one.write({})
            changes = operations(one)
            kinds = {urn.split("::")[2].rpartition("$")[2] for urn in changes}
            # The Deployment gets the annotation that leaves the wait to the program (ADR 20).
            assert kinds == {"pulumi:providers:kubernetes", "kubernetes:apps/v1:Deployment"}, changes
            assert set(changes.values()) == {"update"}
        renamed.up()
        assert [pod["metadata"]["uid"] for pod in new.pods("keeper")] == pods
        unchanged(renamed.pulumi("preview", "--expect-no-changes"))
        new.write({})
        unchanged(new.pulumi("preview", "--expect-no-changes"))
        assert new.found("namespace", OLD)["metadata"]["uid"] == uid


def test_a_run_leaves_no_copy_of_its_credentials_behind(copy: Copy) -> None:
    temporary = Path(copy.stack.env.get("TMPDIR", "/tmp"))  # noqa: S108 -- where the plugin writes them
    before = set(temporary.glob("kubeconfig[0-9]*"))
    unchanged(copy.pulumi("preview", "--expect-no-changes"))
    assert set(temporary.glob("kubeconfig[0-9]*")) <= before
