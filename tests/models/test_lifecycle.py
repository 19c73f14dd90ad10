"""Start, rollout and drain: budgets that fit into one another."""

from models.lifecycle import Drain, Health, Rollout
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

ACCEPTED: Accepted = [
    (Rollout, {"maxUnavailable": 1, "maxSurge": 0}),
    (Rollout, {"maxUnavailable": 0, "maxSurge": 1}),
    (Rollout, {"maxUnavailable": "100%", "maxSurge": "150%"}),
    (Rollout, {"maxUnavailable": 0, "maxSurge": "1%"}),
    (Drain, {"preStop": "5s", "drain": "30s", "grace": "35s", "requestTimeout": "35s"}),
    (Drain, {"preStop": "0s", "drain": "3600s", "grace": "1h", "requestTimeout": "1h"}),
    (Health, {"ready": "/ready", "startup": "2m"}),
]
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
        "progressDeadline: '999999h': Input should be less than or equal to 2147483647",
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
    (Drain, {"drain": "3601s", "grace": "2h"}, "drain: 3601: Input should be less than or equal to 3600"),
    (Drain, {"requestTimeout": "0s"}, f"requestTimeout: 0: {AT_LEAST_1}"),
    (Health, {"period": "0s"}, f"period: 0: {AT_LEAST_1}"),
    (Health, {"timeout": "0s"}, f"timeout: 0: {AT_LEAST_1}"),
    (Health, {"failures": 0}, f"failures: 0: {AT_LEAST_1}"),
    (Health, {"ready": "ready"}, f"ready: 'ready': {PATH}"),
]


test_what_keeps_the_rules_is_accepted = accepting(ACCEPTED)
test_what_breaks_a_rule_is_refused_in_one_line = refusing(REFUSED)
