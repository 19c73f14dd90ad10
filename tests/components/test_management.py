"""Slots with and without a management port, side by side: each is scraped where its own pods have the metrics."""

from typing import Any

import pytest

from components.system import System, SystemArgs
from models.entry import CatalogueEntry
from models.pins import Pins, Ran
from models.resolve import resolve
from models.revision import Revision
from models.stack import StackSettings
from models.system import notices
from tests.components.reaching import pod as pod_of
from tests.contracts.flows import Connection, Pod, PolicySet, Protocol
from tests.recording import Recorded, record
from tests.samples import IMAGE, OTHER_IMAGE, WITHOUT_MANAGEMENT, Config, accepted, entry, put, service, stack

CANARY: Config = {"strategy": "canary", "steps": [50, 100]}
ROUTE = {"host": "web.example.com"}


def catalogue(**blocks: object) -> CatalogueEntry:
    return accepted(CatalogueEntry, entry(services={"web": service(route=ROUTE, release=CANARY, **blocks)}))


OLD, NEW = catalogue(), catalogue(managementPort=9090)


def settings(slots: Config, **cluster: object) -> StackSettings:
    data = {**stack(), "images": {"server": IMAGE}}
    data["cluster"] |= cluster
    return accepted(StackSettings, put(data, "release.web", {"slots": slots, "weight": 0}))


def revision(made: CatalogueEntry) -> Revision:
    return Revision.of(made.service_in("dev", "web"), settings({"blue": {}}).release["web"].slots["blue"])


def declared(made: CatalogueEntry, slots: Config, pins: Pins, **cluster: object) -> Recorded:
    spec = resolve(settings(slots, **cluster), made, pins)
    return record(lambda: System(spec.name, SystemArgs(spec=spec)) and None)


def in_release(**cluster: object) -> Recorded:
    """The entry has the port; blue is pinned to the revision from before, and green runs the new one."""
    blue = {"image": IMAGE, "revision": revision(OLD).name}
    pins = Pins(revisions={one.name: one for one in (revision(OLD), revision(NEW))})
    slots = {"blue": blue, "green": {"image": OTHER_IMAGE, "revision": revision(NEW).name}}
    return declared(NEW, slots, pins, **cluster)


def template(run: Recorded, slot: str) -> Any:
    return run.one("Deployment", f"web-{slot}").inputs["spec"]["template"]


def test_a_revision_from_before_is_read_and_rendered_as_it_was() -> None:
    before = declared(OLD, {"blue": {"image": IMAGE}}, Pins())
    assert template(in_release(), "blue") == template(before, "blue")
    assert "managementPort" not in revision(OLD).document()["spec"], "its hash is that of the file from before"


def test_a_slot_that_the_last_update_ran_keeps_its_metrics_where_they_are() -> None:
    pins = Pins(ran={"web": {"blue": Ran(image=IMAGE, revision=revision(OLD))}})
    run = declared(NEW, {"blue": {}}, pins)
    assert template(run, "blue") == template(declared(OLD, {"blue": {}}, Pins()), "blue")
    assert endpoints(run) == [{"port": "web", "path": "/metrics", "interval": "30s"}]


def endpoints(run: Recorded) -> list[Any]:
    return run.one("ServiceMonitor").inputs["spec"]["endpoints"]


def test_both_slots_of_a_release_are_scraped_each_at_its_own_port() -> None:
    run = in_release()
    old, new = endpoints(run)
    assert (old["port"], old["relabelings"], new["targetPort"]) == ("web", [WITHOUT_MANAGEMENT], "management")
    labels = {slot: template(run, slot)["metadata"]["labels"].get("slipway.dev/metrics") for slot in ("blue", "green")}
    assert labels == {"blue": None, "green": "management"}


