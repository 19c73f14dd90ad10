"""Rules that join the blocks of one service, and the overlay that an environment lays over them."""

from typing import Any

import pytest

from models.entry import CatalogueEntry
from models.errors import ConfigurationError
from models.resolve import resolve
from models.service import ServiceOverlay, ServiceSpec
from models.stack import StackSettings
from tests.each import each
from tests.models.tables import NOT_PLAIN
from tests.samples import PLANTED, SLIPWAY, Config, accepted, entry, profile, put, refused, service, stack


def triggered(replicas: int) -> dict[str, Any]:
    length = {"redis": {"store": "queue", "list": "celery", "length": 5}}
    return {"minReplicas": replicas, "maxReplicas": 9, "triggers": {"length": length}}


def minimum(replicas: int) -> dict[str, Any]:
    return {"minReplicas": replicas, "maxReplicas": 9, "metrics": {"cpu": {"utilization": 70}}}


S3 = {"name": "digits", "uri": "s3://models/digits/1"}
SIDE_BY_SIDE = {
    "model": {**S3, "path": "/data/a"},
    "mounts": {"b": "/data/ab"},
    "files": {"path": "/c", "files": {"f": ""}},
}


@each(
    "blocks",
    [
        {},
        {"model": None},
        {"health": {"startup": "60s"}, "rollout": {"progressDeadline": "60s", "timeout": "60s"}},
        {"health": {"startup": "5s", "period": "5s"}},
        {"scaling": minimum(2), "disruption": {"minAvailable": 1}},
        {"scaling": {"replicas": 3}, "disruption": {"minAvailable": 2}},
        {"scaling": triggered(0), "disruption": {"minAvailable": 0}},
        {"monitoring": None, "route": None},
        SIDE_BY_SIDE,
        {"model": {**S3, "size": "910Mi"}, "scratch": "64Mi"},
        {"model": {"name": "digits", "uri": "pvc://hub", "size": "9Gi"}},
        {"env": {"OMP_NUM_THREADS": "1", "_": "", "SLIPWAYX": "1"}},
        {"route": {"host": "a.example", "maxBody": "1Mi", "timeout": "31s", "retries": {"idempotent": True}}},
        {"route": {"host": "a.example", "timeout": "1s", "retries": {}}},
    ],
)
def test_blocks_that_fit_together_are_accepted(blocks: dict[str, Any]) -> None:
    assert accepted(ServiceSpec, service(**blocks))


RETRIED = {"host": "a.example", "maxBody": "1Mi", "retries": {"idempotent": True}}
STORAGE = (
    "resources.limits.ephemeral-storage: 1Gi is less than scratch, model.size and 50Mi of logs together (1025Mi), "
    "so the kubelet would evict the pod; raise it"
)
CONTRADICTIONS: list[tuple[dict[str, Any], str]] = [
    (
        {"managementPort": 5000},
        "managementPort: 5000 is also port, which Services expose; choose another, such as 9090",
    ),
    (
        {"health": {"startup": "61s"}, "rollout": {"progressDeadline": "60s"}},
        (
            "health.startup: 61s exceeds rollout.progressDeadline 60s, so slow starts would fail; "
            "lower it, or raise rollout.progressDeadline"
        ),
    ),
    (
        {"rollout": {"progressDeadline": "61s", "timeout": "60s"}},
        (
            "rollout.progressDeadline: 61s exceeds rollout.timeout 60s, so Pulumi would give up first; "
            "lower it, or raise rollout.timeout"
        ),
    ),
    (
        {"route": {**RETRIED, "timeout": "30s"}},
        (
            "route.timeout: 30s must be longer than drain.requestTimeout 30s, because retries.idempotent would repeat "
            "requests that a pod still works on; raise it, or lower drain.requestTimeout"
        ),
    ),
    (
        {"health": {"startup": "4s", "period": "5s"}},
        "health.startup: 4s is shorter than one health.period 5s; raise it",
    ),
    (
        {"scaling": minimum(1), "disruption": {"minAvailable": 1}},
        (
            "disruption.minAvailable: 1 leaves no pod evictable at 1 replicas, "
            "so a node drain would hang; lower it, or raise the replicas"
        ),
    ),
    (
        {"scaling": triggered(0), "disruption": {"minAvailable": 1}},
        (
            "disruption.minAvailable: 1 leaves no pod evictable at 0 replicas, "
            "so a node drain would hang; lower it, or raise the replicas"
        ),
    ),
    ({"model": {**S3, "path": "/a"}, "mounts": {"b": "/a"}}, "mounts.b: /a is already model.path; choose another path"),
    (
        {"sharedMemory": "64Mi", "mounts": {"a": "/dev/shm"}},  # noqa: S108 -- in the pod
        "mounts.a: /dev/shm is already the shared memory; choose another path",
    ),
    ({"mounts": {"a": "/x", "b": "/x/"}}, "mounts.b: /x is already mounts.a; choose another path"),
    (
        {"files": {"path": "/models", "files": {"f": ""}}},
        "files.path: /models is already model.path; choose another path",
    ),
    (
        {"files": {"path": "/models/config", "files": {"f": ""}}},
        "files.path: /models/config and model.path /models are nested; choose separate paths",
    ),
    (
        {"mounts": {"a": "/etc"}},
        "mounts.a: /etc and the settings folder /etc/slipway are nested; choose separate paths",
    ),
    (
        {"mounts": {"a": "/tmp/work"}},  # noqa: S108 -- a volume of the pod
        "mounts.a: /tmp/work and the scratch folder /tmp are nested; choose separate paths",
    ),
    ({"scratch": "975Mi", "model": None}, STORAGE),
    ({"model": {**S3, "size": "911Mi"}}, STORAGE),
]


