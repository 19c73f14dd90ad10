"""Jobs: work that ends."""

from models.jobs import JobSpec
from tests.models.tables import (
    AT_LEAST_1,
    DURATION,
    EVICTED,
    LIST,
    NAME,
    REQUIRED,
    TEXT,
    Accepted,
    Refused,
    accepting,
    refusing,
)
from tests.samples import Config, job

MOST = 2**31 - 1


def changed(**changes: object) -> Config:
    return job(**changes)


ACCEPTED: Accepted = [
    (JobSpec, changed()),
    (JobSpec, changed(args=["digits", "--seed", "1"], env={"OMP_NUM_THREADS": "1"}, secrets=["storage"])),
    (JobSpec, changed(calls=["queue"], before=["web"], objectStorage=True)),
    (JobSpec, changed(retries=0, deadline="1s", keep="0s")),
    (JobSpec, changed(retries=20, deadline="24h")),
    (JobSpec, changed(scratch="974Mi")),
]
REFUSED: Refused = [
    (JobSpec, {"image": "server"}, f"resources: {REQUIRED}"),
    (JobSpec, {"resources": job()["resources"]}, f"image: {REQUIRED}"),
    (JobSpec, changed(image="Server"), f"image: 'Server': {NAME}"),
    (JobSpec, changed(args="digits"), f"args: 'digits': {LIST}"),
    (JobSpec, changed(args=[1]), f"args.0: 1: {TEXT}"),
    (
        JobSpec,
        changed(env={"SLIPWAY_A": "1"}),
        "env.SLIPWAY_A: 'SLIPWAY_A': Slipway sets this variable; choose another name",
    ),
    (JobSpec, changed(objectStorage="yes"), "objectStorage: 'yes': must be true or false"),
    (JobSpec, changed(retries=-1), "retries: -1: must be at least 0"),
    (JobSpec, changed(retries=21), "retries: 21: must be at most 20"),
    (JobSpec, changed(deadline="0s"), f"deadline: 0: {AT_LEAST_1}"),
    (JobSpec, changed(deadline=300), f"deadline: 300: {DURATION}"),
    (JobSpec, changed(keep="999999h"), "keep: '999999h': must be at most 2147483647"),
    (JobSpec, changed(scratch="0"), "scratch: '0': must be greater than 0"),
    (
        JobSpec,
        changed(scratch="975Mi"),
        f"resources.limits.ephemeral-storage 1Gi is less than scratch 975Mi plus {EVICTED}",
    ),
    (JobSpec, changed(before=["Web"]), f"before.0: 'Web': {NAME}"),
    (JobSpec, changed(before=["web", "web"]), "before names a service twice; remove one"),
    (JobSpec, changed(retrys=1), "retrys: unknown key; did you mean 'retries'?"),
]


test_what_keeps_the_rules_is_accepted = accepting(ACCEPTED)
test_what_breaks_a_rule_is_refused_in_one_line = refusing(REFUSED)
