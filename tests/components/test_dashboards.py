"""The dashboard of a system: what it shows of which services, and that Grafana can read it."""

import json
import re
from collections.abc import Iterator
from typing import Any, cast

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from components.manifests import dashboards
from models.entry import CatalogueEntry
from models.resolve import resolve
from models.stack import StackSettings
from models.system import SystemSpec
from tests.components.deploying import deployed
from tests.declared import Declared
from tests.queries import faults
from tests.samples import Config, accepted, entry, put, release, service, stack

ROUTE: Config = {"host": "web.example.com"}
SLO: Config = {"slo": {"availability": 99.9, "latency": {"percent": 99, "within": "500ms"}}}


def board(config_map: Declared) -> dict[str, Any]:
    (text,) = config_map.inputs["data"].values()
    return json.loads(text)


def of_web(**blocks: Any) -> dict[str, Any]:
    return board(deployed(entry(services={"web": service(**blocks)})).one("ConfigMap", "dashboard"))


def panels(of: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {panel["title"]: panel for panel in of["panels"] if panel["type"] != "row"}


def system(services: Config, **cluster: object) -> SystemSpec:
    data = accepted(StackSettings, put(stack(), "cluster", {"context": "prod", **cluster}))
    return resolve(data, accepted(CatalogueEntry, entry(services=services)))


def lost(given: Any, read: Any, path: str = "") -> Iterator[str]:
    """Where what was read back differs from what was given; what a reader adds is its own."""
    if isinstance(given, dict):
        for key, value in cast("dict[str, Any]", given).items():
            yield from lost(value, read[key], f"{path}.{key}") if key in read else [f"{path}.{key}"]
    elif isinstance(given, list):
        for index, (mine, its) in enumerate(zip(cast("list[Any]", given), read, strict=True)):
            yield from lost(mine, its, f"{path}.{index}")
    elif given != read:
        yield f"{path}: {given} became {read}"


def read_by_grafana(given: dict[str, Any]) -> list[str]:
    register_default_plugins()
    read = json.loads(JSONEncoder().encode(Dashboard.from_json(given)))
    return list(lost(given, read))


def test_grafanas_own_model_understands_every_key() -> None:
    two = {"web": service(route=ROUTE, monitoring=SLO), "inner": service()}
    run = deployed(entry(services=two), put(stack(), "cluster.runbookUrl", "https://wiki.example.com"))
    given = board(run.one("ConfigMap", "dashboard"))
    # Of the Prometheus data source, and so not in Grafana's model of annotations.
    assert read_by_grafana(given) == [".annotations.list.0.titleFormat"]
    given["panels"][1]["gridPos"]["width"] = 8
    given["refrsh"] = "1m"
    assert read_by_grafana(given) == [
        ".annotations.list.0.titleFormat", ".panels.1.gridPos.width", ".refrsh",
    ]  # fmt: skip


def test_a_service_is_shown_as_its_users_then_its_pods_then_its_versions() -> None:
    assert list(panels(of_web(monitoring=SLO))) == [
        "Requests", "Errors", "Latency", "Share of requests by slot", "Remaining error budget", "Queue",
        "Wait for a worker", "In flight", "Inference", "Batch", "Pods", "CPU per pod", "Memory per pod",
        "Running versions",
    ]  # fmt: skip


def test_what_a_service_has_not_is_not_shown() -> None:
    assert "Remaining error budget" not in panels(of_web())
    shown = panels(of_web(model=None))
    assert {"Inference", "Batch"} & shown.keys() == set()
    assert "Queue" in shown


def test_every_panel_asks_for_the_chosen_slots_but_the_share_of_each_is_one_of_all() -> None:
    for title, panel in panels(of_web(monitoring=SLO)).items():
        asked = [target["expr"] for target in panel["targets"] if not target["expr"].startswith("vector(")]
        chosen = title not in ("Share of requests by slot", "Remaining error budget")
        assert all(('slipway_dev_slot=~"$slot"' in expression) is chosen for expression in asked), title


def test_every_query_can_be_answered_and_no_error_is_none_of_a_hundred_percent() -> None:
    shown = panels(of_web(monitoring=SLO))
    assert [line for panel in shown.values() for target in panel["targets"] for line in faults(target["expr"])] == []
    for target in shown["Errors"]["targets"]:
        some, _, every = target["expr"].rpartition(" / ")
        assert some.endswith(f" or 0 * {every})")


def test_limits_are_those_of_the_entry() -> None:
    shown = panels(of_web(scaling={"minReplicas": 2, "maxReplicas": 7, "metrics": {"cpu": {"utilization": 70}}}))
    constants = {
        title: [t["expr"] for t in panel["targets"] if t["expr"].startswith("vector(")]
        for title, panel in shown.items()
    }
    assert constants["Pods"] == ["vector(2)", "vector(7)"]
    assert constants["CPU per pod"] == ["vector(2)"]
    assert constants["Memory per pod"] == [f"vector({2 * 2**30})"]


def test_the_budget_of_each_objective_is_a_share_of_it_and_is_asked_for_once() -> None:
    panel = panels(of_web(monitoring=SLO))["Remaining error budget"]
    assert panel["type"] == "stat"
    assert [(t["legendFormat"], t["expr"].rpartition(" / ")[2], t["instant"]) for t in panel["targets"]] == [
        ("availability", "0.001", True),
        ("latency", "0.01", True),
    ]
    assert all("[30d]" in t["expr"] and "slipway_dev_slot" not in t["expr"] for t in panel["targets"])


def test_services_that_others_call_are_folded_and_the_only_one_is_not() -> None:
    two = {"web": service(route=ROUTE), "inner": service(), "silent": service(monitoring=None)}
    rows = [
        p for p in board(deployed(entry(services=two)).one("ConfigMap", "dashboard"))["panels"] if p["type"] == "row"
    ]
    assert [(row["title"], row["collapsed"], bool(row["panels"])) for row in rows] == [
        ("web", False, False),
        ("inner", True, True),
    ]
    (alone,) = [p for p in of_web()["panels"] if p["type"] == "row"]
    assert alone["collapsed"] is False


def test_panels_do_not_lie_on_each_other_and_have_ids_of_their_own() -> None:
    two = {
        "web": service(route=ROUTE, monitoring=SLO),
        "inner": service(),
        "other": service(route={"host": "b.example.com"}),
    }
    shown = board(deployed(entry(services=two)).one("ConfigMap", "dashboard"))["panels"]
    placed = [p["gridPos"] for p in shown]
    cells = [(x, y) for g in placed for x in range(g["x"], g["x"] + g["w"]) for y in range(g["y"], g["y"] + g["h"])]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) == 23
    ids = [panel["id"] for top in shown for panel in (top, *top.get("panels", []))]
    assert len(set(ids)) == len(ids)


