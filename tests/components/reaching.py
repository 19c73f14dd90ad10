"""Who reaches whom, by the policies that small systems would register."""

from models.entry import CatalogueEntry
from models.resolve import resolve
from models.stack import StackSettings
from tests.contracts.flows import Connection, End, Outside, Pod, PolicySet, Protocol
from tests.declared import Declared, Objects, declared
from tests.samples import Config, accepted, entry, job, service, stack, store

NAMESPACES = ("ingress-nginx", "monitoring", "keda", "default", "partner")
S3: Config = {"name": "digits", "uri": "s3://models/digits/1", "path": "/models"}
STORAGE = {"url": "https://s3.example.com:9000", "networks": ["198.51.100.0/24"]}
ROUTE = {"host": "web.example.com"}
TRACER = {"url": "http://traces.example.com:4318", "networks": ["2001:db8:1::/48"]}
IN_STORAGE, IN_TRACER = Outside("storage", "198.51.100.20"), Outside("tracer", "2001:db8:1::20")
INTERNET, INTERNET_6 = Outside("internet", "203.0.113.7"), Outside("internet 6", "2001:db8:f::7")


def pod(name: str, namespace: str = "shop-dev", ports: dict[tuple[str, Protocol], int] | None = None) -> Pod:
    labels = {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "shop"}
    return Pod(name, namespace, labels, "10.0.0.1", {"kubernetes.io/metadata.name": namespace}, ports or {})


WEB, API = pod("web", ports={("web", "TCP"): 5000}), pod("api", ports={("web", "TCP"): 5000})
QUEUE, TRAIN = pod("queue", ports={("store", "TCP"): 6379}), pod("train")
OUTSIDERS: list[End] = [pod(f"pod of {name}", name) for name in NAMESPACES]
EVERYBODY: list[End] = [WEB, API, QUEUE, TRAIN, *OUTSIDERS, pod("web", "default"), INTERNET, INTERNET_6]
PLACES: list[End] = [WEB, API, QUEUE, TRAIN, IN_STORAGE, IN_TRACER, INTERNET, INTERNET_6]
PORTS = (22, 53, 80, 443, 4318, 5000, 6379, 6443, 9000)


def system(cluster: Config | None = None, **blocks: object) -> PolicySet:
    """The policies of web, api, queue and train, of which web is described by these blocks."""
    return policies(registered(shop(**blocks), with_everything(cluster)))


def registered(entry_data: Config, stack_data: Config) -> Objects[Declared]:
    """Return what a system declares."""
    return declared(resolve(accepted(StackSettings, stack_data), accepted(CatalogueEntry, entry_data)))


def shop(**blocks: object) -> Config:
    """Four workloads that do not know one another, unless web says so."""
    plain = {key: value for key, value in service().items() if key != "model"}
    return entry(
        services={"web": {**plain, **blocks}, "api": plain},
        stores={"queue": store()},
        environments={"dev": {"jobs": {"train": job()}}, "prod": {}},
    )


def with_everything(cluster: Config | None = None, **changes: object) -> Config:
    """A stack that has everything outside a system, in a cluster without monitoring unless it says so."""
    known = {"context": "prod", "monitoring": False, **(cluster or {})}
    return {**stack(), "cluster": known, "objectStorage": STORAGE, **changes}


def policies(run: Objects[Declared]) -> PolicySet:
    return PolicySet(policy.inputs for policy in run.of_kind("NetworkPolicy"))


def who(rules: PolicySet, to: End, port: int = 5000, protocol: Protocol = "TCP") -> list[str]:
    """The names of those who reach a pod at a port."""
    return [end.name for end in EVERYBODY if end is not to and rules.allow(Connection(end, to, port, protocol))]


def where(rules: PolicySet, source: End) -> set[tuple[str, int]]:
    """The names and TCP ports that a pod reaches, names of hosts aside."""
    at = [(end, port) for end in PLACES for port in PORTS if end is not source and port != 53]
    return {(end.name, port) for end, port in at if rules.allow(Connection(source, end, port))}
