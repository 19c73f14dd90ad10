"""Start, rollout and drain: budgets that fit into one another."""

from models.lifecycle import Drain, Health, Rollout
from tests.each import each
from tests.models.tables import (
    AT_LEAST_1,
    CUT_OFF,
    DURATION,
    PATH,
    SHARE,
    Accepted,
    Refused,
    accepting,
    refusing,
)
from tests.samples import Config

ACCEPTED: Accepted = [
    (Rollout, {"maxUnavailable": 1, "maxSurge": 0}),
    (Rollout, {"maxUnavailable": 0, "maxSurge": 1}),
    (Rollout, {"maxUnavailable": "100%", "maxSurge": "150%"}),
    (Rollout, {"maxUnavailable": 0, "maxSurge": "1%"}),
    (Drain, {"preStop": "5s", "drain": "30s", "grace": "35s", "requestTimeout": "35s"}),
    (Drain, {"preStop": "0s", "drain": "3600s", "grace": "1h", "requestTimeout": "1h"}),
    (Drain, {"args": ["--graceful-timeout", "{drain}"], "env": {"GRACE": "{grace}s, {requestTimeout}s"}}),
    (Drain, {"env": {}}),
    (Health, {"ready": "/ready", "startup": "2m"}),
]
_TIMES = "{drain}, {requestTimeout}, {grace}"
REFUSED: Refused = [
    (
        Rollout,
        {"maxUnavailable": 0, "maxSurge": 0},
        "maxUnavailable and maxSurge are both 0, so no pod could be replaced; raise one",
    ),
    (Rollout, {"maxSurge": "25"}, f"maxSurge: '25': {SHARE}"),
    (Rollout, {"maxSurge": True}, f"maxSurge: True: {SHARE}"),
    (Rollout, {"maxSurge": -1}, "maxSurge: -1: must be at least 0 and at most 2147483647"),
    (
        Rollout,
        {"maxUnavailable": "101%"},
        "maxUnavailable: '101%': a percentage must be at most 100%, the limit of the API server",
    ),
    (
        Rollout,
        {"maxUnavailable": "0%", "maxSurge": 0},
        "maxUnavailable and maxSurge are both 0, so no pod could be replaced; raise one",
    ),
    (
        Rollout,
        {"progressDeadline": "999999h"},
        "progressDeadline: '999999h': must be at most 2147483647",
    ),
    (
        Drain,
        {"preStop": "5s", "drain": "30s", "grace": "34s"},
        "grace 34s is shorter than preStop + drain = 35s, so requests would be killed; raise grace",
    ),
    (
        Drain,
        {"preStop": "4s", "drain": "30s", "requestTimeout": "35s"},
        f"preStop + drain = 34s is shorter than requestTimeout 35s, {CUT_OFF}",
    ),
    (Drain, {"preStop": 5}, f"preStop: 5: {DURATION}"),
    (Drain, {"drain": "0s", "preStop": "30s"}, f"drain: 0: {AT_LEAST_1}"),
    (Drain, {"drain": "3601s", "grace": "2h"}, "drain: 3601: must be at most 3600"),
    (Drain, {"requestTimeout": "0s"}, f"requestTimeout: 0: {AT_LEAST_1}"),
    (Drain, {"requestTimeout": "61m"}, "requestTimeout: 3660: must be at most 3600"),
    (Drain, {"args": ["--for={drian}"]}, f"args: {{drian}} is not a placeholder ({_TIMES}); did you mean 'drain'?"),
    (
        Drain,
        {"env": {"GRACEFUL": "600"}},
        f"env.GRACEFUL: contains no placeholder of a time ({_TIMES}); add one, or use the service's args or env",
    ),
    (Drain, {"args": []}, "args: must not be empty; add at least one"),
    (Health, {"period": "0s"}, f"period: 0: {AT_LEAST_1}"),
    (Health, {"timeout": "0s"}, f"timeout: 0: {AT_LEAST_1}"),
    (Health, {"failures": 0}, f"failures: 0: {AT_LEAST_1}"),
    (Health, {"ready": "ready"}, f"ready: 'ready': {PATH}"),
]


test_what_keeps_the_rules_is_accepted = accepting(ACCEPTED)
test_what_breaks_a_rule_is_refused_in_one_line = refusing(REFUSED)


@each(
    ("given", "drain", "grace"),
    [
        ({}, 30, 40),
        ({"requestTimeout": "35s"}, 30, 40),  # as before the time was derived: pods of existing entries stay
        ({"preStop": "10s"}, 30, 40),
        ({"requestTimeout": "36s"}, 36, 46),
        ({"requestTimeout": "10m"}, 600, 610),
        ({"preStop": "15s", "requestTimeout": "10m"}, 600, 620),
        ({"drain": "2m"}, 120, 130),
        ({"requestTimeout": "10m", "grace": "1h"}, 600, 3600),
    ],
)
def test_the_longest_answer_is_enough_and_what_a_pod_needs_follows(given: Config, drain: int, grace: int) -> None:
    found = Drain.model_validate(given)
    assert (found.drain, found.grace) == (drain, grace)
    assert found.grace >= found.pre_stop + found.drain
    assert found.pre_stop + found.drain >= found.request_timeout


def test_a_text_tells_whole_seconds() -> None:
    drain = Drain.model_validate({"requestTimeout": "10m", "grace": "15m"})
    assert drain.told("--in={drain} --of={requestTimeout} --kill={grace}s") == "--in=600 --of=600 --kill=900s"
