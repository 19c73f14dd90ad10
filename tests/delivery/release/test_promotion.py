"""Promotion: whole bytes from one environment to the next, refused by one line with nothing written."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import yaml

from delivery.errors import DeliveryError
from delivery.release import promotion
from delivery.release.stack import Stack
from models.delivery import Override
from models.evidence import Evidence
from models.release import SlotRelease
from tests.delivery import vouching as given
from tests.delivery.vouching import HOUR, NOON, TUNED
from tests.samples import IMAGE, OTHER_IMAGE, Config, entry, refused, service

WEB = "…@sha256:9be19be19be1"
REASON = Override(reason="the site is down", by="ann", at=NOON)
ENVIRONMENTS: Config = {"dev": {}, "staging": {}, "prod": {}}


@dataclass
class Opened(Stack):
    """A stack whose outputs are given; its files are real."""

    exports: Config = field(default_factory=dict[str, Any])

    def outputs(self) -> Config:
        return self.exports


class Stacks:
    """A project with stacks of an entry with two services."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "catalog").mkdir()
        services = {"web": service(), "search": service()}
        self.catalogue(entry(services=services, environments=ENVIRONMENTS))
        self.catalogue(entry(name="other", services=services, environments=ENVIRONMENTS))

    def catalogue(self, data: Config) -> None:
        (self._folder / "catalog" / f"{data['name']}.yaml").write_text(yaml.safe_dump(data, sort_keys=False))

    def stack(self, name: str, environment: str, exports: Config | None = None, **config: Any) -> Opened:
        values = {
            "system": {"entry": "shop", "environment": environment},
            "cluster": {"context": "prod"},
            **config,
        }
        file = self._folder / f"Pulumi.{name}.yaml"
        file.write_text(yaml.safe_dump({"config": {f"slipway:{key}": value for key, value in values.items()}}))
        return Opened(self._folder, name, exports or {})

    def prod(self, name: str = "prod", **config: Any) -> Opened:
        """Prod, which runs the old image."""
        old = {"web": {"slots": {"blue": {"image": IMAGE}}}, "search": {"slots": {"blue": {"image": IMAGE}}}}
        return self.stack(name, "prod", release=config.pop("release", old), **config)

    def files(self) -> dict[str, str]:
        return {path.name: path.read_text() for path in self._folder.glob("Pulumi.*")}


@pytest.fixture
def stacks(tmp_path: Path) -> Stacks:
    return Stacks(tmp_path)


def exports(**of: Evidence) -> Config:
    """What staging exports: unless given, the old image without a verdict."""
    every = {name: of.get(name, given.evidence(live=IMAGE)) for name in ("web", "search")}
    found = {name: evidence.model_copy(update={"service": name}) for name, evidence in every.items()}
    return {"delivery": {name: given.exported(evidence)["delivery"][name] for name, evidence in found.items()}}


VOUCHED = exports(web=given.evidence(given.verdict()))


def planned(source: Stack, *targets: Stack, services: tuple[str, ...] = (), **how: Any) -> list[tuple[str, str]]:
    found = promotion.plan(source, targets, services, now=NOON + HOUR, **how)
    return [(one.service.stack.name, one.service.name) for one in found]


def line(source: Stack, *targets: Stack, services: tuple[str, ...] = (), **how: Any) -> str:
    with pytest.raises(DeliveryError) as raised:
        planned(source, *targets, services=services, **how)
    assert raised.value.exit_code == 1
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_what_the_live_slot_runs_is_taken_whole(stacks: Stacks) -> None:
    live = given.evidence(given.verdict(content=TUNED), content=TUNED)
    (one,) = promotion.plan(stacks.stack("staging", "staging", exports(web=live)), [stacks.prod()], now=NOON + HOUR)
    assert (one.service.name, one.content.image) == ("web", OTHER_IMAGE)
    assert one.service.revision(one.content).content == TUNED


def test_a_service_that_runs_the_same_already_needs_no_evidence(stacks: Stacks) -> None:
    source = stacks.stack("staging", "staging", VOUCHED)
    same = {name: {"slots": {"blue": {"image": IMAGE}}} for name in ("web", "search")}
    assert planned(source, stacks.prod(release=same)) == [("prod", "web")]
    assert planned(source, stacks.prod(), services=("search",)) == []


def test_an_image_under_images_counts_as_what_runs(stacks: Stacks) -> None:
    target = stacks.prod(release={"search": {"slots": {"blue": {}}}}, images={"server": IMAGE})
    assert planned(stacks.stack("staging", "staging", VOUCHED), target, services=("search",)) == []