def test_prometheus_enters_each_slot_where_its_metrics_are_and_nobody_else_enters_there() -> None:
    run = in_release()
    rules = PolicySet(policy.inputs for policy in run.of_kind("NetworkPolicy"))
    prometheus, proxy = pod_of("of monitoring", "monitoring"), pod_of("of proxy", "ingress-nginx")
    reached: dict[str, list[int]] = {}
    for slot in ("blue", "green"):
        made = template(run, slot)
        (server,) = made["spec"]["containers"]
        ports: dict[tuple[str, Protocol], int] = {
            (port["name"], "TCP"): port["containerPort"] for port in server["ports"]
        }
        end = Pod("web", "shop-dev", made["metadata"]["labels"], "10.0.0.1", ports=ports)
        for source in (prometheus, proxy):
            at = [port for port in (5000, 9090) if rules.allow(Connection(source, end, port))]
            reached[f"{source.name} to {slot}"] = at
    assert reached == {
        "of monitoring to blue": [5000],
        "of proxy to blue": [5000],
        "of monitoring to green": [9090],
        "of proxy to green": [5000],
    }


def test_the_api_server_enters_the_same_ports_if_it_reads_the_metrics() -> None:
    networks = [f"198.51.100.{host}/32" for host in (1, 2)]
    run = in_release(metrics="direct", apiServerNetworks=networks)
    peers = [{"ipBlock": {"cidr": network}} for network in networks]
    own = run.one("NetworkPolicy", "flows-web").inputs["spec"]["ingress"]
    assert [rule["from"][-2:] for rule in own if rule["ports"][0]["port"] == "management"] == [peers]
    before = run.one("NetworkPolicy", "scrape-main-port").inputs["spec"]
    old = run.one("NetworkPolicy", "read-main-port").inputs["spec"]
    assert (old["podSelector"], old["ingress"][0]["from"]) == (before["podSelector"], peers)
    assert before == in_release().one("NetworkPolicy", "scrape-main-port").inputs["spec"]


def test_without_a_management_port_nothing_is_declared_but_what_was_before() -> None:
    run = declared(OLD, {"blue": {"image": IMAGE}}, Pins())
    assert endpoints(run) == [{"port": "web", "path": "/metrics", "interval": "30s"}]
    policies = [policy.object_name for policy in run.of_kind("NetworkPolicy")]
    assert policies == ["default-deny", "dns", "flows-web"]
    (rule,) = run.one("NetworkPolicy", "flows-web").inputs["spec"]["ingress"]
    assert [port["port"] for port in rule["ports"]] == ["web"]
    assert len(rule["from"]) == 2, "the proxy and Prometheus"


def warned(**blocks: object) -> list[str]:
    given = service(**blocks)
    spec = resolve(accepted(StackSettings, stack()), accepted(CatalogueEntry, entry(services={"web": given})), Pins())
    return [line for line, warns in notices(spec, "prod") if warns]


def test_the_preview_warns_of_metrics_behind_an_exposed_port() -> None:
    line = (
        "web: its NodePort also leads to the metrics at /m; if the server has a separate port for metrics, as "
        "Slipway's own server has, set managementPort"
    )
    node_port, path = {"type": "NodePort"}, {"path": "/m"}
    assert warned(exposure=node_port, monitoring=path) == [line]
    assert warned(exposure=node_port, monitoring=path, managementPort=9090) == []
    assert warned(exposure=node_port, monitoring=None) == []
    assert warned(monitoring=path) == []


@pytest.mark.parametrize(
    ("leads", "route"),
    [
        (True, {}),
        (True, {"path": "/m"}),
        (True, {"path": "/m", "pathType": "Exact"}),
        (False, {"path": "/", "pathType": "Exact"}),
        (False, {"path": "/metrics"}),
        (False, {"path": "/m/a"}),
    ],
)
def test_the_preview_warns_of_metrics_behind_a_route(leads: bool, route: dict[str, str]) -> None:
    line = (
        "web: its route also leads to the metrics at /m; if the server has a separate port for metrics, as "
        "Slipway's own server has, set managementPort"
    )
    given = {"host": "web.example.com", **route}
    assert warned(monitoring={"path": "/m"}, route=given) == ([line] if leads else [])
    assert warned(monitoring={"path": "/m"}, route=given, managementPort=9090) == []
