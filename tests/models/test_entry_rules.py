"""Inside one entry: names that lead nowhere, names that meet, variables that are given twice."""

import copy

import pytest

from models.entry import CatalogueEntry
from models.entry_rules import RESERVED_ENDINGS
from tests.each import each
from tests.models.broken_containers import CONTAINERS
from tests.samples import Config, accepted, entry, job, put, refused, service, store

SECRETS = {"database": {"keys": ["USER", "PASSWORD"]}, "storage": {"keys": ["AWS_ACCESS_KEY_ID"]}}
VOLUMES = {"hub": {"size": "1Gi"}}
CACHED = {"name": "digits", "uri": "s3://models/digits/1", "cache": {"volume": "hub"}, "secrets": ["storage"]}
TRIGGERED = {
    "minReplicas": 0,
    "maxReplicas": 3,
    "triggers": {"length": {"redis": {"store": "queue", "list": "celery", "length": 5}}},
}


def whole(**changes: object) -> Config:
    """An entry in which everything refers to something."""
    model, scaling = copy.deepcopy(CACHED), copy.deepcopy(TRIGGERED)
    web = service(
        route={"host": "web.example.com"},
        secrets=["database"],
        calls=["queue", "worker"],
        model=CACHED,
        mounts={"work": "/work"},
        env={"LEVEL": "1"},
    )
    worker = service(scaling=TRIGGERED, model={"name": "digits", "uri": "pvc://hub/digits/1"}, calls=["queue"])
    train = job(before=["web"], calls=["queue"], secrets=["storage"], objectStorage=True)
    return entry(
        secrets={**SECRETS, "registry": {"kind": "registry"}},
        volumes={**VOLUMES, "work": {"size": "1Gi"}},
        stores={"queue": store(secrets=["database"])},
        services={"web": web, "worker": worker},
        environments={
            "dev": {
                "jobs": {"train": train},
                "services": {"web": {"secrets": ["storage"], "model": model}, "worker": {"scaling": scaling}},
                "stores": {"queue": {"volume": {"size": "64Mi"}}},
                "volumes": {"hub": {"size": "64Mi"}},
            },
            "prod": {},
        },
        **changes,
    )


def test_an_entry_whose_names_all_lead_somewhere_is_accepted() -> None:
    assert accepted(CatalogueEntry, whole())


BROKEN: dict[str, tuple[object, str]] = {
    **CONTAINERS,
    "services.web.image": (
        "servr",
        "services.web.image: 'servr' is not a key under images (server); did you mean 'server'?",
    ),
    "stores.queue.image": ("redis", "stores.queue.image: 'redis' is not a key under images (server)"),
    "environments.dev.jobs.train.image": (
        "trainer",
        "environments.dev.jobs.train.image: 'trainer' is not a key under images (server)",
    ),
    "services.web.secrets": (
        ["databse"],
        (
            "services.web.secrets: 'databse' is not a secret of kind variables (database, storage)"
            "; did you mean 'database'?"
        ),
    ),
    "stores.queue.secrets": (
        ["registry"],
        "stores.queue.secrets: 'registry' is not a secret of kind variables (database, storage)",
    ),
    "services.web.model.secrets": (
        ["strage"],
        (
            "services.web.model.secrets: 'strage' is not a secret of kind variables (database, storage)"
            "; did you mean 'storage'?"
        ),
    ),
    "services.web.model.cache.volume": (
        "hbu",
        "services.web.model.cache.volume: 'hbu' is not a volume (hub, work); did you mean 'hub'?",
    ),
    "services.worker.model.uri": (
        "pvc://models/digits",
        "services.worker.model.uri: 'models' is not a volume (hub, work)",
    ),
    "services.web.mounts": (
        {"wokr": "/w"},
        "services.web.mounts: 'wokr' is not a volume (hub, work); did you mean 'work'?",
    ),
    "services.web.calls": (
        ["queu"],
        "services.web.calls: 'queu' is not a service or store (web, worker, queue); did you mean 'queue'?",
    ),
    "services.worker.calls": (["worker"], "services.worker.calls: 'worker' cannot call itself; remove it"),
    "services.worker.scaling.triggers.length.redis.store": (
        "cache",
        "services.worker.scaling.triggers.length.redis.store: 'cache' is not a store (queue)",
    ),
    "environments.dev.services": (
        {"wen": {}},
        "environments.dev.services: 'wen' is not a service (web, worker); did you mean 'web'?",
    ),
    "environments.dev.stores": ({"cache": {}}, "environments.dev.stores: 'cache' is not a store (queue)"),
    "environments.dev.volumes": (
        {"hbu": {"size": "1Gi"}},
        "environments.dev.volumes: 'hbu' is not a volume (hub, work); did you mean 'hub'?",
    ),
    "environments.dev.services.web.secrets": (
        ["a"],
        "environments.dev.services.web.secrets: 'a' is not a secret of kind variables (database, storage)",
    ),
    "environments.dev.services.web.model.secrets": (
        ["registry"],
        "environments.dev.services.web.model.secrets: 'registry' is not a secret of kind variables (database, storage)",
    ),
    "environments.dev.services.web.model.cache.volume": (
        "x",
        "environments.dev.services.web.model.cache.volume: 'x' is not a volume (hub, work)",
    ),
    "environments.dev.services.worker.scaling.triggers.length.redis.store": (
        "x",
        "environments.dev.services.worker.scaling.triggers.length.redis.store: 'x' is not a store (queue)",
    ),
    "environments.dev.jobs.train.secrets": (
        ["x"],
        "environments.dev.jobs.train.secrets: 'x' is not a secret of kind variables (database, storage)",
    ),
    "environments.dev.jobs.train.calls": (
        ["x"],
        "environments.dev.jobs.train.calls: 'x' is not a service or store (web, worker, queue)",
    ),
    "environments.dev.jobs.train.before": (
        ["wep"],
        "environments.dev.jobs.train.before: 'wep' is not a service (web, worker); did you mean 'web'?",
    ),
}


