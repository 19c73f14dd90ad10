"""The canary slot, filled and weighted by edits of the stack file: by annotations, on a Gateway, and without a route.

Which request goes where, cell by cell, is in test_splitting.py.
"""

from collections.abc import Iterator

import pytest

from tests.cluster import copies, registry
from tests.cluster.stack import Json, Stack, project_elsewhere
from tests.cluster.traffic import Ingress, slots

REQUESTS = 1000
WEIGHT = 20
PARTNER = "partner.dev.slipway.test"
MODEL = "s3://models/digits/1"
BESIDE, STABLE = "slipway-beside", "stable.beside.slipway.test"
ON_GATEWAY: Json = {"traffic": "gateway", "gateway": {"name": "slipway", "namespace": "slipway-gateway"}}


@pytest.fixture(scope="module")
def canary(stack: Stack) -> Iterator[tuple[Json, Json]]:
    """Return the workloads before and with a canary that has another image, other settings and weight 20."""
    before = stack.workloads()
    config = stack.config()
    repository, _, digest = stack.service()["image"].partition("@")
    other = registry.pushed_again(repository, digest)
    config["slipway:release"] = {
        "classifier": {
            "live": "blue",
            "slots": {"blue": {}, "green": {"image": other, "server": {"topK": 5}}},
            "weight": WEIGHT,
            "match": {"header": {"name": "X-Canary"}, "cookie": "canary"},
        }
    }
    stack.up(config)
    yield before, stack.workloads()
    stack.up()


@pytest.mark.core
@pytest.mark.usefixtures("canary")
def test_the_weight_is_what_is_counted(ingress: Ingress, pictures: list[tuple[bytes, str]], facts: list[str]) -> None:
    counted = slots(ingress.ask_all([pictures[i % len(pictures)][0] for i in range(REQUESTS)]))
    facts.append(f"canary: {counted['green']} of {REQUESTS} requests at weight {WEIGHT}")
    assert counted.total() == REQUESTS == counted["blue"] + counted["green"], "every request was answered"
    assert abs(counted["green"] - REQUESTS * WEIGHT / 100) <= REQUESTS * 0.01


@pytest.mark.usefixtures("canary")
def test_slots_run_different_images_and_settings(
    stack: Stack, ingress: Ingress, pictures: list[tuple[bytes, str]]
) -> None:
    slots_now = stack.service()["slots"]
    assert slots_now["blue"]["image"] != slots_now["green"]["image"]
    assert slots_now["blue"]["config"] != slots_now["green"]["config"]
    assert (slots_now["blue"]["weight"], slots_now["green"]["weight"]) == (100 - WEIGHT, WEIGHT)
    versions = {a.slot: a.version for a in ingress.ask_all([pictures[0][0]] * 50)}
    assert versions == {slot: content["image"].partition("@")[2] for slot, content in slots_now.items()}


@pytest.mark.usefixtures("canary")
@pytest.mark.parametrize(
    ("headers", "slot"),
    [
        ({"X-Canary": "always"}, "green"),
        ({"X-Canary": "never"}, "blue"),
        ({"Cookie": "canary=always"}, "green"),
        ({"Cookie": "canary=never"}, "blue"),
        ({"X-Canary": "never", "Cookie": "canary=always"}, "blue"),
    ],
)
def test_header_and_cookie_are_obeyed_header_first(
    ingress: Ingress,
    pictures: list[tuple[bytes, str]],
    headers: dict[str, str],
    slot: str,
) -> None:
    assert slots(ingress.ask_all([pictures[0][0]] * 100, headers)) == {slot: 100}


@pytest.mark.usefixtures("canary")
def test_another_host_of_the_live_slot_never_meets_the_canary(
    ingress: Ingress, pictures: list[tuple[bytes, str]]
) -> None:
    partner = Ingress(ingress.url, PARTNER)
    assert slots(partner.ask_all([pictures[0][0]] * 300)) == {"blue": 300}


@pytest.mark.core
def test_the_live_slot_was_not_touched(canary: tuple[Json, Json]) -> None:
    before, after = canary
    blue_pods = {name: restarts for name, restarts in before["pods"].items() if "-blue-" in name}
    assert blue_pods
    assert {name: after["pods"].get(name) for name in blue_pods} == blue_pods
    changed = {name for name, state in before["objects"].items() if after["objects"].get(name) != state}
    assert not changed


@pytest.fixture(scope="module")
def beside(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[copies.Copy]:
    """A small system at weight 50: a Gateway splits one service, and the other one has no route."""
    routed = {"host": "beside.slipway.test", "path": "/predict", "stableHosts": [STABLE]}
    services = {
        "split": copies.service("split", MODEL, route=routed),
        "inner": copies.service("inner", MODEL, route=None),
    }
    folder = project_elsewhere(tmp_path_factory.mktemp("beside"), copies.entry(BESIDE, services))
    with copies.initialised(stack, folder, BESIDE) as copy:
        copy.settings["slipway:cluster"] |= ON_GATEWAY
        copy.up({name: both(50) for name in services})
        yield copy


def both(weight: int, live: str = "blue") -> Json:
    """Return a release with both slots filled, each with its own settings."""
    return {"live": live, "slots": {"blue": {}, "green": {"server": {"topK": 5}}}, "weight": weight}


def behind(copy: copies.Copy, service: str) -> set[str]:
    """Return the slots of the ready pods behind a Service."""
    slices: list[Json] = copy.found("endpointslices", "-l", f"kubernetes.io/service-name={service}")["items"]
    listed: list[list[Json]] = [found.get("endpoints") or [] for found in slices]
    pods = copies.by_name(copy.found("pods")["items"])
    names = [str(end["targetRef"]["name"]) for ends in listed for end in ends if end["conditions"]["ready"]]
    return {str(pods[name]["metadata"]["labels"]["slipway.dev/slot"]) for name in names}


def test_a_gateway_splits_as_declared_and_a_promotion_loses_nothing(
    beside: copies.Copy, pictures: list[tuple[bytes, str]]
) -> None:
    ingress, picture = beside.ingress("split"), pictures[0][0]
    assert abs(slots(ingress.ask_all([picture] * 100))["green"] - 50) <= 1
    assert slots(Ingress(ingress.url, STABLE).ask_all([picture] * 20)) == {"blue": 20}
    assert behind(beside, "inner") == {"blue", "green"}
    with ingress.load(picture, per_second=10, at_most=1000) as tally:
        beside.up(dict.fromkeys(("split", "inner"), both(100)))
        assert slots(ingress.ask_all([picture] * 20)) == {"green": 20}
        assert behind(beside, "inner") == {"green"}
        beside.up(dict.fromkeys(("split", "inner"), both(0, "green")))
    assert tally.failures == {}
    assert slots(Ingress(ingress.url, STABLE).ask_all([picture] * 20)) == {"green": 20}
    assert behind(beside, "inner") == {"green"}
