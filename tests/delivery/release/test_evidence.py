"""Verdicts: what each rule says when it refuses, which are kept, and which no longer count."""

import json
from datetime import timedelta
from typing import Any

import pytest

from delivery.errors import Refused
from delivery.release import evidence
from models.delivery import Arm, CheckResult, PastVerdicts, ServiceDelivery, Verdict, Version, fingerprint
from models.entry import CatalogueEntry
from models.evidence import Evidence, evidence_of, inherited
from models.files import ConfigFiles
from models.lifecycle import Rollout
from models.release import SlotRelease
from models.server import ServerSettings
from tests.delivery import vouching as given
from tests.delivery.vouching import CONFIG, ENTRY, HOUR, JUDGED, NOON, PLAIN, TUNED, image
from tests.each import each
from tests.samples import IMAGE, OTHER_IMAGE

WHAT = "staging: classifier …@sha256:9be19be19be1"
CHECK = "judge the live version: slipway check staging classifier"
RELEASE = f"release this version first: slipway release staging classifier --image {OTHER_IMAGE}"
AGAIN = "release the current entry in staging first: slipway release staging classifier"
DAY = 86_400


def vouched(found: Evidence, entry: CatalogueEntry = ENTRY) -> Verdict:
    return evidence.vouched(found, given.wanted(entry=entry), entry, NOON + HOUR)


def refused(found: Evidence, entry: CatalogueEntry = ENTRY) -> str:
    with pytest.raises(Refused) as raised:
        vouched(found, entry)
    assert raised.value.exit_code == 1
    return str(raised.value)


def test_a_passing_verdict_about_these_bytes_vouches() -> None:
    found = given.verdict()
    assert vouched(given.evidence(found)) == found


CASES: dict[str, tuple[Evidence, str]] = {
    "missing, live": (
        given.evidence(given.verdict(IMAGE)),
        f"{WHAT} was never judged: no verdict names this digest; {CHECK}",
    ),
    "missing, not live": (
        given.evidence(given.verdict(IMAGE), live=IMAGE),
        f"{WHAT} was never judged: no verdict names this digest; {RELEASE}",
    ),
    "another configuration": (
        given.evidence(given.verdict(content=TUNED)),
        f"{WHAT} was judged with configuration {fingerprint(TUNED)}, not with {CONFIG}; {CHECK}",
    ),
    "failed": (
        given.evidence(given.verdict(result="fail", checks={
            "errors": CheckResult(result="fail", said="3 % against 1 %"), "slow": CheckResult(result="pass", said="ok"),
        })),
        f"{WHAT}: its verdict is fail (errors: 3 % against 1 %); {CHECK}",
    ),
    "inconclusive": (
        given.evidence(given.verdict(result="inconclusive")), f"{WHAT}: its verdict is inconclusive; {CHECK}",
    ),
    **{
        f"nothing judged, {result}": (
            given.evidence(given.verdict(result=result, checks={})),
            (f"{WHAT}: nothing was judged, so the verdict is not evidence; add errors, latency, a check or a webhook "
            f"to release.gate in catalog/shop.yaml; {CHECK}"),
        ) for result in ("pass", "unjudged")
    },
    "revoked": (
        given.evidence(given.revoked()),
        f"{WHAT}: its verdict was revoked at 2026-01-02 13:00:00 UTC: slow on Monday; {CHECK}",
    ),
    "failed after it had passed": (
        given.evidence(given.verdict(), given.verdict(result="fail")), f"{WHAT}: its verdict is fail; {CHECK}",
    ),
    "too young": (
        given.evidence(given.verdict(), soak=3601),
        (f"{WHAT} passed at 2026-01-02 12:00:00 UTC and must soak for 3601 s (release.soak); "
        "wait until 2026-01-02 13:00:01 UTC"),
    ),
    "stale": (
        given.evidence(given.verdict(), fresh=3599),
        f"{WHAT} passed at 2026-01-02 12:00:00 UTC, and a verdict is valid for 3599 s (release.fresh); {CHECK}",
    ),
    "held": (
        given.evidence(given.verdict(), holds=[given.held()]),
        (f"{WHAT} is held: 5 % errors (ann, 2026-01-02 12:00:00 UTC); release another version, "
        f"or remove the hold: slipway release-hold staging classifier {OTHER_IMAGE}"),
    ),
    "held with whatever configuration": (
        given.evidence(given.verdict(), holds=[given.held(config=None)]),
        (f"{WHAT} is held: 5 % errors (ann, 2026-01-02 12:00:00 UTC); release another version, "
        f"or remove the hold: slipway release-hold staging classifier {OTHER_IMAGE}"),
    ),
}  # fmt: skip


