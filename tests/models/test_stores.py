"""Stores: servers that keep data."""

from models.stores import StoreHealth, StoreOverlay, StoreSpec
from tests.each import each
from tests.models.tables import (
    AT_LEAST_1,
    FOLDER,
    LIST,
    NOT_PLAIN,
    PATH,
    REQUIRED,
    Accepted,
    Refused,
    accepting,
    refusing,
)
from tests.samples import refused, store

ACCEPTED: Accepted = [
    (StoreSpec, store()),
    (StoreSpec, store(args=["--appendonly", "yes"], env={"LEVEL": "notice"}, secrets=["database"], grace="1s")),
    (StoreSpec, store(health={"path": "/api/heartbeat"})),
    (StoreSpec, store(health={"command": ["redis-cli", "ping"], "startup": "5s", "period": "5s"})),
    (StoreHealth, {"failures": 2**30 - 1}),
    (StoreOverlay, {}),
    (StoreOverlay, {"volume": {"size": "64Mi"}}),
]
REFUSED: Refused = [
    (StoreSpec, {**store(), "port": 0}, f"port: 0: {AT_LEAST_1}"),
    (StoreSpec, {key: value for key, value in store().items() if key != "volume"}, f"volume: {REQUIRED}"),
    (StoreSpec, {key: value for key, value in store().items() if key != "resources"}, f"resources: {REQUIRED}"),
    (StoreSpec, store(volume={"size": "1Gi", "path": "/"}), f"volume.path: '/': {FOLDER}"),
    (StoreSpec, store(env={"REDIS_PASSWORD": "x"}), f"env.REDIS_PASSWORD: {NOT_PLAIN}"),
    (StoreSpec, store(grace="0s"), f"grace: 0: {AT_LEAST_1}"),
    (StoreSpec, store(volumes={}), "volumes: unknown key; did you mean 'volume'?"),
    (StoreHealth, {"path": "/", "command": ["true"]}, "set path or command, not both; a probe has one action"),
    (StoreHealth, {"path": "heartbeat"}, f"path: 'heartbeat': {PATH}"),
    (StoreHealth, {"command": "redis-cli ping"}, f"command: 'redis-cli ping': {LIST}"),
    (StoreHealth, {"command": [""]}, "command.0: '': must not be empty"),
    (StoreHealth, {"startup": "4s", "period": "5s"}, "startup 4s is shorter than one period 5s; raise it"),
    (StoreHealth, {"timeout": "0s"}, f"timeout: 0: {AT_LEAST_1}"),
    (StoreHealth, {"failures": 0}, f"failures: 0: {AT_LEAST_1}"),
    (StoreHealth, {"failures": 2**30}, "failures: 1073741824: must be at most 1073741823"),
    (StoreOverlay, {"volume": None}, "volume: no value is set; remove the key, or set a value"),
]


test_what_keeps_the_rules_is_accepted = accepting(ACCEPTED)
test_what_breaks_a_rule_is_refused_in_one_line = refusing(REFUSED)


@each("key", ["image", "port", "args", "env", "secrets", "health", "grace"])
def test_an_environment_cannot_change_what_a_store_is(key: str) -> None:
    (fault,) = refused(StoreOverlay, {key: store().get(key, {})})
    assert fault.startswith(f"given: {key}: unknown key; ")
