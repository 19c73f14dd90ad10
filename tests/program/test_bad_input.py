"""The real ``__main__.py`` on bad input: one exact line with the path, and nothing registered before it."""

import json
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

import catalog
from catalog.project_file import ProjectFile
from tests.each import each
from tests.recording import refusal_of, run_main
from tests.samples import IMAGE, PLANTED, Config, put, release, runnable, stack_config, with_canary

SLOT = "slipway:release.classifier.slots.blue.image"
SLOTS = "release.classifier.slots"


def without(environment: str, section: str) -> Config:
    """A stack that lacks a section."""
    return {key: value for key, value in runnable(environment).items() if key != section}


LINES: dict[str, tuple[Config, str]] = {
    "tag_only_image_in_prod": (
        put(runnable("prod"), f"{SLOTS}.blue.image", "registry.example.com/server:v1"),
        (
            f"{SLOT}: 'registry.example.com/server:v1': "
            "an image must be named by digest, as repository@sha256:<64 hex>, because a tag can change"
        ),
    ),
    "no_image_in_prod": (
        put(runnable("prod"), f"{SLOTS}.blue", {}),
        f"{SLOT}: required, because only dev builds images; set the repository@sha256:<64 hex> that dev runs",
    ),
    "no_image_in_staging": (
        put(runnable("staging"), f"{SLOTS}.blue", {}),
        f"{SLOT}: required, because only dev builds images; set the repository@sha256:<64 hex> that dev runs",
    ),
    "name_of_70_characters": (
        put(runnable("prod"), "system.namespace", "n" * 70),
        f"slipway:system.namespace: '{'n' * 70}': the limit is 63 characters, but the name has 70; shorten it",
    ),
    "entry_of_70_characters": (
        put(runnable("prod"), "system.entry", "n" * 70),
        f"slipway:system.entry: '{'n' * 70}': the limit is 63 characters, but the name has 70; shorten it",
    ),
    "unknown_environment": (
        put(runnable("prod"), "system.environment", "pord"),
        (
            "slipway:system.environment: 'pord' is not an environment of catalog/classifier.yaml (dev, staging, prod)"
            "; did you mean 'prod'?"
        ),
    ),
    "unknown_entry": (
        put(runnable("prod"), "system.entry", "clasifier"),
        (
            f"slipway:system.entry: 'clasifier' is not in the catalogue ({', '.join(catalog.names())})"
            "; did you mean 'classifier'?"
        ),
    ),
    "no_context": (put(runnable("prod"), "cluster", {}), "slipway:cluster.context: required, but not set"),
    "weight_101": (
        with_canary("prod", weight=101),
        "slipway:release.classifier.weight: 101: must be at most 100",
    ),
    "weight_without_a_second_slot": (
        put(runnable("prod"), "release.classifier.weight", 20),
        (
            "slipway:release.classifier: weight and match require the other slot, which is not filled; "
            "fill it, or remove them"
        ),
    ),
    "pattern_that_is_no_regex": (
        with_canary("prod", match={"header": {"name": "X-Canary", "pattern": "(beta"}}),
        (
            "slipway:release.classifier.match.header.pattern: '(beta': not a regular expression: "
            "missing ), unterminated subpattern at position 0; correct the pattern"
        ),
    ),
    "no_registry_where_it_builds": (
        without("dev", "image"),
        "slipway:image: required, because dev builds an image; set at least its registry",
    ),
    "wheels_that_are_not_there": (
        put(runnable("dev"), "image.wheels", "no/such/folder"),
        (
            "slipway:image.wheels: the folder no/such/folder does not exist; run make up to create it, "
            "or remove the key so that the build uses a package index"
        ),
    ),
    "no_object_storage": (
        without("prod", "objectStorage"),
        "slipway:objectStorage: required by classifier; set at least the url of the S3 API",
    ),
    "no_secret": (
        without("prod", "secrets"),
        (
            "slipway:secrets.object-storage: required; set values (pulumi config set --secret --path "
            "'slipway:secrets.object-storage.values.AWS_ACCESS_KEY_ID' …), environment or externalSecret"
        ),
    ),
    "secret_without_a_key": (
        put(runnable("prod"), "secrets.object-storage", {"values": {"AWS_ACCESS_KEY_ID": PLANTED}}),
        (
            "slipway:secrets.object-storage: provides AWS_ACCESS_KEY_ID, "
            "but the entry declares AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY; provide the same keys"
        ),
    ),
    "secret_that_yaml_reads_as_a_number": (
        put(runnable("dev"), "secrets.object-storage.values.AWS_SECRET_ACCESS_KEY", 12345678),
        "slipway:secrets.object-storage.values.AWS_SECRET_ACCESS_KEY: [secret]: must be text; quote it",
    ),
    "password_in_an_address": (
        put(runnable("prod"), "objectStorage.url", f"https://reader:{PLANTED}@s3.example.com"),
        (
            "slipway:objectStorage.url: 'https://[secret]@s3.example.com': "
            "an address has the form http://host[:port] or https://host[:port], without a user or password"
        ),
    ),
    "release_of_an_unknown_service": (
        put(runnable("prod"), "release.clasifier", release()),
        "slipway:release.clasifier: no such service (classifier); did you mean 'classifier'?",
    ),
    "text_where_a_map_belongs": (
        put(runnable("prod"), "cluster", "{prod"),
        "slipway:cluster: '{prod': must be a map",
    ),
}


