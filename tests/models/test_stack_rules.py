"""A stack and its entry: what one must say so that the other can run."""

import json

import pytest

from models.entry import CatalogueEntry
from models.errors import ConfigurationError
from models.resolve import resolve
from models.stack import StackSettings
from models.system import SystemSpec
from tests.recording import DIGEST
from tests.samples import (
    IMAGE,
    PLANTED,
    Config,
    accepted,
    entry,
    job,
    put,
    release,
    secret_values,
    service,
    stack,
    store,
)

RUNS = {"web": {"slots": {"blue": {"image": IMAGE}}}}
S3 = {"name": "digits", "uri": "s3://models/digits/1"}
SECRETS: Config = {"database": {"keys": ["USER", "PASSWORD"]}, "registry": {"kind": "registry"}}
GIVEN: Config = {"database": {"values": secret_values(["USER", "PASSWORD"])}}
LATER: Config = {"images": {"redis": {"context": "serving"}, "server": {"context": "serving"}}}


def joined(stack_data: Config, entry_data: Config | None = None) -> SystemSpec:
    return resolve(accepted(StackSettings, stack_data), accepted(CatalogueEntry, entry_data or entry()))


def apart(stack_data: Config, entry_data: Config | None = None) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as raised:
        joined(stack_data, entry_data)
    return raised.value.faults


def test_a_default_namespace_that_is_too_long_is_refused_and_a_given_one_helps() -> None:
    name = "s" * 60
    long = put(stack("dev"), "system.entry", name)
    (fault,) = apart(long, entry(name=name))
    assert fault == (
        f"slipway:system.namespace: the default, '{name}-dev', has more than 63 characters; set a shorter name"
    )
    assert joined(put(long, "system.namespace", "short"), entry(name=name)).namespace == "short"


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({}, "slipway:release.web.slots.blue.image"),
        ({"release": {"web": {"slots": {"green": {}}, "live": "green"}}}, "slipway:release.web.slots.green.image"),
    ],
)
def test_an_environment_that_does_not_build_needs_a_digest_for_every_slot(given: Config, path: str) -> None:
    assert apart(stack("prod", **given)) == (
        f"{path}: required, because only dev builds images; set the repository@sha256:<64 hex> that dev runs",
    )


def test_an_image_for_all_slots_is_enough_in_an_environment_that_does_not_build() -> None:
    system = joined(stack("prod", images={"server": IMAGE}))
    assert (system.images, system.builds) == ({"server": IMAGE}, {})


def test_stores_and_jobs_need_their_images_too() -> None:
    data = {**entry(stores={"queue": store(image="redis")}), **LATER}
    data = put(data, "environments.prod.jobs", {"train": job(image="redis")})
    assert apart(stack("prod", release=RUNS), data) == tuple(
        f"slipway:images.redis: required by {name}, because only dev builds images; "
        "set the repository@sha256:<64 hex> that dev runs"
        for name in ("queue", "train")
    )
    assert joined(stack("prod", release=RUNS, images={"redis": IMAGE}), data).images == {"redis": IMAGE}


def test_an_image_that_the_entry_does_not_have_is_refused_with_the_nearest_one() -> None:
    assert apart(stack("dev", images={"servr": IMAGE})) == (
        "slipway:images.servr: no such image (server); did you mean 'server'?",
    )


def test_the_environment_that_builds_needs_to_know_where_the_image_goes() -> None:
    data = stack("dev")
    del data["image"]
    assert apart(data) == ("slipway:image: required, because dev builds an image; set at least its registry",)
    assert joined({**data, "release": RUNS}).builds == {}
    assert joined({**data, "images": {"server": IMAGE}}).builds == {}


def test_a_release_of_a_service_that_does_not_exist_is_refused_with_the_nearest_one() -> None:
    assert apart(stack("dev", release={"wep": RUNS["web"]})) == (
        "slipway:release.wep: no such service (web); did you mean 'web'?",
    )


UNROUTED: Config = entry(services={"web": service()})


@pytest.mark.parametrize("match", [{"header": {"name": "X"}}, {"cookie": "c"}])
def test_without_a_route_a_weight_splits_and_a_match_is_refused(match: Config) -> None:
    split = stack("dev", release={"web": release(weight=50)})
    assert joined(split, UNROUTED).services["web"].release.canary == "green"
    assert apart(stack("dev", release={"web": release(match=match)}), UNROUTED) == (
        "slipway:release.web.match: requires a route, because only a proxy reads headers and cookies; remove it",
    )


