"""The real ``__main__.py`` on the shipped stacks: what it exports, and that it always asks for the same."""

from collections.abc import Callable

import pytest

from models.delivery import fingerprint
from models.release import SlotRelease
from models.revision import Revision
from tests.recording import DIGEST, Recorded, Registered, Secret
from tests.samples import (
    ENVIRONMENTS,
    IMAGE,
    OTHER_IMAGE,
    PLANTED,
    Config,
    classifier,
    put,
    release,
    runnable,
    stack_config,
    with_canary,
)

Program = Callable[..., Recorded]


def test_dev_exports_the_built_image_by_digest_and_the_embedded_clusters_url(program: Program) -> None:
    image = f"localhost:5050/classifier/server@{DIGEST}"
    outputs = program(runnable("dev")).outputs
    config = outputs["services"]["classifier"]["slots"]["blue"]["config"]
    assert outputs["services"] == {
        "classifier": {
            "url": "http://127.0.0.1:8080/predict",
            "host": "classifier.dev.slipway.test",
            "image": image,
            "live": "blue",
            "slots": {"blue": {"image": image, "config": config, "weight": 100}},
        }
    }


def test_dev_exports_what_the_next_stack_may_rely_on(program: Program) -> None:
    outputs = program(runnable("dev")).outputs
    revision = Revision.of(classifier().service_in("dev", "classifier"), SlotRelease())
    runs: Config = {
        "image": f"localhost:5050/classifier/server@{DIGEST}",
        "config": fingerprint(SlotRelease()),
        "content": {},
        "revision": revision.name,
    }
    assert outputs.keys() == {"services", "delivery", "cluster"}
    assert outputs["delivery"] == {
        "classifier": {
            "system": "classifier",
            "environment": "dev",
            "stack": "dev",
            "service": "classifier",
            "live": runs,
            "slots": {"blue": runs},
            "soak": 0,
            "fresh": 7 * 86_400,
            "verdicts": [],
            "holds": [],
            "revisions": {revision.name: revision.document()},
        }
    }


def test_the_exported_config_is_what_the_pods_report(program: Program) -> None:
    recorded = program(runnable("dev"))
    container = recorded.one("Deployment").inputs["spec"]["template"]["spec"]["containers"][0]
    reported = {variable["name"]: variable["value"] for variable in container["env"]}
    blue = recorded.outputs["services"]["classifier"]["slots"]["blue"]
    assert reported["SLIPWAY_CONFIG_HASH"] == blue["config"]
    assert reported["SLIPWAY_VERSION"] == DIGEST == blue["image"].partition("@")[2]


def test_prod_exports_the_given_digest_and_a_url_from_its_host(program: Program) -> None:
    service = program(runnable("prod"), stack="prod").outputs["services"]["classifier"]
    assert (service["image"], service["url"]) == (IMAGE, "http://classifier.example.com/predict")


def test_with_both_slots_filled_each_shows_its_image_and_its_share(program: Program) -> None:
    service = program(with_canary("prod", weight=20)).outputs["services"]["classifier"]
    assert (service["live"], service["image"]) == ("blue", IMAGE)
    shares = {slot: (content["image"], content["weight"]) for slot, content in service["slots"].items()}
    assert shares == {"blue": (IMAGE, 80), "green": (OTHER_IMAGE, 20)}


def test_with_green_live_the_exported_image_is_greens(program: Program) -> None:
    service = program(with_canary("prod", live="green", weight=20)).outputs["services"]["classifier"]
    assert (service["live"], service["image"]) == ("green", OTHER_IMAGE)
    assert {slot: content["weight"] for slot, content in service["slots"].items()} == {"blue": 20, "green": 80}


def test_dev_can_run_the_built_image_as_the_canary_of_a_given_one(program: Program) -> None:
    slots = {"blue": {"image": IMAGE}, "green": {}}
    service = program(put(runnable("dev"), "release.classifier", release(slots=slots, weight=20))).outputs["services"]
    assert service["classifier"]["slots"]["green"]["image"] == f"localhost:5050/classifier/server@{DIGEST}"


def by_urn(run: Recorded) -> dict[str, Registered]:
    """Everything that was registered; who is first among those that wait for nothing is left to chance."""
    return {resource.urn: resource for resource in sorted(run.resources, key=lambda resource: resource.urn)}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_same_configuration_asks_for_the_same_twice(program: Program, environment: str) -> None:
    first, second = (program(with_canary(environment)) for _ in range(2))
    assert by_urn(first) == by_urn(second)
    assert first.outputs == second.outputs


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_stacks_name_changes_nothing_but_whose_the_namespace_is(program: Program, environment: str) -> None:
    first, second = (program(runnable(environment), stack=stack) for stack in ("dev", "quite-odd.Name_7"))
    for run, name in ((first, "dev"), (second, "quite-odd.Name_7")):
        assert run.one("Namespace").inputs["metadata"]["labels"].pop("slipway.dev/stack") == name
        (provider,) = (r for r in run.resources if r.type == "pulumi:providers:kubernetes")
        assert provider.inputs.pop("kubeconfig") == f".slipway/kube/{name}", "two stacks may be deployed at once"
    assert [r.inputs for r in by_urn(first).values()] == [r.inputs for r in by_urn(second).values()]


def test_only_the_first_environment_builds(program: Program) -> None:
    built = {environment: len(program(runnable(environment)).of_kind("Image")) for environment in ENVIRONMENTS}
    assert built == {"dev": 2, "staging": 0, "prod": 0}


def test_every_environment_runs_the_same_services(program: Program) -> None:
    services = [set(program(runnable(environment)).outputs["services"]) for environment in ENVIRONMENTS]
    assert services == [{"classifier"}] * 3


def test_dev_takes_its_secrets_from_the_variables_that_make_env_exports(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = stack_config("dev")["secrets"]
    for variable in sources["object-storage"]["environment"].values():
        monkeypatch.setenv(variable, PLANTED)
    secret = program({**runnable("dev"), "secrets": sources}).one("Secret")
    assert secret.inputs["stringData"] == {"AWS_ACCESS_KEY_ID": PLANTED, "AWS_SECRET_ACCESS_KEY": PLANTED}
    assert all(isinstance(value, Secret) for value in secret.inputs["stringData"].values())


@pytest.mark.parametrize("environment", ["staging", "prod"])
def test_elsewhere_the_values_never_pass_through_pulumi(program: Program, environment: str) -> None:
    run = program(runnable(environment))
    assert run.of_kind("Secret") == []
    (external,) = run.of_kind("ExternalSecret")
    assert external.inputs["spec"]["secretStoreRef"]["name"] == "vault"