def test_the_config_map_is_found_by_the_label_of_the_cluster_and_ours_win() -> None:
    assert deployed().one("ConfigMap", "dashboard").inputs["metadata"]["labels"] == {
        "grafana_dashboard": "1",
        "app.kubernetes.io/part-of": "shop",
        "app.kubernetes.io/managed-by": "slipway",
    }
    own = put(stack(), "cluster.dashboards", {"labels": {"boards": "yes", "app.kubernetes.io/part-of": "grafana"}})
    found = deployed(None, own).one("ConfigMap", "dashboard").inputs["metadata"]["labels"]
    assert (found["boards"], found["app.kubernetes.io/part-of"]) == ("yes", "shop")
    assert "grafana_dashboard" not in found


@pytest.mark.parametrize(
    ("key", "value"), [("cluster.dashboards", None), ("cluster.monitoring", False)], ids=["unwanted", "unmonitored"]
)
def test_no_dashboard_where_nobody_wants_it_or_nobody_scrapes(key: str, value: object) -> None:
    made = deployed(None, put(stack(), key, value)).of_kind("ConfigMap")
    assert "dashboard" not in {config_map.object_name for config_map in made}


def test_a_system_of_which_nothing_is_scraped_has_none() -> None:
    assert dashboards.dashboards(system({"web": service(monitoring=None)})) is None


def test_the_file_is_named_by_the_namespace_and_the_uid_stays() -> None:
    (name,) = deployed().one("ConfigMap", "dashboard").inputs["data"]
    assert name == "shop-dev.json"
    assert of_web()["uid"] == "slipway-shop-dev"
    long = accepted(StackSettings, put(stack(), "system.namespace", "n" * 60))
    made = dashboards.dashboards(resolve(long, accepted(CatalogueEntry, entry()))) or {}
    (uid,) = [json.loads(text)["uid"] for text in made.values()]
    assert re.fullmatch(r"slipway-[0-9a-f]{8}", uid)


def test_the_same_system_has_the_same_dashboard_and_a_release_does_not_change_it() -> None:
    before = deployed().one("ConfigMap", "dashboard").inputs
    assert deployed().one("ConfigMap", "dashboard").inputs == before
    moving = put(stack(), "release.web", release(weight=20))
    assert deployed(None, moving).one("ConfigMap", "dashboard").inputs == before


def test_a_dashboard_that_no_config_map_holds_is_refused_in_one_line() -> None:
    assert list(dashboards.faults(system({f"web-{n}": service() for n in range(40)}))) == []
    (line,) = dashboards.faults(system({f"web-{n}": service() for n in range(80)}))
    assert re.fullmatch(
        r"catalog/shop.yaml: services: the dashboard of 80 services takes \d{7} bytes, but a ConfigMap holds at most "
        "900000; set slipway:cluster.dashboards to null, or split the system",
        line,
    )
    assert list(dashboards.faults(system({f"web-{n}": service() for n in range(80)}, dashboards=None))) == []