def blue(**content: object) -> Config:
    return stack("dev", release={"web": {"slots": {"blue": {"image": IMAGE, **content}}}})


@pytest.mark.parametrize(
    ("model", "content", "line"),
    [
        (None, {"model": {"uri": "s3://models/digits/2"}}, "model: the service web has no model; remove it"),
        (
            {"name": "digits", "uri": "file:///opt/slipway/model"},
            {"model": {"uri": "s3://models/digits/2"}},
            ("model.uri: s3:// and file:// of the entry reach the pod in different ways; use the scheme of the entry"),
        ),
        (None, {"files": {"a": "b"}}, "files: the service web has no files; declare files in the entry first"),
    ],
)
def test_a_slot_changes_only_what_the_entry_has(model: Config | None, content: Config, line: str) -> None:
    data = entry(services={"web": service(model=model)})
    assert apart(blue(**content), data) == (f"slipway:release.web.slots.blue.{line}",)


def test_a_slot_may_run_another_model_and_other_files_than_the_entry_says() -> None:
    data = entry(services={"web": service(model=S3, files={"files": {"a": "1"}})})
    content: Config = {"model": {"uri": "s3://models/digits/2", "checksum": DIGEST}, "files": {"a": "2"}}
    storage = {"objectStorage": {"url": "https://s3.example.com"}}
    slot = joined({**blue(**content), **storage}, data).services["web"].release.slots["blue"]
    assert slot.model is not None
    assert (slot.model.uri, slot.files) == ("s3://models/digits/2", {"a": "2"})


@pytest.mark.parametrize("other", [{"host": "a.example"}, {"host": "b.example", "stableHosts": ["a.example"]}])
def test_two_services_on_one_route_are_refused(other: Config) -> None:
    data = entry(services={"web": service(route={"host": "a.example"}), "api": service(route=other)})
    assert apart(stack("dev"), data) == (
        "catalog/shop.yaml: services.api.route: the service web already uses a.example/; choose another host or path",
    )


def test_two_services_may_share_a_host_on_different_paths() -> None:
    routes = [{"host": "a.example", "path": path} for path in ("/", "/api")]
    data = entry(services={"web": service(route=routes[0]), "api": service(route=routes[1])})
    assert len(joined(stack("dev"), data).services) == 2


def test_every_secret_of_the_entry_needs_a_source_but_that_of_an_open_registry() -> None:
    assert apart(stack("dev"), entry(secrets=SECRETS)) == (
        (
            "slipway:secrets.database: required; set values (pulumi config set --secret --path "
            "'slipway:secrets.database.values.USER' …), environment or externalSecret"
        ),
    )
    system = joined(stack("dev", secrets=GIVEN), entry(secrets=SECRETS))
    assert (list(system.secrets), system.pull_secrets) == (["database"], [])


def test_a_registry_that_is_not_open_gives_every_pod_its_pull_secret() -> None:
    login = {"registry": {"environment": {".dockerconfigjson": "REGISTRY_LOGIN"}}}
    data = stack("dev", secrets={**GIVEN, **login}, cluster={"context": "prod", "pullSecrets": ["mirror"]})
    assert joined(data, entry(secrets=SECRETS)).pull_secrets == ["registry", "mirror"]


def test_a_secret_that_the_entry_does_not_have_is_refused_with_the_nearest_one() -> None:
    assert apart(stack("dev", secrets={**GIVEN, "databse": GIVEN["database"]}), entry(secrets=SECRETS)) == (
        "slipway:secrets.databse: no such secret in the entry (database, registry); did you mean 'database'?",
    )


@pytest.mark.parametrize("source", ["values", "environment"])
@pytest.mark.parametrize(
    ("keys", "given"), [(["USER"], "USER"), (["USER", "PASSWORD", "HOST"], "HOST, PASSWORD, USER")]
)
def test_a_source_gives_exactly_the_keys_of_the_entry(source: str, keys: list[str], given: str) -> None:
    data = stack("dev", secrets={"database": {source: dict.fromkeys(keys, "X")}})
    assert apart(data, entry(secrets=SECRETS)) == (
        f"slipway:secrets.database: provides {given}, but the entry declares USER, PASSWORD; provide the same keys",
    )


