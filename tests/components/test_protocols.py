"""What a port speaks, and how long an answer may take: what the Services, the proxy and the pods are told."""

from typing import Any

from delivery.cluster import valve
from models.errors import ConfigurationError
from models.pins import Pins
from models.release import SlotRelease
from models.resolve import resolve
from models.revision import Revision
from models.stack import StackSettings
from tests.components.deploying import annotations, deployed, registered, system
from tests.declared import Declared, Objects, declared
from tests.each import each
from tests.edits import catalogue
from tests.samples import IMAGE, OTHER_IMAGE, Config, accepted, entry, put, release, service, stack

NGINX = "nginx.ingress.kubernetes.io/"
GATEWAY: Config = {"context": "prod", "traffic": "gateway", "gateway": {"name": "public", "namespace": "edge"}}
ROUTE: Config = {"host": "web.example.com", "stableHosts": ["partner.example.com"]}
CHECKED: Config = {"ready": {"grpc": {}}, "live": {"tcp": {}}}


def run(cluster: Config | None = None, **blocks: Any) -> Objects[Declared]:
    """Both slots of a routed service, as somebody else's server."""
    given = {"server": "other", "model": None, "health": CHECKED, "route": ROUTE, "monitoring": None, **blocks}
    data = put(stack(), "release.web", release(weight=20))
    data = put(data, "cluster", cluster) if cluster else data
    return deployed(entry(services={"web": service(**given)}), data)


def spoken(found: Objects[Declared]) -> dict[str, str | None]:
    """What each Service says of its port for requests."""
    services = [one for one in found.of_kind("Service") if one.object_name.startswith("web")]
    return {one.object_name: one.inputs["spec"]["ports"][0].get("appProtocol") for one in services}


def told(found: Objects[Declared], ingress: str, *keys: str) -> dict[str, str]:
    """What an Ingress says of these keys."""
    given = annotations(found.one("Ingress", ingress))
    return {key: given[f"{NGINX}{key}"] for key in keys if f"{NGINX}{key}" in given}


def server(found: Objects[Declared], slot: str = "blue") -> dict[str, Any]:
    (only,) = found.one("Deployment", f"web-{slot}").inputs["spec"]["template"]["spec"]["containers"]
    return only


@each(
    ("protocol", "name", "annotated"),
    [
        (None, None, {}),
        ("http", "http", {}),
        ("ws", "kubernetes.io/ws", {}),
        ("h2c", "kubernetes.io/h2c", {"backend-protocol": "GRPC"}),
        ("grpc", "kubernetes.io/h2c", {"backend-protocol": "GRPC"}),
    ],
)
def test_both_drivers_learn_what_both_slots_speak(
    protocol: str | None, name: str | None, annotated: dict[str, str]
) -> None:
    for cluster in (None, GATEWAY):
        found = run(cluster, appProtocol=protocol)
        assert spoken(found) == {"web": name, "web-blue": name, "web-green": name}
    for ingress in ("web", "web-stable"):
        assert told(run(appProtocol=protocol), ingress, "backend-protocol") == annotated
    # Proxies take the canary's protocol from the main Ingress.
    assert told(run(appProtocol=protocol), "web-canary", "backend-protocol") == {}


def test_a_grpc_service_is_routed_by_the_same_kinds_and_probed_at_its_number() -> None:
    found = run(GATEWAY, appProtocol="grpc")
    assert found.of_kind("GRPCRoute") == []
    assert {route.object_name for route in found.of_kind("HTTPRoute")} == {"web", "web-stable"}
    assert server(found)["readinessProbe"]["grpc"] == {"port": 5000}


@each(
    ("route", "drain", "seconds"),
    [
        ({}, {}, None),
        ({}, {"requestTimeout": "59s"}, None),
        ({}, {"requestTimeout": "60s"}, 65),
        ({}, {"requestTimeout": "10m"}, 605),
        ({"timeout": "11m"}, {"requestTimeout": "10m"}, 660),
        ({"timeout": "2s"}, {}, 2),
    ],
)
def test_the_proxy_waits_as_long_as_an_answer_may_take(route: Config, drain: Config, seconds: int | None) -> None:
    given: Config = {"route": {**ROUTE, **route}, "drain": {**drain, "env": {}}}
    limits = {} if seconds is None else {f"proxy-{way}-timeout": str(seconds) for way in ("read", "send")}
    for ingress in ("web", "web-stable"):
        assert told(run(**given), ingress, "proxy-read-timeout", "proxy-send-timeout") == limits
    routed = run(GATEWAY, **given)
    for name in ("web", "web-stable"):
        for rule in routed.one("HTTPRoute", name).inputs["spec"]["rules"]:
            assert rule.get("timeouts") == (None if seconds is None else {"request": f"{seconds}s"})