@each(("blocks", "line"), CONTRADICTIONS)
def test_blocks_that_contradict_each_other_are_refused(blocks: dict[str, Any], line: str) -> None:
    assert refused(ServiceSpec, service(**blocks)) == (f"given: {line}",)


def test_each_contradiction_has_a_line_of_its_own() -> None:
    blocks = {"health": {"startup": "90s"}, "rollout": {"progressDeadline": "80s", "timeout": "70s"}}
    faults = refused(ServiceSpec, service(**blocks))
    assert [fault.split(": ")[1] for fault in faults] == ["health.startup", "rollout.progressDeadline"]


@pytest.mark.parametrize("port", [0, 65536, "5000", 5000.5])
def test_a_port_that_no_socket_has_is_refused(port: object) -> None:
    (fault,) = refused(ServiceSpec, service(port=port))
    assert fault.startswith(f"given: port: {port!r}: ")


@each(
    ("variable", "rule"),
    [
        ("SLIPWAY_SLOT", "'SLIPWAY_SLOT': Slipway sets this variable; choose another name"),
        ("A-B", "'A-B': a variable name contains only letters, digits and '_', and does not start with a digit"),
        ("1A", "'1A': a variable name contains only letters, digits and '_', and does not start with a digit"),
        ("", "'': a variable name contains only letters, digits and '_', and does not start with a digit"),
        (
            "DATABASE_PASSWORD",
            NOT_PLAIN,
        ),
        ("API_KEY", NOT_PLAIN),
    ],
)
def test_a_literal_variable_is_neither_ours_nor_a_secret(variable: str, rule: str) -> None:
    (fault,) = refused(ServiceSpec, service(env={variable: PLANTED}))
    assert fault == f"given: env.{variable}: {rule}"


OVERLAYS: dict[str, Any] = {
    "args": ["digits"],
    "env": {"OMP_NUM_THREADS": "1"},
    "secrets": ["database"],
    "command": ["gunicorn"],
    "user": 1001,
    "home": {"path": "/srv/app"},
    "writable": {"/var/cache/app": "1Mi"},
    "fileMounts": {"/app/config.toml": {"text": "a"}},
    "sidecars": [{"name": "auth", "resources": service()["resources"]}],
    "init": [{"name": "migrate", "resources": service()["resources"]}],
    "model": {"name": "digits", "uri": "file:///other"},
    "files": {"files": {"a": "b"}},
    "pods": {"annotations": {"example.com/team": "ml"}},
    "resources": {"requests": {"cpu": "2", "memory": "1Gi"}, "limits": {"cpu": "3", "memory": "2Gi"}},
    "scaling": {"replicas": 7},
    "server": {"queueLimit": 5},
    "health": {"ready": "/other"},
    "rollout": {"maxSurge": 3},
    "drain": {"preStop": "9s", "grace": "50s"},
    "disruption": {"minAvailable": 1},
    "scheduling": {"apart": "required"},
    "account": {"annotations": {"example.com/role": "reader"}},
    "exposure": {"type": "NodePort", "direct": True},
    "route": {"host": "other.example.com"},
    "monitoring": {"path": "/other"},
    "metricsProfile": "fastapi",
    "release": {"strategy": "canary", "steps": [100]},
    "load": {"rate": 5, "service": {"mean": "20ms"}},
}
SHARED = {
    "image",
    "port",
    "appProtocol",
    "managementPort",
    "ports",
    "podSecurity",
    "calls",
    "mounts",
    "scratch",
    "sharedMemory",
    "externals",
}
"""What both slots and all environments share."""


