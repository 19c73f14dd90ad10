"""Secrets: an entry names keys, a stack says where values come from, and no value is ever repeated."""

import pytest
from pydantic import BaseModel

from models.secrets import EnvironmentSecret, ExternalSecret, GivenSecret, SecretSpec
from models.stack import StackSettings
from tests.each import each
from tests.models.tables import (
    AT_LEAST_1,
    EMPTY,
    FILE,
    LIST,
    OBJECT,
    REQUIRED,
    VARIABLE,
    Accepted,
    Refused,
    accepting,
    refusing,
)
from tests.samples import PLANTED, Config, accepted, refused, stack

VAULT = {"store": "vault", "key": "ml/classifier"}

ACCEPTED: Accepted = [
    (SecretSpec, {"keys": ["DATABASE_PASSWORD", "_token"]}),
    (SecretSpec, {"kind": "registry"}),
    (SecretSpec, {"kind": "files", "keys": ["tls.crt", "tls.key"]}),
    (GivenSecret, {"values": {"A": PLANTED}}),
    (EnvironmentSecret, {"environment": {".dockerconfigjson": "REGISTRY_LOGIN"}}),
    (ExternalSecret, {"externalSecret": VAULT}),
    (ExternalSecret, {"externalSecret": {**VAULT, "kind": "SecretStore", "refresh": "1s", "store": "vault.eu"}}),
]
REFUSED: Refused = [
    (SecretSpec, {}, "keys is empty; name the environment variables that the secret holds"),
    (SecretSpec, {"keys": []}, "keys is empty; name the environment variables that the secret holds"),
    (SecretSpec, {"keys": ["A", "A"]}, "keys lists a key twice; remove one"),
    (SecretSpec, {"keys": ["A-B"]}, f"keys.0: 'A-B': {VARIABLE}"),
    (
        SecretSpec,
        {"keys": ["SLIPWAY_SLOT"]},
        "keys.0: 'SLIPWAY_SLOT': Slipway sets this variable; choose another name",
    ),
    (SecretSpec, {"keys": ["a/b"]}, f"keys.0: 'a/b': {FILE}"),
    (SecretSpec, {"kind": "files"}, "keys is empty; name the files that the secret holds"),
    (SecretSpec, {"keys": "A"}, f"keys: 'A': {LIST}"),
    (SecretSpec, {"keys": {"A": PLANTED}}, f"keys: {LIST}"),
    (SecretSpec, {"values": {"A": PLANTED}}, "values: unknown key; known keys: kind, keys"),
    (SecretSpec, {"kind": "tls", "keys": ["A"]}, "kind: 'tls': must be 'variables', 'files' or 'registry'"),
    (
        SecretSpec,
        {"kind": "registry", "keys": ["A"]},
        "a secret of kind registry has only the key .dockerconfigjson; remove keys",
    ),
    (GivenSecret, {"values": {}}, f"values: {EMPTY}"),
    (GivenSecret, {"values": {"": "a"}}, "values.: '': must not be empty"),
    (EnvironmentSecret, {"environment": {}}, f"environment: {EMPTY}"),
    (EnvironmentSecret, {"environment": {"A": "A-B"}}, f"environment.A: 'A-B': {VARIABLE}"),
    (ExternalSecret, {"externalSecret": {"key": "a"}}, f"externalSecret.store: {REQUIRED}"),
    (ExternalSecret, {"externalSecret": {"store": "vault"}}, f"externalSecret.key: {REQUIRED}"),
    (
        ExternalSecret,
        {"externalSecret": {**VAULT, "kind": "Vault"}},
        "externalSecret.kind: [secret]: must be 'SecretStore' or 'ClusterSecretStore'",
    ),
    (ExternalSecret, {"externalSecret": {**VAULT, "store": "Vault"}}, f"externalSecret.store: [secret]: {OBJECT}"),
    (
        ExternalSecret,
        {"externalSecret": {**VAULT, "key": ""}},
        "externalSecret.key: [secret]: must not be empty",
    ),
    (ExternalSecret, {"externalSecret": {**VAULT, "refresh": "0s"}}, f"externalSecret.refresh: [secret]: {AT_LEAST_1}"),
]


test_what_keeps_the_rules_is_accepted = accepting(ACCEPTED)
test_what_breaks_a_rule_is_refused_in_one_line = refusing(REFUSED)


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ({"values": {"A": PLANTED}}, GivenSecret),
        ({"environment": {"A": "B"}}, EnvironmentSecret),
        ({"externalSecret": VAULT}, ExternalSecret),
    ],
)
def test_a_stack_takes_a_secret_from_one_of_three_sources(source: Config, kind: type[BaseModel]) -> None:
    assert type(accepted(StackSettings, stack(secrets={"database": source})).secrets["database"]) is kind


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ({}, "values: required, but not set"),
        ({"values": {"A": "a"}, "environment": {"A": "B"}}, "values: unknown key; known keys: environment"),
        ({"environment": {"A": "B"}, "externalSecret": VAULT}, "environment: unknown key; known keys: externalSecret"),
    ],
)
def test_a_secret_has_exactly_one_source(source: Config, line: str) -> None:
    assert refused(StackSettings, stack(secrets={"database": source})) == (f"given: secrets.database.{line}",)


def test_a_model_that_holds_values_does_not_show_them() -> None:
    given = accepted(StackSettings, stack(secrets={"database": {"values": {"A": PLANTED}}}))
    assert PLANTED not in f"{given!r} {given} {given.model_dump()} {given.model_dump_json()}"


WRONG: list[object] = [
    PLANTED,
    [PLANTED],
    {"values": PLANTED},
    {"values": [PLANTED]},
    {"values": {"A": [PLANTED]}},
    {"values": {"A": {"secure": PLANTED}}},
    {"values": {"": PLANTED}},
    {"values": {"A": PLANTED}, "extra": PLANTED},
    {"valeus": {"A": PLANTED}},
    {"A": PLANTED},
    {"environment": PLANTED},
    {"environment": {"A": PLANTED}},
    {"environment": {"A": f"{PLANTED} {PLANTED}"}},
    {"environment": {"A": [PLANTED]}},
    {"externalSecret": PLANTED},
    {"externalSecret": {"store": f"{PLANTED}_", "key": "a"}},
    {"externalSecret": {"store": "vault", "key": [PLANTED]}},
    {"externalSecret": {**VAULT, "refresh": PLANTED}},
    {"externalSecret": {**VAULT, "value": PLANTED}},
]


@each("source", WRONG)
def test_whatever_is_wrong_about_a_secret_its_value_is_not_repeated(source: object) -> None:
    faults = refused(StackSettings, stack(secrets={"database": source}))
    assert all(fault.startswith("given: secrets.database") for fault in faults)
    assert PLANTED not in "".join(faults)


@pytest.mark.parametrize("value", [12345678, 1234.5678, True, None], ids=str)
def test_a_value_that_yaml_reads_as_something_else_is_not_repeated_either(value: object) -> None:
    (fault,) = refused(StackSettings, stack(secrets={"database": {"values": {"A": value}}}))
    assert fault == "given: secrets.database.values.A: [secret]: must be text; quote it"


@pytest.mark.parametrize("section", [PLANTED, f'{{"database": {{"values": {{"A": "{PLANTED}"', [PLANTED]], ids=str)
def test_a_section_of_secrets_that_is_no_map_is_not_repeated(section: object) -> None:
    (fault,) = refused(StackSettings, stack(secrets=section))
    assert fault.startswith("given: secrets: ")
    assert PLANTED not in fault
