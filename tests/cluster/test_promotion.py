"""Three stacks of one system, dev → staging → prod: only evidence promotes a digest, and a refusal changes nothing."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import yaml

from tests.cluster import registry, seen
from tests.cluster.copies import Copy, initialised
from tests.cluster.copies import image as classifier_image
from tests.cluster.faulty import FIFTH_FAILS, good
from tests.cluster.stack import Json, Stack, last_errors, project_elsewhere
from tests.cluster.test_bad_input import TAGGED
from tests.cluster.three import PER_SECOND, SERVICE, SYSTEM, Three, catalogue, host, judged, ok, refused
from tests.cluster.traffic import Ingress

pytestmark = pytest.mark.ordered


@pytest.fixture(scope="module")
def three(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Three]:
    """Dev, staging with evidence from dev, and prod with evidence from staging; none is deployed yet."""
    folder = project_elsewhere(tmp_path_factory.mktemp("promoted"), catalogue())
    with ExitStack() as stacks:
        copies: dict[str, Copy] = {}
        for environment, source in {"dev": None, "staging": "dev", "prod": "staging"}.items():
            name = f"{SYSTEM}-{environment}"
            copy = stacks.enter_context(initialised(stack, folder, name, entry=SYSTEM, environment=environment))
            if source:
                copy.settings["slipway:source"] = f"{SYSTEM}-{source}"
            else:  # dev builds, from the layers of the classifier's build
                copy.settings["slipway:image"] = stack.config()["slipway:image"]
                del copy.settings["slipway:images"]
            copy.write({})
            copies[environment] = copy
        yield Three(stack, folder, copies, classifier_image("server"))


@pytest.fixture(scope="module", autouse=True)
def asked(three: Three, pictures: list[tuple[bytes, str]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A load in every environment, because a verdict requires requests."""
    url = f"{three.copies['dev'].settings['slipway:cluster']['ingressUrl']}/predict"
    with ExitStack() as loads:
        for name in three.copies:
            folder = tmp_path_factory.mktemp("load")
            loads.enter_context(seen.running(Ingress(url, host(name)), pictures[0][0], folder, per_second=PER_SECOND))
        yield


@pytest.mark.core
def test_what_dev_built_goes_to_staging_by_its_digest_alone(three: Three) -> None:
    """Deploys dev and staging for the first time."""
    ok(three.copies["dev"].pulumi("up", "--yes", "--skip-preview"))
    judged(three, "dev")
    ok(three.slipway("promote", three.name("dev"), three.name("staging")))
    built = three.live("dev")
    assert built.partition("@")[0].endswith(f"/{SYSTEM}/server")
    assert three.live("staging") == built
    three.built.append(built)


@pytest.mark.long
def test_what_dev_built_goes_to_prod_by_its_digest_alone(three: Three) -> None:
    """Deploys prod for the first time; every later test builds on it."""
    ok(three.slipway("promote", three.name("staging"), three.name("prod")))
    assert {three.live(name) for name in three.copies} == set(three.built)


@pytest.mark.long
def test_the_second_version_too_and_every_file_names_the_evidence(three: Three, facts: list[str]) -> None:
    second = three.image(good(2))
    began = time.monotonic()
    ok(three.slipway("release", three.name("dev"), SERVICE, "--image", second))
    ok(three.slipway("promote", three.name("dev"), three.name("staging")))
    ok(three.slipway("promote", three.name("staging"), three.name("prod")))
    facts.append(f"promotion: dev → staging → prod in {time.monotonic() - began:.0f} s")
    assert {three.live(name) for name in three.copies} == {second}
    for name, copy in three.copies.items():
        verdicts = three.config(name)["slipway:delivery"][SERVICE]["verdicts"]
        assert (verdicts[-1]["image"], verdicts[-1]["result"], verdicts[-1]["stack"]) == (second, "pass", copy.name)
        ok(copy.pulumi("preview", "--expect-no-changes"))


@pytest.mark.long
def test_promoting_again_changes_nothing(three: Three) -> None:
    before = three.untouched()
    ok(three.slipway("promote", three.name("staging"), three.name("prod")))
    assert three.untouched() == before


def up_refused(three: Three, line: str, change: Json) -> None:
    """Edit prod's file as a person would; preview and up must refuse it, and nothing but the file may change."""
    file = three.file("prod")
    text = file.read_text()
    _, *before = three.untouched()
    try:
        document = yaml.safe_load(text)
        document["config"] |= change
        file.write_text(yaml.safe_dump(document, sort_keys=False))
        for command in (("preview",), ("up", "--yes", "--skip-preview")):
            done = three.copies["prod"].pulumi(*command)
            assert done.returncode != 0
            assert line in last_errors(done), done.stdout + done.stderr
            assert "Traceback" not in done.stdout + done.stderr
    finally:
        file.write_text(text)
    _, *after = three.untouched()
    assert after[1:] == before[1:]
    exported = json.loads(three.copies["prod"].pulumi("stack", "output", "delivery", "--json").stdout)
    assert exported[SERVICE]["live"]["image"] == three.live("prod"), "a refused update says nothing new about what runs"


def with_canary(three: Three, image: str, **content: object) -> Json:
    """Return prod's ``slipway:release`` with another version in the other slot."""
    release = three.config("prod")["slipway:release"][SERVICE]
    other = "green" if release["live"] == "blue" else "blue"
    slots = {release["live"]: release["slots"][release["live"]], other: {"image": image, **content}}
    return {"slipway:release": {SERVICE: {**release, "slots": slots}}}


