"""Rules that join the blocks of one service, and the overlay that an environment lays over them."""

from typing import Any

import pytest

from models.entry import CatalogueEntry
from models.errors import ConfigurationError
from models.service import ServiceSpec
from models.stack import StackSettings
from models.system import resolve
from tests.samples import Config, accepted, entry, put, refused, service, stack


def minimum(replicas: int) -> dict[str, Any]:
    return {"minReplicas": replicas, "maxReplicas": 9, "metrics": {"cpu": {"utilization": 70}}}


@pytest.mark.parametrize(
    "blocks",
    [
        {},
        {"health": {"startup": "60s"}, "rollout": {"progressDeadline": "60s", "timeout": "60s"}},
        {"health": {"startup": "5s", "period": "5s"}},
        {"scaling": minimum(2), "disruption": {"minAvailable": 1}},
        {"scaling": {"replicas": 3}, "disruption": {"minAvailable": 2}},
        {"monitoring": None, "route": None},
    ],
)
def test_blocks_that_fit_together_are_accepted(blocks: dict[str, Any]) -> None:
    assert accepted(ServiceSpec, service(**blocks))


@pytest.mark.parametrize(
    ("blocks", "line"),
    [
        (
            {"health": {"startup": "61s"}, "rollout": {"progressDeadline": "60s"}},
            "given: health.startup: 61s exceeds rollout.progressDeadline 60s",
        ),
        (
            {"rollout": {"progressDeadline": "61s", "timeout": "60s"}},
            "given: rollout.progressDeadline: 61s exceeds rollout.timeout 60s",
        ),
        ({"health": {"startup": "4s", "period": "5s"}}, "given: health.startup: 4s is shorter than one health.period"),
        (
            {"scaling": minimum(1), "disruption": {"minAvailable": 1}},
            "given: disruption.minAvailable: 1 leaves no pod evictable at 1 replicas",
        ),
        (
            {"scaling": {"replicas": 2}, "disruption": {"minAvailable": 3}},
            "given: disruption.minAvailable: 3 leaves no pod evictable at 2 replicas",
        ),
    ],
)
def test_blocks_that_contradict_each_other_are_refused(blocks: dict[str, Any], line: str) -> None:
    (fault,) = refused(ServiceSpec, service(**blocks))
    assert fault.startswith(line)


def test_each_contradiction_has_a_line_of_its_own() -> None:
    blocks = {"health": {"startup": "90s"}, "rollout": {"progressDeadline": "80s", "timeout": "70s"}}
    faults = refused(ServiceSpec, service(**blocks))
    assert [fault.split(": ")[1] for fault in faults] == ["health.startup", "rollout.progressDeadline"]


@pytest.mark.parametrize("port", [0, 65536, "5000", 5000.5])
def test_a_port_that_no_socket_has_is_refused(port: object) -> None:
    (fault,) = refused(ServiceSpec, service(port=port))
    assert fault.startswith(f"given: port: {port!r}: ")


OVERLAYS: dict[str, Any] = {
    "resources": {"requests": {"cpu": "2", "memory": "1Gi"}, "limits": {"cpu": "3", "memory": "2Gi"}},
    "scaling": {"replicas": 7},
    "server": {"queueLimit": 5},
    "health": {"ready": "/other"},
    "rollout": {"maxSurge": 3},
    "drain": {"preStop": "9s", "grace": "50s"},
    "disruption": {"minAvailable": 1},
    "scheduling": {"apart": "required"},
    "route": {"host": "other.example.com"},
    "monitoring": {"path": "/other"},
}


def overlaid(blocks: Config) -> ServiceSpec:
    given = accepted(CatalogueEntry, entry(environments={"dev": {"services": {"web": blocks}}, "prod": {}}))
    return resolve(accepted(StackSettings, stack("dev")), given).services["web"].spec


@pytest.mark.parametrize("block", OVERLAYS)
def test_an_overlay_replaces_its_block_and_no_other(block: str) -> None:
    base = accepted(ServiceSpec, entry()["services"]["web"])
    changed = overlaid({block: OVERLAYS[block]})
    expected = accepted(ServiceSpec, {**entry()["services"]["web"], block: OVERLAYS[block]})
    assert changed == expected
    assert changed != base


def test_an_overlay_exists_for_every_block_that_an_environment_may_change() -> None:
    fixed_everywhere = {"image", "port", "model"}
    assert set(OVERLAYS) == set(ServiceSpec.model_fields) - fixed_everywhere


def test_a_block_that_is_named_goes_whole_and_keeps_nothing_of_the_old_one() -> None:
    base = put(entry(), "services.web.drain", {"preStop": "9s", "grace": "50s"})
    data = put(base, "environments.dev.services.web", {"drain": {"grace": "45s"}})
    spec = resolve(accepted(StackSettings, stack("dev")), accepted(CatalogueEntry, data)).services["web"].spec
    assert (spec.drain.pre_stop, spec.drain.grace) == (5, 45)


def test_an_environment_may_take_the_route_and_the_monitor_away() -> None:
    spec = overlaid({"route": None, "monitoring": None})
    assert (spec.route, spec.monitoring) == (None, None)


def test_environments_without_an_overlay_get_the_entry_as_it_stands() -> None:
    given = accepted(CatalogueEntry, entry(environments={"dev": {"services": {"web": OVERLAYS}}, "prod": {}}))
    assert given.service_in("prod", "web") == given.services["web"]


def test_an_overlay_that_breaks_a_rule_with_the_entrys_blocks_is_refused_where_it_stands() -> None:
    data = entry(environments={"dev": {"services": {"web": {"rollout": {"progressDeadline": "30s"}}}}})
    with pytest.raises(ConfigurationError) as raised:
        resolve(accepted(StackSettings, stack("dev")), accepted(CatalogueEntry, data))
    (fault,) = raised.value.faults
    assert fault.startswith("catalog/shop.yaml: environments.dev.services.web.health.startup: 60s exceeds")


@pytest.mark.parametrize("key", ["image", "port", "model"])
def test_an_overlay_cannot_change_what_both_slots_and_all_environments_share(key: str) -> None:
    data = entry(environments={"dev": {"services": {"web": {key: service()[key]}}}})
    (fault,) = refused(CatalogueEntry, data)
    assert fault.startswith(f"given: environments.dev.services.web.{key}: unknown key")