@pytest.mark.parametrize("value", [PLANTED, f'"{PLANTED}"', f'["{PLANTED}"]', f'{{"auths": "{PLANTED}"'])
def test_a_login_that_is_no_json_object_is_refused_and_not_repeated(value: str) -> None:
    secrets = {**GIVEN, "registry": {"values": {".dockerconfigjson": value}}}
    assert apart(stack("dev", secrets=secrets), entry(secrets=SECRETS)) == (
        (
            "slipway:secrets.registry.values..dockerconfigjson: is not a JSON object; "
            "set the content of a Docker config.json"
        ),
    )


def test_a_login_that_a_docker_config_holds_is_accepted() -> None:
    secrets = {**GIVEN, "registry": {"values": {".dockerconfigjson": json.dumps({"auths": {}})}}}
    assert joined(stack("dev", secrets=secrets), entry(secrets=SECRETS)).pull_secrets == ["registry"]


def test_object_storage_is_required_by_whoever_reads_or_writes_there() -> None:
    data = entry(
        services={"web": service(model=S3)},
        environments={"dev": {"jobs": {"train": job(objectStorage=True), "migrate": job()}}},
    )
    assert apart(stack("dev"), data) == (
        "slipway:objectStorage: required by web, train; set at least the url of the S3 API",
    )
    assert joined(stack("dev", objectStorage={"url": "https://s3.example.com"}), data).object_storage


def test_a_trigger_that_asks_prometheus_needs_to_know_where_it_is() -> None:
    scaling = {"minReplicas": 0, "maxReplicas": 3, "triggers": {"a": {"prometheus": {"query": "q", "threshold": 1}}}}
    data = entry(services={"web": service(scaling=scaling)})
    assert apart(stack("dev"), data) == (
        (
            "slipway:cluster.prometheusUrl: required by services.web.scaling.triggers; "
            "set the URL at which KEDA reaches Prometheus"
        ),
    )
    assert joined(put(stack("dev"), "cluster.prometheusUrl", "http://prometheus:9090"), data)


def test_servers_outside_are_named_by_both_sides_or_by_neither() -> None:
    talks = entry(services={"web": service(externals=["billing"])})
    billing = {"billing": {"url": "https://billing.example.com"}}
    assert apart(stack("dev"), talks) == ("slipway:externals.billing: required by web; set at least its url",)
    assert apart(stack("dev", externals=billing)) == (
        "slipway:externals.billing: no service or Job uses it; name it in the externals of one, or remove it",
    )
    assert list(joined(stack("dev", externals=billing), talks).externals) == ["billing"]


def test_a_pull_secret_is_named_once() -> None:
    login = {"registry": {"environment": {".dockerconfigjson": "REGISTRY_LOGIN"}}}
    data = stack("dev", secrets={**GIVEN, **login}, cluster={"context": "prod", "pullSecrets": ["registry"]})
    assert apart(data, entry(secrets=SECRETS)) == (
        "slipway:cluster.pullSecrets: 'registry' is already a secret of the entry; remove it here",
    )


def test_a_node_port_belongs_to_one_service() -> None:
    exposure = {"type": "NodePort", "nodePort": 30080}
    data = entry(services={"web": service(exposure=exposure), "api": service(exposure=exposure)})
    assert apart(stack("dev"), data) == (
        (
            "catalog/shop.yaml: services.api.exposure.nodePort: the service web already uses port 30080; "
            "choose another port"
        ),
    )
    assert joined(stack("dev"), put(data, "services.api.exposure", {"type": "NodePort", "nodePort": 30081}))


def test_faults_are_told_in_the_order_of_the_file() -> None:
    names = ["zeta", "alpha", "mid", "beta"]
    faults = apart(stack("dev", images=dict.fromkeys(names, IMAGE)))
    assert [fault.split(": ")[0] for fault in faults] == [f"slipway:images.{name}" for name in names]


def test_faults_of_several_services_are_told_at_once() -> None:
    data = entry(services={"web": service(), "api": service()})
    assert len(apart(stack("prod"), data)) == 2


def test_the_volumes_of_a_class_fit_into_a_quota_of_the_class() -> None:
    """Together with those of stores; a volume without a class counts in no such quota."""
    given = entry(
        volumes={"a": {"size": "4Pi", "storageClass": "fast"}, "b": {"size": "9Pi"}},
        stores={"db": store(volume={"size": "4Pi", "storageClass": "fast"})},
    )
    assert joined(stack("dev"), given).volumes
    larger = put(given, "volumes.a.size", "4097Ti")
    assert apart(stack("dev"), larger) == (
        (
            "catalog/shop.yaml: volumes: the volumes of storageClass fast have 8193Ti together, but a quota of a class "
            "is at most 8Pi; make them smaller"
        ),
    )
