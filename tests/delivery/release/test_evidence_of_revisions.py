"""A verdict speaks of one revision: what was judged may not differ from what would run, whatever field it is."""

import pytest

from delivery.errors import Refused
from delivery.release import evidence
from models.delivery import Verdict
from models.entry import CatalogueEntry
from models.evidence import Evidence, Running, Wanted
from models.release import SlotRelease
from models.revision import Revision
from models.service import ServiceOverlay
from tests.delivery import vouching
from tests.delivery.vouching import CONFIG, HOUR, NOON
from tests.each import each
from tests.edits import EDITED, catalogue
from tests.samples import OTHER_IMAGE, accepted

OVERLAID = sorted(EDITED.keys() & {info.alias or name for name, info in ServiceOverlay.model_fields.items()})


def overlaid(made: CatalogueEntry, environment: str, field: str) -> CatalogueEntry:
    """Let an environment set a field for itself."""
    overlay = accepted(ServiceOverlay, {field: EDITED[field]})
    changed = made.environments[environment].model_copy(update={"services": {"web": overlay}})
    return made.model_copy(update={"environments": {**made.environments, environment: changed}})


def judged(made: CatalogueEntry, content: SlotRelease | None = None) -> Evidence:
    """What dev exports after it has judged what the entry says there."""
    revision = Revision.of(made.service_in("dev", "web"), content or SlotRelease())
    verdict = vouching.verdict(revision=revision.name, inherited=None, environment="dev", stack="dev")
    runs = Running(image=OTHER_IMAGE, config=CONFIG, content=SlotRelease(), revision=revision.name)
    found = vouching.evidence(
        verdict, environment="dev", stack="dev", service="web", revisions={revision.name: revision}
    )
    return found.model_copy(update={"live": runs, "slots": {"blue": runs}})


def vouched(found: Evidence, entry: CatalogueEntry) -> Verdict:
    runs = entry.service_in("prod", "web").of_slot
    wanted = Wanted(image=OTHER_IMAGE, config=CONFIG, environment="prod", runs=runs)
    return evidence.vouched(found, wanted, entry, NOON + HOUR)


def test_what_was_judged_and_would_run_is_vouched_for() -> None:
    assert vouched(judged(catalogue()), catalogue()).result == "pass"


@each("field", EDITED)
def test_an_edit_after_the_verdict_needs_another(field: str) -> None:
    with pytest.raises(Refused) as raised:
        vouched(judged(catalogue()), catalogue(**{field: EDITED[field]}))
    said = str(raised.value)
    assert f"of {field}" in said
    assert said.endswith("than prod would run; release the current entry in dev first: slipway release dev web")
    assert "\n" not in said


@each("field", OVERLAID)
def test_what_the_target_environment_sets_for_itself_is_its_own_affair(field: str) -> None:
    made = overlaid(catalogue(), "prod", field)
    assert vouched(judged(catalogue()), made).result == "pass"


@each("field", OVERLAID)
def test_what_the_judging_environment_sets_for_itself_must_be_what_it_was(field: str) -> None:
    made = overlaid(catalogue(), "dev", field)
    assert vouched(judged(made), made).result == "pass"
    with pytest.raises(Refused, match=f"of {field}"):
        vouched(judged(catalogue()), made)


def test_a_verdict_whose_revision_is_not_exported_says_what_to_do() -> None:
    found = judged(catalogue()).model_copy(update={"revisions": {}})
    with pytest.raises(Refused, match=r"as revision [0-9a-f]{16}, which dev does not export; run pulumi up -s dev"):
        vouched(found, catalogue())