@each("case", LINES)
def test_bad_input_ends_with_exactly_one_line(case: str) -> None:
    config, line = LINES[case]
    assert refusal_of(config) == [line]


def test_a_context_that_no_kubeconfig_knows_is_refused_with_the_files_and_the_remedy(kubeconfig: Path) -> None:
    (line,) = refusal_of(put(runnable("prod"), "cluster.context", "prodd"))
    assert line == (
        f"slipway:cluster.context: 'prodd' is not in the kubeconfig (searched {kubeconfig}: they contain "
        "slipway-local, staging, prod); did you mean 'prod'?; correct it, or set KUBECONFIG "
        '(embedded cluster: make up, then eval "$(make -s env)")'
    )


CLASSIFIER: Config = yaml.safe_load((catalog.FOLDER / "classifier.yaml").read_text())
SERVICE = "services.classifier"
ENTRY_LINES: dict[str, tuple[Config, str]] = {
    "min_above_max": (
        put(CLASSIFIER, f"{SERVICE}.scaling.minReplicas", 11),
        (f"{SERVICE}.scaling: minReplicas 11 exceeds maxReplicas 10, "
        "so the API server would refuse the HPA; lower minReplicas or raise maxReplicas"),
    ),
    "cpu_1x": (
        put(CLASSIFIER, f"{SERVICE}.resources.requests.cpu", "1x"),
        (f"{SERVICE}.resources.requests.cpu: '1x': "
        "a quantity is a number with an optional unit, such as 250m, 1.5, 512Mi or 2Gi"),
    ),
    "requests_above_limits": (
        put(CLASSIFIER, f"{SERVICE}.resources.requests.cpu", 3),
        f"{SERVICE}.resources: requests.cpu 3 exceeds limits.cpu 2; lower the request or raise the limit",
    ),
    "service_name_of_70_characters": (
        put(CLASSIFIER, f"services.{'n' * 70}", CLASSIFIER["services"]["classifier"]),
        f"services.{'n' * 70}: '{'n' * 70}': the limit is 63 characters, but the name has 70; shorten it",
    ),
    "min_above_max_in_the_overlay": (
        put(CLASSIFIER, "environments.prod.services.classifier.scaling", {
            "minReplicas": 2, "maxReplicas": 1, "metrics": {"cpu": {"utilization": 70}},
        }),
        ("environments.prod.services.classifier.scaling: minReplicas 2 exceeds maxReplicas 1, "
        "so the API server would refuse the HPA; lower minReplicas or raise maxReplicas"),
    ),
    "dockerfile_whose_name_no_file_system_takes": (
        put(CLASSIFIER, "images.server.dockerfile", "ü" * 200),
        f"images.server.dockerfile: '{'ü' * 79}…: a path has at most 1,024 bytes and each part 255; shorten it",
    ),
    "dockerfile_that_is_not_there": (
        put(CLASSIFIER, "images.server.dockerfile", "Dockerfle"),
        "images.server: serving/Dockerfle does not exist in the project; correct context or dockerfile",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", ENTRY_LINES)
def test_a_bad_catalogue_entry_ends_with_exactly_one_line(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, line = ENTRY_LINES[case]
    (tmp_path / "classifier.yaml").write_text(yaml.safe_dump(data, sort_keys=False))
    read = catalog.read(name="classifier", folder=tmp_path)

    def reading(_name: str) -> Any:
        return read

    monkeypatch.setattr(catalog, "read", reading)
    assert refusal_of(runnable("dev")) == [f"catalog/classifier.yaml: {line}"]


def look_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the program find its stack files in a folder."""

    def read(_project: Path) -> ProjectFile:
        return ProjectFile(folder)

    monkeypatch.setattr(ProjectFile, "read", read)


def test_a_number_that_pulumi_has_already_changed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pulumi passes 2560 to the program; only the stack file shows what was written."""
    (tmp_path / "Pulumi.dev.yaml").write_text("config:\n  slipway:scaling: {port: 05000}\n  aws:account: 0123\n")
    look_in(tmp_path, monkeypatch)
    (fault,) = refusal_of(runnable("dev"))
    rule = "a number with a leading zero is read as octal; write 5000, or quote it"
    assert fault == f"Pulumi.dev.yaml, line 2, slipway:scaling.port: 05000: {rule}"


def test_a_fault_is_reported_with_the_file_and_line_that_hold_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = put(runnable("prod"), "cluster.traffic", "istio")
    (tmp_path / "Pulumi.prod.yaml").write_text(f"config:\n\n  slipway:cluster: {json.dumps(config['cluster'])}\n")
    look_in(tmp_path, monkeypatch)
    with pytest.raises(pulumi.RunError, match=r"^Pulumi\.prod\.yaml, line 3: slipway:cluster\.traffic: "):
        run_main(config, stack="prod")


STORAGE_KEYS = ("SLIPWAY_S3_ACCESS_KEY", "SLIPWAY_S3_SECRET_KEY")


def test_variables_of_the_embedded_cluster_that_are_not_set_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(STORAGE_KEYS[0], raising=False)
    monkeypatch.setenv(STORAGE_KEYS[1], "")
    shipped = put(runnable("dev"), "secrets", stack_config("dev")["secrets"])
    keys = shipped["secrets"]["object-storage"]["environment"]
    assert tuple(keys.values()) == STORAGE_KEYS
    assert refusal_of(shipped) == [
        f"slipway:secrets.object-storage.environment.{key}: the variable {variable} is unset or empty; "
        'set it (for the embedded cluster, run eval "$(make -s env)")'
        for key, variable in keys.items()
    ]


def test_two_faults_are_told_at_once() -> None:
    config = put(put(runnable("prod"), "cluster.contxt", "prod"), "cluster.traffic", "istio")
    assert [line.split(": ")[0] for line in refusal_of(config)] == ["slipway:cluster.traffic", "slipway:cluster.contxt"]


def test_nothing_of_another_namespace_is_read() -> None:
    assert refusal_of({}) == [
        "slipway:system: required, but not set",
        "slipway:cluster: required, but not set",
    ]


@pytest.mark.parametrize("text", ["{not json", "[1,", '{"a": 1', "[" * 100_000])
def test_configuration_that_is_no_json_is_refused_like_any_other(text: str) -> None:
    assert refusal_of(put(runnable("prod"), "system", text))[0].startswith("slipway:system: ")


def test_a_digest_is_all_that_prod_needs() -> None:
    assert put(runnable("prod"), f"{SLOTS}.blue.image", IMAGE) == runnable("prod")
