"""Evidence as the plain data of stack files and outputs: prod, which staging must vouch for."""

from typing import Any, TypedDict

from models.delivery import fingerprint
from models.evidence import inherited
from models.release import SlotRelease
from tests.recording import Outputs, State
from tests.samples import IMAGE, OTHER_IMAGE, Config, classifier, put, runnable

AGES = "2020-01-01T00:00:00Z"
AT = "2026-01-02T03:04:05Z"
LATER = "2999-01-01T00:00:00Z"
FOREVER = 10**11
PLAIN = fingerprint(SlotRelease())
"""The configuration of a slot that changes nothing of its entry."""


class Read(TypedDict):
    """Arguments of ``run_main``: what the program can read of this stack and of others."""

    state: State
    outputs: Outputs


def judged(content: SlotRelease) -> str:
    """What a slot takes from the shipped entry in staging."""
    return inherited(classifier().service_in("staging", "classifier"), content)


OTHER: Config = {"server": {"topK": 5}}


def verdict(image: str = OTHER_IMAGE, **changes: Any) -> Config:
    return {
        "image": image,
        "config": PLAIN,
        "content": {"image": image},
        "inherited": judged(SlotRelease()),
        "environment": "staging",
        "stack": "staging",
        "result": "pass",
        "checks": {"errors": {"result": "pass", "said": "errors 0 % against 0 %, limit +1"}},
        "began": AGES,
        "ended": AT,
        **changes,
    }


def held(image: str = OTHER_IMAGE, **changes: Any) -> Config:
    return {"image": image, "config": PLAIN, "reason": "5 % errors", "by": "ann", "at": AT, **changes}


def published(image: str, *, stack: str = "staging", **changes: Any) -> Config:
    """The outputs of a stack that runs an image in its live slot."""
    runs: Config = {"image": image, "config": PLAIN, "content": {}}
    found: Config = {
        "system": "classifier",
        "environment": stack,
        "stack": stack,
        "service": "classifier",
        "live": runs,
        "slots": {"blue": runs},
        "soak": 0,
        "fresh": FOREVER,
        "verdicts": [],
        "holds": [],
        **changes,
    }
    return {"delivery": {"classifier": found}}


def prod(*, new: Config | None = None, **delivery: Any) -> Config:
    """Prod with the old image live and a new one beside it, after staging."""
    slots = {"blue": {"image": IMAGE}, "green": {"image": OTHER_IMAGE, **(new or {})}}
    config = put(runnable("prod"), "release.classifier", {"slots": slots, "weight": 10})
    return {**config, "source": "staging", "delivery": {"classifier": delivery}}


def run(**changes: Any) -> Config:
    """The record of a release that is on its way."""
    return {
        "id": "1",
        "candidate": "green",
        "stable": {"slots": {"blue": {"image": IMAGE}}},
        "target": {"image": OTHER_IMAGE},
        "image": OTHER_IMAGE,
        "pods": 1,
        "began": "2026-01-02T04:00:00Z",
        "stageBegan": AT,
        **changes,
    }


def read(staging: Config | None, own: Config | None = None) -> Read:
    """Return what the program can read: its own state, and staging's outputs where there are any."""
    ran = published(IMAGE, stack="prod") if own is None else own
    return {"state": State(ran), "outputs": {} if staging is None else {"organization/slipway/staging": staging}}


def vouching(**changes: Any) -> Config:
    return published(OTHER_IMAGE, verdicts=[verdict(**changes)])