@each("case", CASES)
def test_each_rule_refuses_with_a_line_of_its_own(case: str) -> None:
    found, line = CASES[case]
    assert refused(found) == line
    assert "\n" not in line


def changed(**service: Any) -> CatalogueEntry:
    """The entry after somebody edited its service."""
    spec = ENTRY.services["classifier"].model_copy(update=service)
    return ENTRY.model_copy(update={"services": {"classifier": spec}})


NEWER = changed(server=ServerSettings(top_k=7))


def test_a_verdict_does_not_speak_of_what_the_catalogue_gives_since() -> None:
    line = f"{WHAT} was judged before catalog/shop.yaml changed the model, server or files of the service; "
    assert refused(given.evidence(given.verdict()), NEWER) == f"{line}{AGAIN}"


def test_a_verdict_outlives_changes_that_do_not_reach_its_pods() -> None:
    assert vouched(given.evidence(given.verdict()), changed(rollout=Rollout(max_surge=2)))


def test_what_a_slot_names_itself_it_does_not_take_from_the_catalogue() -> None:
    newer = NEWER.service_in("staging", "classifier")
    assert inherited(newer, TUNED) == inherited(JUDGED, TUNED)
    assert inherited(newer, PLAIN) != inherited(JUDGED, PLAIN)
    files = ConfigFiles(files={"a": "1", "b": "2"})
    own = SlotRelease(files={"a": "9"})
    one, other = (JUDGED.model_copy(update={"files": f}) for f in (files, ConfigFiles(files={"a": "5", "b": "2"})))
    assert inherited(one, own) == inherited(other, own)
    assert inherited(one, PLAIN) != inherited(other, PLAIN)


def test_a_verdict_of_an_environment_that_is_gone_counts_nowhere() -> None:
    left = {name: e for name, e in ENTRY.environments.items() if name != "staging"}
    line = refused(given.evidence(given.verdict()), ENTRY.model_copy(update={"environments": left}))
    assert line == (
        f"{WHAT} was judged in staging, which catalog/shop.yaml does not have (dev, prod); "
        "choose a source stack in one of these"
    )


@pytest.mark.parametrize(("soak", "fresh"), [(3600, DAY), (0, 3600)])
def test_soak_and_freshness_include_their_limits(soak: int, fresh: int) -> None:
    found = given.evidence(given.verdict(), soak=soak, fresh=fresh)
    assert vouched(found).result == "pass"


def test_a_hold_on_another_configuration_does_not_matter() -> None:
    found = given.evidence(given.verdict(), holds=[given.held(config=fingerprint(TUNED))])
    assert vouched(found)


def test_a_version_that_passed_again_after_it_was_revoked_counts() -> None:
    assert vouched(given.evidence(given.revoked(), given.verdict()))


def test_a_verdict_survives_the_engines_floats() -> None:
    counted = {"errors": CheckResult(result="pass", said="ok", candidate=Arm(bad=1, total=1826), value=0.25)}
    found = given.evidence(given.verdict(checks=counted), soak=60)
    floats = json.loads(json.dumps(given.exported(found)), parse_int=float)
    assert evidence_of(floats, "classifier") == found


