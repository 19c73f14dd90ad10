"""The real ``__main__.py`` where ``slipway:source`` is set: what may run, what may not, and that nothing is written."""

import pulumi
import pytest

import catalog
from models.delivery import fingerprint
from models.evidence import evidence_of
from models.release import SlotRelease
from tests.each import each
from tests.program.evidence import (
    AGES,
    AT,
    LATER,
    OTHER,
    PLAIN,
    Read,
    held,
    judged,
    prod,
    published,
    read,
    run,
    verdict,
    vouching,
)
from tests.recording import Recorded, run_main
from tests.samples import IMAGE, OTHER_IMAGE, Config, put, runnable

WHERE = "slipway:release.classifier.slots"
NEW, OLD = "…@sha256:9be19be19be1", "…@sha256:5f0c5f0c5f0c"
WAY = "or override the check with a reason: slipway promote staging prod --override REASON"


def allowed(config: Config, staging: Config | None, own: Config | None = None) -> Recorded:
    return run_main(config, stack="prod", **read(staging, own))


def refused(config: Config, staging: Config, own: Config | None = None) -> list[str]:
    """Run it, and see that nothing reached the API server."""
    recorded = Recorded()
    with pytest.raises(pulumi.RunError) as raised:
        run_main(config, stack="prod", into=recorded, **read(staging, own))
    assert recorded.manifests == []
    return str(raised.value).splitlines()


def test_what_the_source_vouches_for_is_deployed() -> None:
    assert len(allowed(prod(), vouching()).of_kind("Deployment")) == 2


REFUSED: dict[str, tuple[Config, Config, str]] = {
    "a version that was never judged": (
        prod(),
        published(IMAGE, verdicts=[verdict(IMAGE)]),
        (
            f"staging: classifier {NEW} was never judged: no verdict names this digest; "
            f"release this version first: slipway release staging classifier --image {OTHER_IMAGE}"
        ),
    ),
    "a version that was judged with another configuration": (
        prod(new=OTHER),
        vouching(),
        (
            f"staging: classifier {NEW} was judged with configuration {PLAIN}, not with "
            f"{fingerprint(SlotRelease.model_validate(OTHER))}; "
            f"release this version first: slipway release staging classifier --image {OTHER_IMAGE}"
        ),
    ),
    "a version that failed": (
        prod(),
        vouching(result="fail", checks={"errors": {"result": "fail", "said": "errors 3 % against 1 %"}}),
        (
            f"staging: classifier {NEW}: its verdict is fail (errors: errors 3 % against 1 %); "
            "judge the live version: slipway check staging classifier"
        ),
    ),
    "a version of which nobody knows": (
        prod(),
        vouching(result="inconclusive"),
        (
            f"staging: classifier {NEW}: its verdict is inconclusive; "
            "judge the live version: slipway check staging classifier"
        ),
    ),
    "a version that nothing has judged": (
        prod(),
        vouching(result="unjudged", checks={}),
        (
            f"staging: classifier {NEW}: nothing was judged, so the verdict is not evidence; add errors, latency, "
            "a check or a webhook to release.gate in catalog/classifier.yaml; "
            "judge the live version: slipway check staging classifier"
        ),
    ),
    "a version whose verdict was revoked": (
        prod(),
        vouching(revoked={"reason": "slow on Monday", "at": AT}),
        (
            f"staging: classifier {NEW}: its verdict was revoked at 2026-01-02 03:04:05 UTC: slow on Monday; "
            "judge the live version: slipway check staging classifier"
        ),
    ),
    "a version that has not soaked": (
        prod(),
        published(OTHER_IMAGE, verdicts=[verdict(ended=LATER)], soak=3600),
        (
            f"staging: classifier {NEW} passed at 2999-01-01 00:00:00 UTC and must soak for 3600 s (release.soak); "
            "wait until 2999-01-01 01:00:00 UTC"
        ),
    ),
    "a version whose verdict is stale": (
        prod(),
        published(OTHER_IMAGE, verdicts=[verdict(ended=AGES)], fresh=60),
        (
            f"staging: classifier {NEW} passed at 2020-01-01 00:00:00 UTC, and a verdict is valid for 60 s "
            "(release.fresh); judge the live version: slipway check staging classifier"
        ),
    ),
    "a version that was judged with another catalogue": (
        prod(),
        vouching(inherited="0123456789abcdef"),
        (
            f"staging: classifier {NEW} was judged before catalog/classifier.yaml changed the model, server or files "
            "of the service; release the current entry in staging first: slipway release staging classifier"
        ),
    ),
    "a version that staging holds": (
        prod(),
        published(OTHER_IMAGE, verdicts=[verdict()], holds=[held()]),
        (
            f"staging: classifier {NEW} is held: 5 % errors (ann, 2026-01-02 03:04:05 UTC); "
            f"release another version, or remove the hold: slipway release-hold staging classifier {OTHER_IMAGE}"
        ),
    ),
    "a service of which staging says nothing": (
        prod(),
        {},
        "staging has no evidence about classifier; run pulumi up -s staging, then let a gate judge the version there",
    ),
    "evidence in the words of another program": (
        prod(),
        {"delivery": {"classifier": {}}},
        "staging: output delivery.classifier cannot be read (Field required); run pulumi up -s staging",
    ),
}