@pytest.mark.long
def test_a_version_that_staging_never_judged_is_refused_by_up_and_by_slipway(three: Three) -> None:
    unknown = three.image(good(3))
    line = f"{three.name('staging')}: {SERVICE} …@{unknown.partition('@')[2][:19]} was never judged"
    up_refused(three, line, with_canary(three, unknown))
    refused(three, line, "release", three.name("prod"), SERVICE, "--image", unknown)


@pytest.mark.long
def test_the_same_digest_with_another_configuration_is_refused(three: Three) -> None:
    up_refused(three, "was judged with configuration", with_canary(three, three.live("prod"), server={"topK": 5}))


@pytest.mark.long
@pytest.mark.parametrize(
    "image", [TAGGED, f"sha256:{'9be1' * 16}", "<none>@<none>", "localhost:5050/classifier/server@sha256:unknown"]
)
def test_what_is_no_digest_is_refused(three: Three, image: str) -> None:
    up_refused(three, f"'{image}': an image must be named by digest", with_canary(three, image))
    before = three.untouched()
    done = three.slipway("release", three.name("prod"), SERVICE, "--image", image)
    assert done.returncode in (1, 2)
    assert "digest" in done.stderr
    assert three.untouched() == before


@pytest.mark.long
def test_promotion_against_the_order_and_past_an_environment_is_refused(three: Three) -> None:
    dev, staging, prod = (three.name(name) for name in ("dev", "staging", "prod"))
    refused(three, "staging does not come after prod", "promote", prod, staging)
    refused(three, f"takes evidence from {staging} (slipway:source), not from {dev}", "promote", dev, prod)
    refused(three, "name each stack once", "promote", staging, staging)


@pytest.mark.long
def test_evidence_that_has_not_soaked_or_is_stale_is_refused(three: Three) -> None:
    staging, prod = three.name("staging"), three.name("prod")
    third = three.image(good(4))
    ok(three.slipway("release", three.name("dev"), SERVICE, "--image", third))
    ok(three.slipway("promote", three.name("dev"), staging))
    for ages, line in (({"soak": "2h"}, "must soak for 7200 s"), ({"fresh": "1s"}, "a verdict is valid for 1 s")):
        three.rules(**ages)
        ok(three.copies["staging"].pulumi("up", "--yes", "--skip-preview"))  # so that it exports the new rules
        refused(three, line, "promote", staging, prod)
        up_refused(three, line, with_canary(three, third))
    ok(three.copies["prod"].pulumi("up", "--yes", "--skip-preview"))  # the running version needs no evidence
    three.rules()
    ok(three.copies["staging"].pulumi("up", "--yes", "--skip-preview"))
    ok(three.slipway("promote", staging, prod))
    assert three.live("prod") == third


@pytest.mark.long
def test_a_version_that_was_rolled_back_is_held_and_goes_nowhere(three: Three) -> None:
    staging, prod, bad = three.name("staging"), three.name("prod"), three.image(FIFTH_FAILS)
    done = three.slipway("release", staging, SERVICE, "--image", bad, "--override", "a test of what fails")
    assert done.returncode == 3, (done.stdout + done.stderr)[-6000:]
    refused(three, "is held", "release", staging, SERVICE, "--image", bad, "--override", "again")
    up_refused(three, f"{staging}: {SERVICE} …@{bad.partition('@')[2][:19]} is held", with_canary(three, bad))
    ok(three.slipway("release-hold", staging, SERVICE, bad))
    up_refused(three, "its verdict is fail", with_canary(three, bad))
    history = three.config("staging")["slipway:delivery"][SERVICE]["history"]
    assert history[-1]["override"]["reason"] == "a test of what fails"
    assert three.live("prod") != bad
    assert prod not in done.stdout


@pytest.mark.long
def test_a_hold_in_prod_stops_a_version_with_the_best_evidence(three: Three) -> None:
    staging, prod, fourth = three.name("staging"), three.name("prod"), three.image(good(5))
    ok(three.slipway("release", three.name("dev"), SERVICE, "--image", fourth))
    ok(three.slipway("promote", three.name("dev"), staging))
    ok(three.slipway("hold", prod, SERVICE, fourth, "--reason", "Friday"))
    refused(three, "is held: Friday", "promote", staging, prod)
    refused(three, "is held: Friday", "promote", staging, prod, "--override", "now")
    up_refused(three, "is held in this stack: Friday", with_canary(three, fourth))
    ok(three.slipway("release-hold", prod, SERVICE, fourth))
    ok(three.slipway("promote", staging, prod))
    assert three.live("prod") == fourth


@pytest.mark.long
def test_a_digest_that_no_registry_has_goes_back_while_the_old_one_answers(three: Three) -> None:
    live = three.live("prod")
    missing = f"{live.partition('@')[0]}@sha256:{'9be1' * 16}"
    done = three.slipway("release", three.name("prod"), SERVICE, "--image", missing, "--override", "a test")
    assert done.returncode == 3, (done.stdout + done.stderr)[-6000:]
    assert three.live("prod") == live


@pytest.mark.long
def test_destroying_dev_takes_no_image_from_the_others(three: Three) -> None:
    """Runs last: staging loses its source and continues to serve."""
    (built,) = three.built
    ok(three.copies["dev"].pulumi("destroy", "--yes", "--skip-preview"))
    repository, _, digest = built.partition("@")
    assert registry.manifest(repository, digest)["layers"], "the image that dev built"
    live = {name: three.live(name) for name in ("staging", "prod")}
    for name, image in live.items():
        ok(three.copies[name].pulumi("up", "--yes", "--skip-preview"))
        assert three.live(name) == image
        three.copies[name].kubectl("delete", "pods", "--all")
        three.copies[name].kubectl("wait", "pods", "--all", "--for=condition=Ready", "--timeout=300s")