def test_the_same_image_with_another_configuration_is_promoted(stacks: Stacks) -> None:
    source = stacks.stack("staging", "staging", VOUCHED)
    tuned = {"web": {"slots": {"blue": {"image": OTHER_IMAGE, "server": {"topK": 5}}}}}
    assert planned(source, stacks.prod(release=tuned), services=("web",)) == [("prod", "web")]


def test_a_first_deployment_is_a_promotion_too(stacks: Stacks) -> None:
    source = stacks.stack("staging", "staging", VOUCHED)
    assert planned(source, stacks.prod(release={}), services=("web",)) == [("prod", "web")]


def test_a_first_deployment_that_failed_is_promoted_again_by_the_same_command(stacks: Stacks) -> None:
    """It is what the stack file declares, but it never ran."""
    source = stacks.stack("staging", "staging", VOUCHED)
    release = {"web": {"slots": {"blue": {"image": OTHER_IMAGE}}}}
    assert planned(source, stacks.prod(release=release), services=("web",)) == []
    for outcome in ("inconclusive", "aborted", "superseded"):
        past = given.past(OTHER_IMAGE, outcome, SlotRelease(image=OTHER_IMAGE)).model_copy(update={"first": True})
        failed = past.model_dump(mode="json", by_alias=True)
        for ready, expected in ((0, [("prod", "web")]), (9, [])):
            target = stacks.prod(release=release, delivery={"web": {"history": [failed]}})
            target.__dict__["cluster"] = Mock(**{"ready.return_value": ready})
            assert planned(source, target, services=("web",)) == expected


def test_every_cluster_of_an_environment_follows_in_the_order_that_was_given(stacks: Stacks) -> None:
    both = exports(web=given.evidence(given.verdict()), search=given.evidence(given.verdict()))
    targets = [stacks.prod("prod-us"), stacks.prod("prod-eu")]
    assert planned(stacks.stack("staging", "staging", both), *targets) == [
        ("prod-us", "web"), ("prod-us", "search"), ("prod-eu", "web"), ("prod-eu", "search"),
    ]  # fmt: skip


def test_what_was_promoted_and_is_kept_warm_is_not_promoted_again(stacks: Stacks) -> None:
    warm = given.run(SlotRelease(image=OTHER_IMAGE), warm_until=NOON + HOUR).model_dump(mode="json", by_alias=True)
    slots = {"live": "green", "slots": {"blue": {"image": IMAGE}, "green": {"image": OTHER_IMAGE}}}
    source = stacks.stack("staging", "staging", VOUCHED)
    release = {"web": slots, "search": {"slots": {"blue": {"image": IMAGE}}}}
    assert planned(source, stacks.prod(release=release, delivery={"web": {"run": warm}})) == []
    moving = {**warm, "warmUntil": None}
    assert planned(source, stacks.prod(release=release, delivery={"web": {"run": moving}})) == [("prod", "web")]


def test_a_source_that_keeps_its_old_slot_warm_has_decided(stacks: Stacks) -> None:
    warm = given.run(warm_until=NOON + HOUR).model_dump(mode="json", by_alias=True)
    source = stacks.stack("staging", "staging", VOUCHED, delivery={"web": {"run": warm}})
    assert planned(source, stacks.prod()) == [("prod", "web")]


@pytest.mark.parametrize("kind", ["forward", "back"])
def test_a_source_in_the_middle_of_a_release_is_waited_for(stacks: Stacks, kind: str) -> None:
    moving = given.run(kind=kind).model_dump(mode="json", by_alias=True)
    source = stacks.stack("staging", "staging", VOUCHED, delivery={"web": {"run": moving}})
    assert line(source, stacks.prod()) == (
        "staging: release 20260102-120000-beef of web is under way; wait for its verdict "
        "(slipway status staging), then promote"
    )


UNPROVEN: dict[str, tuple[Evidence, str]] = {
    "never judged": (given.evidence(), "was never judged"),
    "failed": (given.evidence(given.verdict(result="fail")), "its verdict is fail"),
    "inconclusive": (given.evidence(given.verdict(result="inconclusive")), "its verdict is inconclusive"),
    "revoked": (given.evidence(given.revoked()), "its verdict was revoked"),
    "another configuration": (given.evidence(given.verdict(content=TUNED)), "was judged with configuration"),
    "too young": (given.evidence(given.verdict(), soak=9999), "must soak for 9999 s"),
    "stale": (given.evidence(given.verdict(), fresh=60), "a verdict is valid for 60 s"),
}