@each("case", REFUSED)
def test_without_evidence_nothing_is_written(case: str) -> None:
    config, staging, said = REFUSED[case]
    (line,) = refused(config, staging)
    assert line in (f"{WHERE}.green: {said}", f"{WHERE}.green: {said}, {WAY}")


def test_what_this_stack_holds_is_refused_with_the_best_of_evidence() -> None:
    assert refused(prod(holds=[held()]), vouching()) == [
        (
            f"{WHERE}.green: {NEW} is held in this stack: 5 % errors (ann, 2026-01-02 03:04:05 UTC); "
            f"choose another version, or run slipway release-hold prod classifier {OTHER_IMAGE}"
        )
    ]


def test_a_hold_needs_no_source() -> None:
    config = {key: value for key, value in prod(holds=[held()]).items() if key != "source"}
    assert len(refused(config, vouching())) == 1


def test_every_slot_that_may_not_run_is_told_in_its_line() -> None:
    lines = refused(prod(), published(IMAGE), own={})
    assert [line.split(": ")[0] for line in lines] == [f"{WHERE}.blue", f"{WHERE}.green"]
    assert OLD in lines[0]


def test_an_image_under_images_needs_evidence_too() -> None:
    config = put(prod(), "release.classifier", {"slots": {"blue": {}}})
    assert refused({**config, "images": {"server": OTHER_IMAGE}}, published(IMAGE))[0].startswith(f"{WHERE}.blue: ")


def test_nobody_can_vouch_for_what_is_yet_to_be_built() -> None:
    (line,) = refused({**runnable("dev"), "source": "staging"}, published(IMAGE))
    assert "this stack builds the image, so slipway:source staging has no evidence for it" in line


