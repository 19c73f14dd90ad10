"""Systems that keep every rule, at random: a stack and its entry as the plain data of their files.

Sizes, paths and hosts are chosen so that they fit together; which blocks there are, what refers to what, and how long
the names are is left to chance.
"""

from typing import Any

from hypothesis import strategies as st

from tests.blocks import (
    ACCOUNTS,
    CPU,
    DRAIN,
    EXPOSURES,
    FILES,
    HEALTH,
    LABELS,
    MONITORING,
    PACE,
    PROSE,
    QUANTITIES,
    RESOURCES,
    SCHEDULING,
    SIGNALS,
    STORE_NAME,
    VARIABLES,
    VOLUME_NAME,
    durations,
    maybe,
    names,
)
from tests.recording import DIGEST
from tests.samples import IMAGE, OTHER_IMAGE, Config, secret_values

Draw = st.DrawFn


@st.composite
def scalings(draw: Draw, stores: list[str]) -> Config:
    """One of the three arms; a trigger on a list only where there is a store to hold it."""
    most = draw(st.integers(1, 9))
    span: Config = {"minReplicas": draw(st.integers(1, most)), "maxReplicas": most}
    if draw(st.booleans()):
        span["behavior"] = draw(maybe(scaleUp=PACE, scaleDown=PACE))
    arm = draw(st.sampled_from(["fixed", "autoscaled", "triggered"]))
    if arm == "fixed":
        return {"replicas": most}
    if arm == "autoscaled":
        return {**span, "metrics": draw(SIGNALS)}
    cron = {"timezone": "UTC", "start": "0 7 * * *", "end": "0 8 * * *", "replicas": 1}
    triggers: Config = {"peak": {"cron": cron}, "busy": {"cpu": draw(CPU)}}
    if stores:
        triggers["length"] = {"redis": {"store": draw(st.sampled_from(stores)), "list": "celery", "length": 5}}
    return {**span, "minReplicas": draw(st.integers(0, most)), "triggers": triggers}


@st.composite
def models(draw: Draw, volumes: list[str], secrets: list[str]) -> Config:
    """A model from any of the four kinds of source."""
    uris = ["file:///opt/slipway/model", "s3://models/digits/1", f"oci://registry.example.com/m@{DIGEST}"]
    uris += [f"pvc://{name}/digits/1" for name in volumes] + [f"pvc://{name}" for name in volumes]
    uri = draw(st.sampled_from(uris))
    source: Config = {"name": draw(names()), "uri": uri}
    if uri.startswith(("file", "s3")):
        source |= draw(maybe(checksum=st.just(DIGEST), size=st.sampled_from(["1Mi", "512Mi"])))
        source["secrets"] = draw(st.lists(st.sampled_from(secrets), unique=True)) if secrets else []
        if volumes and draw(st.booleans()):
            source["cache"] = {"volume": draw(st.sampled_from(volumes))}
    return source


@st.composite
def routes(draw: Draw, host: str) -> Config:
    """A route at a host of its own."""
    return {
        "host": f"{host}.example",
        **draw(
            maybe(
                path=st.sampled_from(["/", "/predict", "/a.b/c-d_e/"]),
                pathType=st.sampled_from(["Prefix", "Exact"]),
                stableHosts=st.just([f"stable.{host}.example"]),
                tls=st.just({"secret": "tls.example", "issuer": "letsencrypt"}),
                rateLimit=st.just({"perSecond": 50, "burst": 3}),
                session=st.just({"cookie": "user", "maxAge": 60}),
                maxBody=QUANTITIES,
                timeout=durations(1, 3600),
                annotations=st.just({"nginx.ingress.kubernetes.io/enable-cors": "true"}),
            )
        ),
    }


@st.composite
def services(draw: Draw, host: str, callees: list[str], stores: list[str], parts: Config) -> Config:
    """A service among others, which it may call."""
    secrets, volumes = list(parts["secrets"]), list(parts["volumes"])
    mounted = draw(st.lists(st.sampled_from(volumes), unique=True)) if volumes else []
    spec: Config = {
        "image": draw(st.sampled_from(list(parts["images"]))),
        "port": draw(st.integers(1024, 65535)),
        "calls": draw(st.lists(st.sampled_from(callees), unique=True)) if callees else [],
        "secrets": draw(st.lists(st.sampled_from(secrets), unique=True)) if secrets else [],
        "mounts": {name: f"/mnt/{place}" for place, name in enumerate(mounted)},
        "resources": draw(RESOURCES),
        "scaling": draw(scalings(stores)),
        **draw(
            maybe(
                appProtocol=st.just("http"),
                args=st.lists(PROSE, max_size=2),
                env=VARIABLES,
                model=models(volumes, secrets),
                files=FILES,
                health=HEALTH,
                drain=DRAIN,
                rollout=st.just({"maxUnavailable": 1, "maxSurge": 0, "timeout": "15m"}),
                disruption=st.sampled_from([{"maxUnavailable": 2}, {"minAvailable": 0}]),
                scheduling=SCHEDULING,
                account=ACCOUNTS,
                exposure=EXPOSURES,
                route=routes(host),
                monitoring=st.one_of(st.none(), MONITORING),
                externals=st.just(["billing"]),
                sharedMemory=st.just("64Mi"),
                pods=maybe(labels=LABELS, annotations=st.just({"example.com/log": "json"})),
            )
        ),
    }
    if spec.get("monitoring", {}) is None:  # nobody would scrape what the HPA asks for
        spec["scaling"].get("metrics", {}).pop("pods", None)
    return spec