@pytest.mark.parametrize("case", UNPROVEN)
def test_without_evidence_nothing_is_promoted_but_with_a_reason(stacks: Stacks, case: str) -> None:
    found, said = UNPROVEN[case]
    source, target = stacks.stack("staging", "staging", exports(web=found)), stacks.prod()
    before = stacks.files()
    assert said in line(source, target)
    assert stacks.files() == before
    assert planned(source, target, override=REASON) == [("prod", "web")]


def test_one_cluster_that_holds_the_version_keeps_every_cluster_as_it_is(stacks: Stacks) -> None:
    holds = {"web": {"holds": [given.held().model_dump(mode="json", by_alias=True)]}}
    source = stacks.stack("staging", "staging", VOUCHED)
    targets = [stacks.prod("prod-us"), stacks.prod("prod-eu", delivery=holds)]
    for override in (None, REASON):
        assert line(source, *targets, override=override).startswith(f"prod-eu: web {WEB} is held: 5 % errors (ann, ")


def test_a_source_that_says_nothing_is_refused(stacks: Stacks) -> None:
    said = line(stacks.stack("staging", "staging"), stacks.prod())
    assert said.startswith("staging: has no evidence about web, which was never deployed there")


@pytest.mark.parametrize("names", [[], ["staging"], ["prod", "staging"], ["prod", "prod"]])
def test_stacks_are_named_once_each(stacks: Stacks, names: list[str]) -> None:
    every = {"staging": stacks.stack("staging", "staging", VOUCHED), "prod": stacks.prod()}
    assert "requires one source and other stacks as targets; name each stack once" in line(
        every["staging"], *(every[name] for name in names)
    )


def test_promotion_goes_in_the_entrys_order_alone(stacks: Stacks) -> None:
    assert line(stacks.prod(), stacks.stack("staging", "staging")) == (
        "staging: staging does not come after prod in catalog/shop.yaml (dev → staging → prod); promote in this order"
    )
    assert "prod does not come after prod" in line(stacks.prod("prod-eu"), stacks.prod("prod-us"))


def test_an_environment_may_be_skipped_unless_the_target_says_whom_it_believes(stacks: Stacks) -> None:
    source = stacks.stack("dev", "dev", VOUCHED)
    assert planned(source, stacks.prod()) == [("prod", "web")]
    for asked in ("staging", "acme/ml/staging"):
        assert line(source, stacks.prod(source=asked)) == (
            f"prod: takes evidence from {asked} (slipway:source), not from dev; run slipway promote staging prod"
        )


def test_two_environments_are_not_promoted_to_at_once(stacks: Stacks) -> None:
    source = stacks.stack("dev", "dev", VOUCHED)
    assert line(source, stacks.stack("staging", "staging"), stacks.prod()) == (
        "staging, prod: belong to different environments (prod, staging), and the later one requires the verdict of "
        "the earlier one; promote to one environment at a time"
    )


def test_a_stack_of_another_entry_is_refused(stacks: Stacks) -> None:
    other = stacks.stack("prod", "prod", system={"entry": "other", "environment": "prod"})
    assert line(stacks.stack("staging", "staging", VOUCHED), other) == (
        "prod: runs other, but staging runs shop; promote within one catalogue entry"
    )


def test_a_misspelt_service_is_told_with_the_right_one(stacks: Stacks) -> None:
    source = stacks.stack("staging", "staging", VOUCHED)
    assert "wbe: no such service (web, search); did you mean 'web'?" in line(source, stacks.prod(), services=("wbe",))


NO_DIGESTS = {
    "a tag": "registry.example.com/ml/server:1.4",
    "a tag and a digest": f"registry.example.com/ml/server:1.4@sha256:{'9be1' * 16}",
    "a bare ID": f"sha256:{'9be1' * 16}",
    "an ID without its kind": "9be1" * 16,
    "what docker images shows for an image without a name": "<none>@<none>",
    "a repository without a digest": "registry.example.com/ml/server",
    "a digest that is too short": "registry.example.com/ml/server@sha256:9be1",
    "an unknown digest": "registry.example.com/ml/server@sha256:unknown",
    "nothing": "",
}


@pytest.mark.parametrize("case", NO_DIGESTS)
def test_only_a_digest_is_promoted(stacks: Stacks, case: str) -> None:
    image = NO_DIGESTS[case]
    assert len(refused(SlotRelease, {"image": image})) == 1
    offered = exports(web=given.evidence(given.verdict()))
    offered["delivery"]["web"]["live"]["image"] = image
    said = line(stacks.stack("staging", "staging", offered), stacks.prod())
    assert said.startswith("staging: output delivery.web cannot be read (live.image: ")
