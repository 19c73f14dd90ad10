"""Catalogue entries, and what a stack makes of one."""

import pytest

from models.entry import CatalogueEntry
from models.errors import ConfigurationError
from models.resolve import resolve
from models.stack import StackSettings
from models.system import SystemSpec
from tests.samples import IMAGE, Config, accepted, entry, job, put, refused, service, stack, store

RUNS = {"web": {"slots": {"blue": {"image": IMAGE}}}}


def joined(stack_data: Config, entry_data: Config | None = None) -> SystemSpec:
    return resolve(accepted(StackSettings, stack_data), accepted(CatalogueEntry, entry_data or entry()))


def apart(stack_data: Config, entry_data: Config | None = None) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as raised:
        joined(stack_data, entry_data)
    return raised.value.faults


@pytest.mark.parametrize("block", ["images", "services", "environments"])
def test_an_entry_with_nothing_in_a_block_is_refused(block: str) -> None:
    assert refused(CatalogueEntry, entry(**{block: {}})) == (f"given: {block}: must not be empty; add at least one",)


@pytest.mark.parametrize("value", ["yes", 1, None])
def test_protection_is_on_or_off(value: object) -> None:
    (fault,) = refused(CatalogueEntry, entry(environments={"dev": {"protect": value}}))
    assert fault == f"given: environments.dev.protect: {value!r}: must be true or false"


def test_the_first_environment_is_the_one_that_builds() -> None:
    given = accepted(CatalogueEntry, entry())
    assert given.building_environment == "dev"
    assert set(joined(stack("dev")).builds) == {"server"}
    assert joined(stack("prod", release=RUNS)).builds == {}


def test_an_image_that_nothing_takes_is_not_built() -> None:
    assert joined(stack("dev", release=RUNS)).builds == {}


def test_the_images_of_stores_and_jobs_are_built_where_they_run() -> None:
    images = {name: {"context": "serving"} for name in ("server", "redis", "trainer", "unused")}
    data = entry(images=images, stores={"queue": store(image="redis")})
    data = put(data, "environments.dev.jobs", {"train": job(image="trainer")})
    assert set(joined(stack("dev"), data).builds) == {"server", "redis", "trainer"}
    assert set(joined(stack("dev", images={"redis": IMAGE}), data).builds) == {"server", "trainer"}


def test_a_release_of_one_service_leaves_the_others_on_the_built_image() -> None:
    data = entry(services={"web": service(), "api": service()})
    spec = joined(stack("dev", release=RUNS), data)
    images = {name: content.release.slots["blue"].image for name, content in spec.services.items()}
    assert images == {"web": IMAGE, "api": None}


def test_the_namespace_is_system_and_environment_unless_it_is_given() -> None:
    assert joined(stack("dev")).namespace == "shop-dev"
    assert joined(put(stack("dev"), "system.namespace", "elsewhere")).namespace == "elsewhere"


def test_an_unknown_environment_is_refused_with_the_nearest_one() -> None:
    assert apart(stack("pord", release=RUNS)) == (
        (
            "slipway:system.environment: 'pord' is not an environment of catalog/shop.yaml (dev, prod)"
            "; did you mean 'prod'?"
        ),
    )


def test_an_entry_whose_name_is_not_its_files_is_refused() -> None:
    assert apart(stack("dev"), entry(name="shoe")) == (
        "catalog/shop.yaml: name: 'shoe' differs from the file name; make both the same",
    )


def test_jobs_and_protection_are_an_environments_own() -> None:
    data = put(entry(), "environments.dev", {"jobs": {"train": job()}, "protect": True})
    dev, prod = joined(stack("dev"), data), joined(stack("prod", release=RUNS), data)
    assert (list(dev.jobs), dev.protect) == (["train"], True)
    assert (list(prod.jobs), prod.protect) == ([], False)


def test_an_environment_replaces_volumes_whole() -> None:
    volumes = {"hub": {"size": "5Gi", "access": "ReadWriteMany"}, "work": {"size": "1Gi"}}
    data = put(entry(volumes=volumes), "environments.dev.volumes", {"hub": {"size": "64Mi"}})
    dev, prod = joined(stack("dev"), data).volumes, joined(stack("prod", release=RUNS), data).volumes
    assert (dev["hub"].size, dev["hub"].access, dev["work"].size) == ("64Mi", "ReadWriteOnce", "1Gi")
    assert (prod["hub"].size, prod["hub"].access) == ("5Gi", "ReadWriteMany")


def test_an_environment_replaces_a_stores_blocks_and_leaves_the_rest() -> None:
    data = entry(stores={"queue": store(args=["--save"], grace="45s", volume={"size": "2Gi", "path": "/db"})})
    data = put(data, "environments.dev.stores.queue", {"volume": {"size": "64Mi"}})
    dev = joined(stack("dev"), data).stores["queue"]
    assert (dev.volume.size, dev.volume.path, dev.args, dev.grace) == ("64Mi", "/data", ("--save",), 45)


@pytest.mark.parametrize("block", ["volume", "resources", "scheduling"])
def test_an_overlay_of_a_store_that_takes_a_block_away_is_refused(block: str) -> None:
    data = entry(stores={"queue": store()}, environments={"dev": {"stores": {"queue": {block: None}}}})
    (fault,) = refused(CatalogueEntry, data)
    assert fault.startswith(f"given: environments.dev.stores.queue: {block}: no value is set; ")