def test_the_budget_reaches_a_server_as_arguments_and_as_variables() -> None:
    drain = {
        "requestTimeout": "10m",
        "args": ["--graceful-timeout", "{drain}"],
        "env": {"SECONDS": "{requestTimeout}", "KILLED": "{grace}s"},
    }
    found = run(args=["app:app"], drain=drain)
    assert server(found)["args"] == ["app:app", "--graceful-timeout", "600"]
    variables = {one["name"]: one.get("value") for one in server(found)["env"]}
    assert (variables["SECONDS"], variables["KILLED"]) == ("600", "610s")
    pod = found.one("Deployment", "web-blue").inputs["spec"]["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] == 610


@each(("drain", "gone"), [({}, ""), ({"requestTimeout": "7m"}, ""), ({"requestTimeout": "10m"}, "730s")])
def test_an_update_waits_until_the_last_answer_of_a_slot_that_it_deletes(drain: Config, gone: str) -> None:
    data = put(stack(), "release.web", release())
    made = registered(entry(services={"web": service(drain=drain)}), data)
    assert [one.delete_timeout for one in made.of_kind("Deployment")] == [gone, gone]


def settings(protocols: dict[str, str | None], cluster: Config) -> tuple[StackSettings, dict[str, Revision]]:
    """A stack whose slots are pinned to these protocols, and their revisions."""
    images, pinned, revisions = {"blue": IMAGE, "green": OTHER_IMAGE}, dict[str, Config](), dict[str, Revision]()
    for slot, protocol in protocols.items():
        made = Revision.of(spec(protocol).service_in("dev", "web"), SlotRelease())
        revisions[made.name] = made
        pinned[slot] = {"image": images[slot], "revision": made.name}
    data = put({**stack(), "release": {"web": {"slots": pinned}}}, "cluster", cluster)
    return accepted(
        StackSettings,
        {
            **data,
            "secrets": {"keys": {"values": {"A": "a"}}, "more": {"values": {"B": "b"}}},
            "images": {"server": IMAGE},
        },
    ), revisions


def spec(protocol: str | None) -> Any:
    changed = {
        "server": "other",
        "model": None,
        "files": None,
        "health": CHECKED,
        "appProtocol": protocol,
        "route": ROUTE,
    }
    return catalogue(**changed)


def test_the_valve_keeps_the_limit_of_a_routes_rules() -> None:
    data = put(put(stack(), "release.web", release(weight=20)), "cluster", GATEWAY)
    spec = system(entry(services={"web": service(route=ROUTE, drain={"requestTimeout": "10m"})}), data)
    deployed_now = spec.services["web"]
    found = declared(spec).one("HTTPRoute", "web").inputs
    moved = valve.moved(found, spec, "web", deployed_now, deployed_now.release.model_copy(update={"weight": 50}))
    assert [rule["timeouts"] for rule in moved["spec"]["rules"]] == [{"request": "605s"}]


@each(
    ("protocols", "cluster", "says"),
    [
        ({"blue": None, "green": "ws"}, {"context": "prod"}, ""),
        ({"blue": "h2c", "green": "grpc"}, {"context": "prod"}, ""),
        ({"blue": None, "green": "grpc"}, GATEWAY, ""),
        ({"blue": None, "green": "grpc"}, {"context": "prod"}, "blue speaks http and green speaks grpc"),
        ({"blue": "h2c", "green": "http"}, {"context": "prod"}, "blue speaks h2c and green speaks http"),
    ],
)
def test_slots_that_differ_need_a_gateway(protocols: dict[str, str | None], cluster: Config, says: str) -> None:
    given, revisions = settings(protocols, cluster)
    try:
        found = declared(resolve(given, spec(protocols["green"]), Pins(revisions=revisions)))
    except ConfigurationError as refusal:
        (line,) = refusal.faults
        assert line == (
            f"catalog/shop.yaml: services.web.appProtocol: {says}, but a proxy for Ingresses speaks one protocol to "
            "both slots; release another service, or set slipway:cluster.traffic: gateway"
        )
    else:
        assert not says
        names = {"http": "http", "ws": "kubernetes.io/ws", "h2c": "kubernetes.io/h2c", "grpc": "kubernetes.io/h2c"}
        assert {slot: spoken(found)[f"web-{slot}"] for slot in protocols} == {
            slot: names.get(protocol or "") for slot, protocol in protocols.items()
        }