def overlaid(blocks: Config) -> ServiceSpec:
    secrets = {"database": {"keys": ["USER"]}}
    environments = {"dev": {"services": {"web": blocks}}, "prod": {}}
    given = accepted(CatalogueEntry, entry(secrets=secrets, environments=environments))
    data = stack("dev", secrets={"database": {"values": {"USER": PLANTED}}})
    return resolve(accepted(StackSettings, data), given).services["web"].spec


@each("block", OVERLAYS)
def test_an_overlay_replaces_its_block_and_no_other(block: str) -> None:
    base = accepted(ServiceSpec, entry()["services"]["web"])
    changed = overlaid({block: OVERLAYS[block]})
    named = profile(OVERLAYS["metricsProfile"] if block == "metricsProfile" else "slipway")
    expected = accepted(ServiceSpec, {**entry()["services"]["web"], block: OVERLAYS[block]})
    expected = expected.model_copy(update={"metrics_profile": named})
    assert changed == expected
    assert changed != base


def test_an_overlay_exists_for_every_block_that_an_environment_may_change() -> None:
    assert set(OVERLAYS) == {info.alias for info in ServiceOverlay.model_fields.values()}
    assert {info.alias for info in ServiceSpec.model_fields.values() if info.alias not in OVERLAYS} == SHARED


def test_a_block_that_is_named_goes_whole_and_keeps_nothing_of_the_old_one() -> None:
    base = put(entry(), "services.web.drain", {"preStop": "9s", "grace": "50s"})
    data = put(base, "environments.dev.services.web", {"drain": {"grace": "45s"}})
    spec = resolve(accepted(StackSettings, stack("dev")), accepted(CatalogueEntry, data)).services["web"].spec
    assert (spec.drain.pre_stop, spec.drain.grace) == (5, 45)


def test_an_environment_may_take_the_route_and_the_monitor_away() -> None:
    spec = overlaid({"route": None, "monitoring": None})
    assert (spec.route, spec.monitoring) == (None, None)


def test_environments_without_an_overlay_get_the_entry_as_it_stands() -> None:
    given = accepted(
        CatalogueEntry,
        entry(
            secrets={"database": {"keys": ["USER"]}}, environments={"dev": {"services": {"web": OVERLAYS}}, "prod": {}}
        ),
    )
    as_it_stands = given.services["web"].model_copy(update={"metrics_profile": SLIPWAY})
    assert given.service_in("prod", "web") == as_it_stands


def test_an_overlay_that_breaks_a_rule_with_the_entrys_blocks_is_refused_where_it_stands() -> None:
    data = entry(environments={"dev": {"services": {"web": {"rollout": {"progressDeadline": "30s"}}}}})
    with pytest.raises(ConfigurationError) as raised:
        resolve(accepted(StackSettings, stack("dev")), accepted(CatalogueEntry, data))
    (fault,) = raised.value.faults
    assert fault.startswith("catalog/shop.yaml: environments.dev.services.web.health.startup: 60s exceeds")


@each("key", sorted(SHARED))
def test_an_overlay_cannot_change_what_both_slots_and_all_environments_share(key: str) -> None:
    data = entry(environments={"dev": {"services": {"web": {key: service().get(key, {})}}}})
    (fault,) = refused(CatalogueEntry, data)
    assert fault.startswith(f"given: environments.dev.services.web.{key}: unknown key")


@each("exposure", [{"type": "LoadBalancer"}, {"type": "NodePort", "externalTrafficPolicy": "Local"}])
def test_a_way_around_the_route_must_be_stated(exposure: dict[str, Any]) -> None:
    route = {"host": "a.example"}
    (line,) = refused(ServiceSpec, service(route=route, exposure=exposure))
    assert line == (
        f"given: exposure.type: {exposure['type']} leads to the pods and bypasses the route's rate limit, traffic "
        "split and gate; remove it, so that all requests pass the proxy, or set exposure.direct to true"
    )
    assert accepted(ServiceSpec, service(route=route, exposure={**exposure, "direct": True}))
    assert accepted(ServiceSpec, service(exposure=exposure)), "without a route there is nothing to bypass"
