"""Catalogue entries, and how a stack's settings join one."""

import pytest

from models.entry import RESERVED_ENDINGS, CatalogueEntry
from models.errors import ConfigurationError
from models.stack import StackSettings
from models.system import SystemSpec, resolve
from tests.samples import IMAGE, Config, accepted, entry, put, refused, release, service, stack


def joined(stack_data: Config, entry_data: Config | None = None) -> SystemSpec:
    return resolve(accepted(StackSettings, stack_data), accepted(CatalogueEntry, entry_data or entry()))


def apart(stack_data: Config, entry_data: Config | None = None) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as raised:
        joined(stack_data, entry_data)
    return raised.value.faults


RUNS = {"web": {"slots": {"blue": {"image": IMAGE}}}}


@pytest.mark.parametrize("ending", RESERVED_ENDINGS)
def test_names_that_would_meet_a_slots_own_are_refused(ending: str) -> None:
    (fault,) = refused(CatalogueEntry, entry(services={f"web{ending}": service()}))
    assert fault.startswith(f"given: services.web{ending}: names ending in ")


@pytest.mark.parametrize("name", ["blue", "bluebell", "web-blues", "canary-web"])
def test_names_that_only_look_like_a_slots_are_accepted(name: str) -> None:
    assert accepted(CatalogueEntry, entry(services={name: service()}))


def test_an_image_that_no_one_describes_is_refused() -> None:
    (fault,) = refused(CatalogueEntry, put(entry(), "services.web.image", "servr"))
    assert fault.startswith("given: services.web.image: 'servr' is not among images (server)")


def test_an_overlay_of_a_service_that_does_not_exist_is_refused() -> None:
    (fault,) = refused(CatalogueEntry, entry(environments={"dev": {"services": {"wen": {}}}}))
    assert fault.startswith("given: environments.dev.services.wen: no such service (web)")


def test_two_faults_of_an_entry_are_two_lines() -> None:
    data = put(put(entry(), "services.web.image", "x"), "environments.dev.services", {"y": {}})
    assert len(refused(CatalogueEntry, data)) == 2


@pytest.mark.parametrize("block", ["images", "services", "environments"])
def test_an_entry_with_nothing_in_a_block_is_refused(block: str) -> None:
    (fault,) = refused(CatalogueEntry, entry(**{block: {}}))
    assert fault.startswith(f"given: {block}: ")


def test_the_first_environment_is_the_one_that_builds() -> None:
    given = accepted(CatalogueEntry, entry())
    assert given.building_environment == "dev"
    assert set(joined(stack("dev")).builds) == {"server"}
    assert joined(stack("prod", release=RUNS)).builds == {}


def test_an_image_that_no_slot_takes_is_not_built() -> None:
    assert joined(stack("dev", release=RUNS)).builds == {}


def test_a_release_of_one_service_leaves_the_others_on_the_built_image() -> None:
    data = entry(services={"web": service(), "api": service()})
    spec = joined(stack("dev", release=RUNS), data)
    images = {name: content.release.slots["blue"].image for name, content in spec.services.items()}
    assert images == {"web": IMAGE, "api": None}


def test_the_namespace_is_system_and_environment_unless_it_is_given() -> None:
    assert joined(stack("dev")).namespace == "shop-dev"
    assert joined(put(stack("dev"), "system.namespace", "elsewhere")).namespace == "elsewhere"


def test_a_default_namespace_that_is_too_long_is_refused_and_a_given_one_helps() -> None:
    name = "s" * 60
    long = put(stack("dev"), "system.entry", name)
    (fault,) = apart(long, entry(name=name))
    assert fault.startswith("slipway:system.namespace: ")
    assert joined(put(long, "system.namespace", "short"), entry(name=name)).namespace == "short"


def test_an_unknown_environment_is_refused_with_the_nearest_one() -> None:
    (fault,) = apart(stack("pord", release=RUNS))
    assert fault == (
        "slipway:system.environment: 'pord' is no environment of catalog/shop.yaml (dev, prod); did you mean 'prod'?"
    )


def test_an_entry_whose_name_is_not_its_files_is_refused() -> None:
    (fault,) = apart(stack("dev"), entry(name="shoe"))
    assert fault.startswith("catalog/shop.yaml: name: 'shoe' differs from the file's name")


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({}, "slipway:release.web.slots.blue.image"),
        ({"release": {"web": {"slots": {"green": {}}, "live": "green"}}}, "slipway:release.web.slots.green.image"),
    ],
)
def test_an_environment_that_does_not_build_needs_a_digest_for_every_slot(given: Config, path: str) -> None:
    (fault,) = apart(stack("prod", **given))
    assert fault.startswith(f"{path}: required, only dev builds; give the repository@sha256:<64 hex>")


def test_a_release_of_a_service_that_does_not_exist_is_refused_with_the_nearest_one() -> None:
    (fault,) = apart(stack("dev", release={"wep": RUNS["web"]}))
    assert fault == "slipway:release.wep: no such service (web); did you mean 'web'?"


def test_a_canary_without_a_route_is_refused() -> None:
    (fault,) = apart(stack("dev", release={"web": release()}), entry(services={"web": service()}))
    assert fault.startswith("slipway:release.web.slots: without a route nothing can split the traffic")


@pytest.mark.parametrize("other", [{"host": "a.example"}, {"host": "b.example", "stableHosts": ["a.example"]}])
def test_two_services_on_one_route_are_refused(other: Config) -> None:
    data = entry(services={"web": service(route={"host": "a.example"}), "api": service(route=other)})
    (fault,) = apart(stack("dev"), data)
    assert fault.startswith("catalog/shop.yaml: services.api.route: a.example/ leads to web already")


def test_two_services_may_share_a_host_on_different_paths() -> None:
    routes = [{"host": "a.example", "path": path} for path in ("/", "/api")]
    data = entry(services={"web": service(route=routes[0]), "api": service(route=routes[1])})
    assert len(joined(stack("dev"), data).services) == 2


def test_a_route_lets_a_canary_in() -> None:
    assert joined(stack("dev", release={"web": release()})).services["web"].release.canary == "green"


def test_the_environment_that_builds_needs_to_know_where_the_image_goes() -> None:
    data = stack("dev")
    del data["image"]
    (fault,) = apart(data)
    assert fault.startswith("slipway:image: not given, but dev builds an image")
    assert joined({**data, "release": RUNS}).builds == {}


def test_faults_of_several_services_are_told_at_once() -> None:
    data = entry(services={"web": service(), "api": service()})
    assert len(apart(stack("prod"), data)) == 2
