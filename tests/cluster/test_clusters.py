"""One environment on several clusters, with a stack for each: one command releases one digest on all, in order.

The embedded cluster plays both: each stack has a context and a namespace of its own. Their users would meet at one
proxy, so the service has no route, and they call each cluster's Service.
"""

import json
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import yaml

from tests.cluster import seen
from tests.cluster.copies import Copy, entry, initialised, service
from tests.cluster.copies import image as classifier_image
from tests.cluster.faulty import good
from tests.cluster.releasing import INCONCLUSIVE
from tests.cluster.stack import Done, Json, Stack, project_elsewhere
from tests.cluster.three import CANARY, PER_SECOND, ROLLING, SERVICE, SYSTEM, Three, judged, ok, refused
from tests.cluster.traffic import Ingress

pytestmark = [pytest.mark.long, pytest.mark.ordered]

CLUSTERS = ("eu", "us")


@dataclass(frozen=True)
class Fleet(Three):
    """The stacks: staging, and prod on two clusters that take evidence from staging."""

    loads: dict[str, seen.Load] = field(default_factory=dict[str, seen.Load])

    def promoted(self) -> Done:
        """Promote the version that staging runs to every cluster."""
        return self.slipway("promote", self.name("staging"), *map(self.name, CLUSTERS), "--json")

    def outcomes(self, done: Done) -> list[tuple[str, str]]:
        """Return the stack and the result of each release of a promotion, in order."""
        found = json.loads(done.stdout)["promotions"]
        return [(one["stack"], one["result"]) for one in found]


def catalogue() -> Json:
    one = service(SYSTEM, "s3://models/digits/1", monitoring={"interval": "1s"}, route=None)
    releases = {"staging": {**ROLLING, "soak": "0s", "fresh": "1h"}, "prod": CANARY}
    environments = {name: {"services": {SERVICE: {"release": release}}} for name, release in releases.items()}
    return entry(SYSTEM, {SERVICE: one}, environments=environments)


@contextmanager
def with_contexts(stack: Stack) -> Generator[Stack]:
    """Yield the stack with a kubeconfig in which the embedded cluster has a context for each cluster name."""
    original = Path(stack.env["KUBECONFIG"])
    known = yaml.safe_load(original.read_text())
    (here,) = (context["context"] for context in known["contexts"])
    known["contexts"] += [{"name": cluster, "context": here} for cluster in CLUSTERS]
    kubeconfig = original.with_name("clusters.kubeconfig")
    kubeconfig.touch(mode=0o600)
    try:
        kubeconfig.write_text(yaml.safe_dump(known))
        yield replace(stack, env={**stack.env, "KUBECONFIG": str(kubeconfig)})
    finally:
        kubeconfig.unlink()


def in_cluster(copy: Copy) -> Ingress:
    """Return the address at which other services of the cluster call this one."""
    spec = copy.found("service", SERVICE)["spec"]
    return Ingress(f"http://{spec['clusterIP']}:{spec['ports'][0]['port']}/predict", SERVICE)


@pytest.fixture(scope="module")
def fleet(stack: Stack, pictures: list[tuple[bytes, str]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """The first version is live on every cluster, under load."""
    folder = project_elsewhere(tmp_path_factory.mktemp("clusters"), catalogue())
    with ExitStack() as stacks:
        stack = stacks.enter_context(with_contexts(stack))
        copies: dict[str, Copy] = {}
        made = Fleet(stack, folder, copies, classifier_image("server"))
        for key in ("staging", *CLUSTERS):
            environment = "prod" if key in CLUSTERS else key
            copy = stacks.enter_context(
                initialised(stack, folder, f"{SYSTEM}-{key}", entry=SYSTEM, environment=environment)
            )
            copies[key] = copy
            if key in CLUSTERS:
                copy.settings["slipway:source"] = made.name("staging")
                copy.settings["slipway:cluster"] = {**copy.settings["slipway:cluster"], "context": key}
            copy.up()
            load = seen.running(
                in_cluster(copy), pictures[0][0], tmp_path_factory.mktemp("load"), per_second=PER_SECOND, keep=False
            )
            made.loads[key] = stacks.enter_context(load)
            if key == "staging":
                judged(made, key)
        yield made


def test_one_promotion_takes_one_digest_to_every_cluster(fleet: Fleet, facts: list[str]) -> None:
    first, second = fleet.live("staging"), fleet.image(good(2))
    assert {fleet.live(key) for key in fleet.copies} == {first}
    ok(fleet.slipway("release", fleet.name("staging"), SERVICE, "--image", second))
    began = {key: load.read()[-1].sent for key, load in fleet.loads.items()}
    done = ok(fleet.promoted())
    assert fleet.outcomes(done) == [(fleet.name(key), "promoted") for key in CLUSTERS]
    assert {fleet.live(key) for key in fleet.copies} == {second}
    for key, copy in fleet.copies.items():
        answers = fleet.loads[key].since(began[key])
        assert seen.machinery(answers) == {}
        facts.append(f"{key}: {len(answers)} requests while one digest went to {' and '.join(CLUSTERS)}, 0 lost")
        evidence = fleet.config(key)["slipway:delivery"][SERVICE]["verdicts"][-1]
        assert (evidence["image"], evidence["result"], evidence["stack"]) == (second, "pass", copy.name)
        ok(copy.pulumi("preview", "--expect-no-changes"))


def test_what_the_last_cluster_holds_is_released_in_none(fleet: Fleet) -> None:
    third, last = fleet.image(good(3)), fleet.name(CLUSTERS[-1])
    ok(fleet.slipway("release", fleet.name("staging"), SERVICE, "--image", third))
    ok(fleet.slipway("hold", last, SERVICE, third, "--reason", "Friday"))
    refused(fleet, "is held: Friday", "promote", fleet.name("staging"), *map(fleet.name, CLUSTERS))
    ok(fleet.slipway("release-hold", last, SERVICE, third))


@pytest.mark.parametrize("quiet", CLUSTERS)
def test_the_first_cluster_without_a_verdict_ends_it_and_promoting_again_does_the_rest(
    fleet: Fleet, quiet: str
) -> None:
    before, wanted = fleet.live(quiet), fleet.image(good(4 + CLUSTERS.index(quiet)))
    ok(fleet.slipway("release", fleet.name("staging"), SERVICE, "--image", wanted))
    reached = CLUSTERS[: CLUSTERS.index(quiet)]
    with fleet.loads[quiet].paused():
        done = fleet.promoted()
    assert done.returncode == INCONCLUSIVE, (done.stdout + done.stderr)[-6000:]
    expected = [*((fleet.name(key), "promoted") for key in reached), (fleet.name(quiet), "inconclusive")]
    assert fleet.outcomes(done) == expected
    assert {key: fleet.live(key) for key in CLUSTERS} == {key: wanted if key in reached else before for key in CLUSTERS}
    rest = [key for key in CLUSTERS if key not in reached]
    assert fleet.outcomes(ok(fleet.promoted())) == [(fleet.name(key), "promoted") for key in rest]
    assert {fleet.live(key) for key in fleet.copies} == {wanted}