@each("path", BROKEN)
def test_a_name_that_leads_nowhere_is_refused_where_it_stands(path: str) -> None:
    value, line = BROKEN[path]
    assert refused(CatalogueEntry, put(whole(), path, value)) == (f"given: {line}",)


def test_a_name_that_leads_nowhere_says_so_where_there_is_nothing_to_name() -> None:
    data = entry(services={"web": service(mounts={"hub": "/hub"})})
    assert refused(CatalogueEntry, data) == ("given: services.web.mounts: 'hub' is not a volume (none is declared)",)


@pytest.mark.parametrize("ending", RESERVED_ENDINGS)
@pytest.mark.parametrize("group", ["services", "stores", "jobs"])
def test_names_that_would_meet_a_slots_own_are_refused(group: str, ending: str) -> None:
    paths = {"services": "services", "stores": "stores", "jobs": "environments.dev.jobs"}
    contents = {"services": service(), "stores": store(), "jobs": job()}
    path = f"{paths[group]}.web{ending}"
    (fault,) = refused(CatalogueEntry, put(entry(), path, contents[group]))
    assert fault == f"given: {path}: the endings -blue, -green, -canary, -stable are reserved for slots; rename it"


@pytest.mark.parametrize("name", ["blue", "bluebell", "web-blues", "canary-web"])
def test_names_that_only_look_like_a_slots_are_accepted(name: str) -> None:
    assert accepted(CatalogueEntry, entry(services={name: service()}))


@pytest.mark.parametrize(
    ("path", "content", "owner"),
    [
        ("stores.web", store(), "service"),
        ("environments.dev.jobs.web", job(), "service"),
        ("environments.dev.jobs.queue", job(), "store"),
    ],
)
def test_two_things_of_one_name_are_refused(path: str, content: Config, owner: str) -> None:
    line = f"given: {path}: a {owner} has the same name, so their objects would collide; rename one"
    assert refused(CatalogueEntry, put(whole(), path, content)) == (line,)


def test_a_volume_that_is_called_like_a_stores_own_claim_is_refused() -> None:
    line = "given: volumes.queue-data: the claim of the store queue already has this name; rename the volume"
    assert refused(CatalogueEntry, put(whole(), "volumes.queue-data", {"size": "1Gi"})) == (line,)


TWICE: list[tuple[Config, str]] = [
    ({"secrets": ["database", "database"]}, "USER is set twice, by secrets database and by secrets database"),
    ({"secrets": ["database", "login"]}, "USER is set twice, by secrets database and by secrets login"),
    ({"secrets": ["database"], "env": {"USER": "me"}}, "USER is set twice, by env and by secrets database"),
    (
        {"calls": ["queue"], "env": {"QUEUE_ADDRESS": "here"}},
        "QUEUE_ADDRESS is set twice, by env and by calls queue",
    ),
    ({"calls": ["queue", "queue"]}, "QUEUE_ADDRESS is set twice, by calls queue and by calls queue"),
    ({"externals": ["sales"], "env": {"SALES_URL": "x"}}, "SALES_URL is set twice, by env and by externals sales"),
]


