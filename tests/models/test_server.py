"""What the model server is told."""

from models.server import ServerSettings
from tests.models.tables import AT_LEAST_1, Accepted, Refused, accepting, refusing

ACCEPTED: Accepted = [
    (ServerSettings, {}),
    (ServerSettings, {"queueLimit": 1, "logLevel": "debug", "topK": 1}),
    (ServerSettings, {"queueLimit": 10_000, "logLevel": "error", "topK": 1000, "variant": "int8"}),
]
REFUSED: Refused = [
    (ServerSettings, {"queueLimit": 0}, f"queueLimit: 0: {AT_LEAST_1}"),
    (ServerSettings, {"queueLimit": 10_001}, "queueLimit: 10001: must be at most 10000"),
    (ServerSettings, {"topK": 0}, f"topK: 0: {AT_LEAST_1}"),
    (ServerSettings, {"topK": 1001}, "topK: 1001: must be at most 1000"),
    (ServerSettings, {"logLevel": "trace"}, "logLevel: 'trace': must be 'debug', 'info', 'warning' or 'error'"),
    (ServerSettings, {"variant": "int4"}, "variant: 'int4': must be 'float' or 'int8'"),
]


test_what_keeps_the_rules_is_accepted = accepting(ACCEPTED)
test_what_breaks_a_rule_is_refused_in_one_line = refusing(REFUSED)