def _workload(parts: Config) -> dict[str, st.SearchStrategy[Any]]:
    secrets = list(parts["secrets"])
    return {
        "image": st.sampled_from(list(parts["images"])),
        "resources": RESOURCES,
        "env": VARIABLES,
        "secrets": st.lists(st.sampled_from(secrets), unique=True) if secrets else st.just([]),
        "scheduling": SCHEDULING,
        "args": st.lists(PROSE, max_size=2),
    }


def stores_of(parts: Config) -> st.SearchStrategy[Config]:
    """A store of these images and secrets."""
    probes = st.sampled_from([{}, {"path": "/health"}, {"command": ["redis-cli", "ping"], "failures": 9}])
    volume = st.sampled_from(
        [
            {"size": "1Gi"},
            {"size": "64Mi", "storageClass": "fast.example.com", "path": "/db"},
            {"size": "1", "existing": "old"},
        ]
    )
    port = st.integers(1024, 65535)
    return st.fixed_dictionaries({**_workload(parts), "port": port, "volume": volume, "health": probes})


@st.composite
def jobs_of(draw: Draw, parts: Config, services: list[str], stores: list[str]) -> Config:
    """A Job that some services may wait for; it calls stores alone, and so no one who waits for it."""
    job: Config = draw(st.fixed_dictionaries(_workload(parts)))
    job["before"] = draw(st.lists(st.sampled_from(services), unique=True))
    job["calls"] = draw(st.lists(st.sampled_from(stores), unique=True)) if stores else []
    job |= draw(maybe(externals=st.just(["billing"]), objectStorage=st.booleans(), scratch=st.just("1Mi")))
    return {**job, **draw(maybe(retries=st.integers(0, 20), deadline=durations(1, 9999), keep=durations(0, 9999)))}


@st.composite
def systems(draw: Draw) -> tuple[Config, Config]:
    """A stack and its entry."""
    own = draw(st.lists(names(), unique=True, min_size=1, max_size=4))
    rest = draw(st.lists(names(STORE_NAME).filter(lambda name: name not in own), unique=True, min_size=2, max_size=5))
    stores, jobs = rest[: len(rest) // 2], rest[len(rest) // 2 :]
    parts: Config = {
        "images": {
            name: {"context": "serving"} for name in draw(st.lists(names(20), unique=True, min_size=1, max_size=2))
        },
        "secrets": {f"secret-{place}": {"keys": [f"KEY_{place}"]} for place in range(draw(st.integers(0, 2)))},
        "volumes": {
            name: {"size": "1Gi", "access": "ReadWriteMany"}
            for name in draw(st.lists(names(VOLUME_NAME), unique=True, max_size=2))
        },
    }
    drawn_services = {
        name: draw(services(f"h{place}", [x for x in (*own, *stores) if x != name], stores, parts))
        for place, name in enumerate(own)
    }
    entry: Config = {
        "name": draw(names(30)),
        **parts,
        "stores": {name: draw(stores_of(parts)) for name in stores},
        "services": drawn_services,
        "environments": {
            "dev": {"jobs": {name: draw(jobs_of(parts, own, stores)) for name in jobs}, "protect": draw(st.booleans())},
            "prod": {},
        },
    }
    return draw(stacks(entry)), entry


@st.composite
def stacks(draw: Draw, entry: Config) -> Config:
    """A stack that gives an entry all that it needs."""
    environment = draw(st.sampled_from(["dev", "prod"]))
    releases = {name: draw(releases_of()) for name, spec in entry["services"].items() if spec.get("route")}
    running = [*entry["services"].values(), *entry["environments"][environment].get("jobs", {}).values()]
    used = {name for spec in running for name in spec.get("externals", [])}
    stack: Config = {
        "system": {"entry": entry["name"], "environment": environment},
        "cluster": {"context": "prod", **draw(maybe(pullSecrets=st.just(["mirror"]), monitoring=st.booleans()))},
        "secrets": {name: draw(sources_of(spec["keys"])) for name, spec in entry["secrets"].items()},
        "objectStorage": {"url": "https://s3.example.com", "networks": ["192.0.2.0/24"]},
        "externals": {name: {"url": "https://billing.example.com", "targetPort": 8443} for name in used},
        "release": {name: release for name, release in releases.items() if release},
        **draw(maybe(tracing=st.just({"url": "http://collector.tracing:4318"}))),
    }
    if environment == "dev":
        stack["image"] = {"registry": "registry.example.com/ml"}
    else:
        stack["images"] = dict.fromkeys(entry["images"], IMAGE)
    return stack


def sources_of(keys: list[str]) -> st.SearchStrategy[Config]:
    """A secret's values, or where the cluster finds them."""
    return st.sampled_from(
        [{"values": secret_values(keys)}, {"externalSecret": {"store": "vault", "key": "a/b", "refresh": "1m"}}]
    )


def releases_of() -> st.SearchStrategy[Config]:
    """None, or both slots with a share and perhaps a match."""
    match = maybe(header=st.just({"name": "X-Canary", "pattern": "^b"}), cookie=st.just("canary"))
    both = st.fixed_dictionaries(
        {
            "live": st.sampled_from(["blue", "green"]),
            "slots": st.just({"blue": {"image": IMAGE}, "green": {"image": OTHER_IMAGE}}),
            "weight": st.integers(0, 100),
        },
        optional={"match": match},
    )
    return st.one_of(st.just(Config()), both)