@pytest.mark.parametrize(("blocks", "line"), TWICE, ids=lambda x: str(x)[:60])
@pytest.mark.parametrize("path", ["services.web", "environments.dev.jobs.train"])
def test_a_variable_that_is_given_twice_is_refused(path: str, blocks: Config, line: str) -> None:
    data = entry(
        secrets={"database": {"keys": ["USER"]}, "login": {"keys": ["USER"]}},
        stores={"queue": store()},
        services={"web": service()},
        environments={"dev": {"jobs": {"train": job()}}},
    )
    for key, value in blocks.items():
        data = put(data, f"{path}.{key}", value)
    assert refused(CatalogueEntry, data) == (f"given: {path}: the variable {line}; remove one",)


@pytest.mark.parametrize(
    ("base", "overlay", "line"),
    [
        ({"secrets": ["database"]}, {"env": {"USER": "me"}}, "by env and by secrets database"),
        ({"env": {"USER": "me"}}, {"secrets": ["database"]}, "by env and by secrets database"),
        ({}, {"secrets": ["database", "login"]}, "by secrets database and by secrets login"),
    ],
)
def test_a_variable_that_an_environment_gives_once_more_is_refused(base: Config, overlay: Config, line: str) -> None:
    data = entry(
        secrets={"database": {"keys": ["USER"]}, "login": {"keys": ["USER"]}},
        services={"web": service(**base)},
        environments={"dev": {"services": {"web": overlay}}},
    )
    where = "given: environments.dev.services.web"
    assert refused(CatalogueEntry, data) == (f"{where}: the variable USER is set twice, {line}; remove one",)


def test_an_environment_may_give_as_a_secret_what_the_entry_gives_literally() -> None:
    data = entry(
        secrets={"database": {"keys": ["USER"]}},
        services={"web": service(env={"USER": "me"})},
        environments={"dev": {"services": {"web": {"env": {}, "secrets": ["database"]}}}},
    )
    assert accepted(CatalogueEntry, data)


def test_the_init_container_is_given_no_variable_twice_either() -> None:
    model = {**CACHED, "secrets": ["storage", "storage"]}
    (fault,) = refused(CatalogueEntry, put(whole(), "services.web.model", model))
    assert fault == (
        "given: services.web.model: the variable AWS_ACCESS_KEY_ID is set twice, "
        "by secrets storage and by secrets storage; remove one"
    )


def test_a_job_that_calls_whom_it_holds_back_is_refused() -> None:
    line = (
        "given: environments.dev.jobs.train.before: 'web' is also in calls, so each would wait for the other; "
        "remove one of them"
    )
    assert refused(CatalogueEntry, put(whole(), "environments.dev.jobs.train.calls", ["web"])) == (line,)


@pytest.mark.parametrize(("length", "fits"), [(52, True), (53, False)])
def test_a_store_leaves_room_for_the_hash_in_its_pods_label(length: int, fits: bool) -> None:
    name = "s" * length
    data = entry(stores={name: store()})
    if fits:
        assert accepted(CatalogueEntry, data)
    else:
        line = f"given: stores.{name}: the limit is 52 characters, but the name has 53; shorten it"
        assert refused(CatalogueEntry, data) == (line,)


@pytest.mark.parametrize(("length", "fits"), [(56, True), (57, False)])
def test_a_mounted_volume_leaves_room_for_what_the_pod_calls_it(length: int, fits: bool) -> None:
    name = "v" * length
    data = entry(volumes={name: {"size": "1Gi"}}, services={"web": service(mounts={name: "/work"})})
    if fits:
        assert accepted(CatalogueEntry, data)
    else:
        line = f"given: services.web.mounts.{name}: the limit is 56 characters, but the name has 57; shorten it"
        assert refused(CatalogueEntry, data) == (line,)


def test_every_fault_of_an_entry_is_a_line_of_its_own() -> None:
    data = put(put(whole(), "services.web.image", "x"), "environments.dev.services", {"y": {}})
    assert len(refused(CatalogueEntry, data)) == 2
