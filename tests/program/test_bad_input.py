"""The real ``__main__.py`` on bad input: one exact line with the path, and nothing registered before it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

import catalog
from tests.each import each
from tests.recording import refusal_of
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
            "an image is named by digest, repository@sha256:<64 hex>; a tag can change under you"
        ),
    ),
    "no_image_in_prod": (
        put(runnable("prod"), f"{SLOTS}.blue", {}),
        f"{SLOT}: required, only dev builds; give the repository@sha256:<64 hex> that dev runs",
    ),
    "no_image_in_staging": (
        put(runnable("staging"), f"{SLOTS}.blue", {}),
        f"{SLOT}: required, only dev builds; give the repository@sha256:<64 hex> that dev runs",
    ),
    "name_of_70_characters": (
        put(runnable("prod"), "system.namespace", "n" * 70),
        f"slipway:system.namespace: '{'n' * 70}': a name has at most 63 characters, this one has 70; shorten it",
    ),
    "entry_of_70_characters": (
        put(runnable("prod"), "system.entry", "n" * 70),
        f"slipway:system.entry: '{'n' * 70}': a name has at most 63 characters, this one has 70; shorten it",
    ),
    "unknown_environment": (
        put(runnable("prod"), "system.environment", "pord"),
        (
            "slipway:system.environment: 'pord' is no environment of catalog/classifier.yaml (dev, staging, prod)"
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
    "no_context": (put(runnable("prod"), "cluster", {}), "slipway:cluster.context: required, but not given"),
    "weight_101": (
        with_canary("prod", weight=101),
        "slipway:release.classifier.weight: 101: Input should be less than or equal to 100",
    ),
    "weight_without_a_second_slot": (
        put(runnable("prod"), "release.classifier.weight", 20),
        (
            "slipway:release.classifier: weight and match send requests to the other slot, which is not filled; "
            "fill it or drop them"
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
        "slipway:image: not given, but dev builds an image; say at least its registry",
    ),
    "wheels_that_are_not_there": (
        put(runnable("dev"), "image.wheels", "no/such/folder"),
        (
            "slipway:image.wheels: there is no folder no/such/folder; make up fills it, "
            "or remove the key and let the build use a package index"
        ),
    ),
    "no_object_storage": (
        without("prod", "objectStorage"),
        "slipway:objectStorage: required by classifier; give at least the url of the S3 API",
    ),
    "no_secret": (
        without("prod", "secrets"),
        (
            "slipway:secrets.object-storage: required; give values (pulumi config set --secret --path "
            "'slipway:secrets.object-storage.values.AWS_ACCESS_KEY_ID' …), environment or externalSecret"
        ),
    ),
    "secret_without_a_key": (
        put(runnable("prod"), "secrets.object-storage", {"values": {"AWS_ACCESS_KEY_ID": PLANTED}}),
        (
            "slipway:secrets.object-storage: gives AWS_ACCESS_KEY_ID, "
            "the entry says AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY; make them equal"
        ),
    ),
    "secret_that_yaml_reads_as_a_number": (
        put(runnable("dev"), "secrets.object-storage.values.AWS_SECRET_ACCESS_KEY", 12345678),
        "slipway:secrets.object-storage.values.AWS_SECRET_ACCESS_KEY: [secret]: text belongs here; quote it",
    ),
    "password_in_an_address": (
        put(runnable("prod"), "objectStorage.url", f"https://reader:{PLANTED}@s3.example.com"),
        (
            "slipway:objectStorage.url: 'https://[secret]@s3.example.com': "
            "an address is http://host[:port] or https://host[:port], with no user or password in it"
        ),
    ),
    "release_of_an_unknown_service": (
        put(runnable("prod"), "release.clasifier", release()),
        "slipway:release.clasifier: no such service (classifier); did you mean 'classifier'?",
    ),
    "text_where_a_map_belongs": (
        put(runnable("prod"), "cluster", "{prod"),
        "slipway:cluster: '{prod': a map belongs here",
    ),
}


@each("case", LINES)
def test_bad_input_ends_with_exactly_one_line(case: str) -> None:
    config, line = LINES[case]
    assert refusal_of(config) == [line]


def test_a_context_that_no_kubeconfig_knows_is_refused_with_the_files_and_the_remedy(kubeconfig: Path) -> None:
    (line,) = refusal_of(put(runnable("prod"), "cluster.context", "prodd"))
    assert line == (
        f"slipway:cluster.context: 'prodd' is not in the kubeconfig (searched {kubeconfig}: they hold slipway-local, "
        "staging, prod); did you mean 'prod'?; correct it, or set KUBECONFIG (embedded cluster: make up, then "
        'eval "$(make -s env)")'
    )


CLASSIFIER: Config = yaml.safe_load((catalog.FOLDER / "classifier.yaml").read_text())
SERVICE = "services.classifier"
ENTRY_LINES: dict[str, tuple[Config, str]] = {
    "min_above_max": (
        put(CLASSIFIER, f"{SERVICE}.scaling.minReplicas", 11),
        (f"{SERVICE}.scaling: minReplicas 11 exceeds maxReplicas 10; "
        "the HPA would be refused: lower the one or raise the other"),
    ),
    "cpu_1x": (
        put(CLASSIFIER, f"{SERVICE}.resources.requests.cpu", "1x"),
        (f"{SERVICE}.resources.requests.cpu: '1x': "
        "a quantity is a number with an optional unit, such as 250m, 1.5, 512Mi or 2Gi"),
    ),
    "requests_above_limits": (
        put(CLASSIFIER, f"{SERVICE}.resources.requests.cpu", 3),
        f"{SERVICE}.resources: requests.cpu 3 exceeds limits.cpu 2; raise the limit or ask for less",
    ),
    "service_name_of_70_characters": (
        put(CLASSIFIER, f"services.{'n' * 70}", CLASSIFIER["services"]["classifier"]),
        f"services.{'n' * 70}: '{'n' * 70}': a name has at most 63 characters, this one has 70; shorten it",
    ),
    "min_above_max_in_the_overlay": (
        put(CLASSIFIER, "environments.prod.services.classifier.scaling", {
            "minReplicas": 2, "maxReplicas": 1, "metrics": {"cpu": {"utilization": 70}},
        }),
        ("environments.prod.services.classifier.scaling: minReplicas 2 exceeds maxReplicas 1; "
        "the HPA would be refused: lower the one or raise the other"),
    ),
    "dockerfile_that_is_not_there": (
        put(CLASSIFIER, "images.server.dockerfile", "Dockerfle"),
        "images.server: there is no serving/Dockerfle in the project; correct context or dockerfile",
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


STORAGE_KEYS = ("SLIPWAY_S3_ACCESS_KEY", "SLIPWAY_S3_SECRET_KEY")


def test_variables_of_the_embedded_cluster_that_are_not_set_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(STORAGE_KEYS[0], raising=False)
    monkeypatch.setenv(STORAGE_KEYS[1], "")
    shipped = put(runnable("dev"), "secrets", stack_config("dev")["secrets"])
    keys = shipped["secrets"]["object-storage"]["environment"]
    assert tuple(keys.values()) == STORAGE_KEYS
    assert refusal_of(shipped) == [
        f"slipway:secrets.object-storage.environment.{key}: the variable {variable} is not set or empty; "
        'set it (eval "$(make -s env)" sets those of the embedded cluster)'
        for key, variable in keys.items()
    ]


def test_two_faults_are_told_at_once() -> None:
    config = put(put(runnable("prod"), "cluster.contxt", "prod"), "cluster.traffic", "istio")
    assert [line.split(": ")[0] for line in refusal_of(config)] == ["slipway:cluster.traffic", "slipway:cluster.contxt"]


def test_nothing_of_another_namespace_is_read() -> None:
    assert refusal_of({}) == [
        "slipway:system: required, but not given",
        "slipway:cluster: required, but not given",
    ]


@pytest.mark.parametrize("text", ["{not json", "[1,", '{"a": 1', "[" * 100_000])
def test_configuration_that_is_no_json_is_refused_like_any_other(text: str) -> None:
    assert refusal_of(put(runnable("prod"), "system", text))[0].startswith("slipway:system: ")


def test_a_digest_is_all_that_prod_needs() -> None:
    assert put(runnable("prod"), f"{SLOTS}.blue.image", IMAGE) == runnable("prod")