GRANDFATHERED: dict[str, tuple[Config, Config]] = {
    "it ran at the last update": (prod(), published(OTHER_IMAGE, stack="prod", slots={
        "blue": {"image": IMAGE, "config": PLAIN, "content": {}},
        "green": {"image": OTHER_IMAGE, "config": PLAIN, "content": {}},
    })),
    "it was promoted here": (
        prod(history=[{"id": "1", "image": OTHER_IMAGE, "config": PLAIN, "content": {}, "outcome": "promoted",
        "began": AT, "ended": AT}]),
        published(IMAGE, stack="prod"),
    ),
    "it passed here": (prod(verdicts=[verdict()]), published(IMAGE, stack="prod")),
    "somebody has gone past it with a reason": (
        prod(run=run(override={"reason": "the site is down", "by": "ann", "at": AT})),
        published(IMAGE, stack="prod"),
    ),
    "it is on its way back": (
        prod(run=run(kind="back", left={"slots": {"blue": {"image": IMAGE}, "green": {"image": OTHER_IMAGE}}}),
             holds=[held()]),
        published(IMAGE, stack="prod"),
    ),
    "it is promoted, and the old slot is warm": (
        put(prod(run=run()), "release.classifier.live", "green"), published(IMAGE, stack="prod"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", GRANDFATHERED)
def test_what_was_let_in_before_is_deployed_without_evidence(case: str) -> None:
    config, own = GRANDFATHERED[case]
    assert len(allowed(config, {}, own).of_kind("Deployment")) == 2


def test_what_was_let_in_by_the_record_asks_no_other_stack() -> None:
    """So that a destroyed staging does not stop prod."""
    both = [verdict(IMAGE), verdict(OTHER_IMAGE)]
    assert len(allowed(prod(verdicts=both), None).of_kind("Deployment")) == 2


def test_a_live_version_that_somebody_holds_stays_deployable() -> None:
    config = put(prod(holds=[held(IMAGE)]), "release.classifier", {"slots": {"blue": {"image": IMAGE}}})
    assert len(allowed(config, {}).of_kind("Deployment")) == 1


def test_a_verdict_that_was_revoked_here_lets_nothing_in() -> None:
    taken_back = verdict(revoked={"reason": "slow", "at": AT})
    assert len(refused(prod(verdicts=[taken_back]), published(IMAGE))) == 1


def test_the_first_deployment_needs_evidence_although_it_is_its_own_way_back() -> None:
    first: Config = {"slots": {"blue": {"image": OTHER_IMAGE}}}
    config = put(prod(run=run(candidate="blue", stable=first)), "release.classifier", first)
    assert len(refused(config, published(IMAGE), own={})) == 1


def test_a_long_release_is_judged_as_of_its_beginning() -> None:
    """It began an hour after the verdict, which counts for two; now is years later."""
    staging = published(OTHER_IMAGE, verdicts=[verdict()], fresh=7200)
    assert len(allowed(prod(run=run()), staging).of_kind("Deployment")) == 2
    assert len(refused(prod(), staging)) == 1


def test_a_release_on_its_way_is_stopped_when_its_evidence_is_revoked() -> None:
    assert len(refused(prod(run=run()), vouching(revoked={"reason": "slow", "at": AT}))) == 1


def test_a_source_of_another_organisation_is_read_by_its_full_name() -> None:
    config = {**prod(), "source": "acme/ml/staging"}
    known: Read = {**read(None), "outputs": {"acme/ml/staging": vouching()}}
    assert len(run_main(config, stack="prod", **known).of_kind("Deployment")) == 2


def test_what_is_exported_is_what_the_next_stack_reads() -> None:
    config = prod(new=OTHER, verdicts=[verdict()], holds=[held(IMAGE, config=None)])
    tuned = SlotRelease.model_validate(OTHER)
    vouches = vouching(config=fingerprint(tuned), content=OTHER, inherited=judged(tuned))
    evidence = evidence_of(allowed(config, vouches).outputs, "classifier")
    assert evidence is not None
    assert (evidence.stack, evidence.environment, evidence.system) == ("prod", "prod", "classifier")
    assert evidence.live.whole == SlotRelease(image=IMAGE)
    assert evidence.slots["green"].whole == SlotRelease.model_validate({"image": OTHER_IMAGE, **OTHER})
    assert [v.image for v in evidence.verdicts] == [OTHER_IMAGE]
    assert [h.config for h in evidence.holds] == [None]
    spec = catalog.entry("classifier").service_in("prod", "classifier")
    assert (evidence.soak, evidence.fresh) == (spec.release.soak, spec.release.fresh)