def test_a_stack_that_says_nothing_is_told_how_it_would() -> None:
    silent: list[dict[str, Any]] = [{}, {"delivery": {"other": {}}}, {"services": {}}]
    for outputs in silent:
        with pytest.raises(
            Refused, match=r"^staging: has no evidence about classifier, .*run pulumi up -s staging, then slipway"
        ):
            evidence.read(outputs, "staging", "classifier")


def test_evidence_in_another_programs_words_names_the_field() -> None:
    outputs = given.exported(given.evidence(given.verdict()))
    outputs["delivery"]["classifier"]["verdicts"][0]["result"] = "maybe"
    with pytest.raises(
        Refused, match=r"delivery\.classifier cannot be read \(verdicts\.0\.result: .*pulumi up -s staging$"
    ):
        evidence.read(outputs, "staging", "classifier")


def filled(number: int = PastVerdicts) -> ServiceDelivery:
    """A record that holds as many verdicts as it may, the oldest about image 0."""
    delivery = ServiceDelivery()
    for place in range(number):
        delivery = evidence.record(delivery, given.verdict(image(place)))
    return delivery


def images(delivery: ServiceDelivery) -> list[str]:
    return [verdict.image for verdict in delivery.verdicts]


def test_the_oldest_verdicts_go() -> None:
    delivery = evidence.record(filled(), given.verdict(image(99)))
    assert images(delivery) == [*(image(place) for place in range(1, PastVerdicts)), image(99)]


def test_a_verdict_about_what_is_live_never_goes() -> None:
    delivery = filled()
    for place in range(100, 150):
        delivery = evidence.record(delivery, given.verdict(image(place)), kept=[(image(0), CONFIG)])
    assert len(delivery.verdicts) == PastVerdicts
    assert images(delivery)[0] == image(0)


def test_verdicts_about_the_two_versions_promoted_last_never_go() -> None:
    delivery = filled().model_copy(update={"history": tuple(given.past(image(place)) for place in (0, 1, 2))})
    for place in range(100, 150):
        delivery = evidence.record(delivery, given.verdict(image(place)))
    assert images(delivery)[:2] == [image(1), image(2)]


def test_only_the_newest_verdict_about_what_is_live_is_kept_for_ever() -> None:
    delivery = ServiceDelivery()
    for place in range(PastVerdicts * 2):
        again = given.verdict(image(0), ended=NOON + timedelta(seconds=place))
        delivery = evidence.record(delivery, again, kept=[(image(0), CONFIG)])
    assert len(delivery.verdicts) == PastVerdicts
    assert delivery.verdicts[-1].ended == NOON + timedelta(seconds=PastVerdicts * 2 - 1)


def test_history_is_bounded_and_keeps_what_a_rollback_returns_to() -> None:
    delivery = ServiceDelivery(history=(given.past(image(0)), given.past(image(1))))
    for place in range(100, 150):
        delivery = evidence.remember(delivery, given.past(image(place), "rolled back"))
    assert len(delivery.history) == PastVerdicts
    assert [past.image for past in delivery.history[:2]] == [image(0), image(1)]
    assert evidence.promoted_last(delivery) == [(image(1), CONFIG), (image(0), CONFIG)]


def test_a_release_that_came_to_nothing_leaves_no_trace_in_what_was_promoted() -> None:
    delivery = evidence.remember(ServiceDelivery(), given.past(image(1), "rolled back"))
    assert evidence.promoted_last(delivery) == []


def test_revoking_takes_back_every_verdict_about_these_bytes_and_no_other() -> None:
    others = [given.verdict(IMAGE), given.verdict(content=TUNED)]
    record = given.recorded(given.verdict(), *others, given.verdict())
    delivery = evidence.revoke(record, Version(OTHER_IMAGE, CONFIG), "slow", NOON)
    assert [verdict.revoked.reason if verdict.revoked else None for verdict in delivery.verdicts] == [
        "slow", None, None, "slow"
    ]  # fmt: skip


def test_the_first_revocation_stands() -> None:
    first: Verdict = given.revoked()
    assert evidence.revoke(given.recorded(first), Version(OTHER_IMAGE, CONFIG), "again", NOON).verdicts == (first,)
