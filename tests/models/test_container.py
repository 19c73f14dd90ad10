"""The container as its authors made it: ports, checks, user, folders, files and the containers beside the server."""

from typing import Any

from models.checks import Check
from models.companions import InitContainer, Sidecar
from models.container import Home
from models.file_mounts import FileMount
from models.security import PodSecurity
from models.service import ServiceSpec
from tests.each import each
from tests.models.tables import (
    FOLDER,
    REQUIRED,
    Accepted,
    Refused,
    accepting,
    refusing,
)
from tests.recording import DIGEST
from tests.samples import Config, accepted, refused, service

SMALL = {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"cpu": "20m", "memory": "32Mi"}}
PORT = (
    "a port name has at most 15 lowercase letters, digits and single '-', with at least one letter, and starts and "
    "ends with a letter or digit"
)
USER = "a user is a number, image (the image's own user) or namespace (assigned by the cluster, as on OpenShift)"
CHECKED: Config = {"ready": "/health", "live": "/health"}


def beside(**changes: Any) -> Config:
    """A container with nothing but what is required."""
    return {"name": "auth", "resources": SMALL, **changes}


def other(**changes: Any) -> Config:
    """A service with a server of somebody else."""
    return service(**{"server": "other", "health": CHECKED, "model": None, **changes})


ACCEPTED: Accepted = [
    (Check, {"http": {"path": "/ready", "headers": {"Host": "a"}}}),
    (Check, {"http": {"path": "/ready", "headers": {"X-1": "a\tä"}}}),
    (Check, {"exec": ["ready"]}),
    (Check, {"grpc": {}}),
    (FileMount, {"text": ""}),
    (FileMount, {"secret": "keys", "key": "tls.crt"}),
    (Home, {"path": "/srv/app"}),
    (Sidecar, beside(image=f"registry.example.com/proxy@{DIGEST}", ports={"a1": 8081})),
    (Sidecar, beside(entrance=True, ready="/ping")),
    (Sidecar, beside(ports={"proxy": 8081}, ready={"http": {"path": "/ping", "port": "proxy"}})),
    (Sidecar, beside(ready={"exec": ["ready"]})),
    (InitContainer, beside(writable={"/var/cache": "973Mi"})),
    (PodSecurity, {"standard": "baseline", "why": "it starts as root"}),
    (ServiceSpec, other(user=2**31 - 1)),
    (ServiceSpec, other(user="namespace", home={"path": "/srv/app"}, fileMounts={"/srv/app/.netrc": {"text": ""}})),
    (ServiceSpec, other(fileMounts={"/tmp/a": {"text": ""}})),  # noqa: S108 -- a volume of the pod
    (ServiceSpec, other(env={"PORT": "1", "AWS_REGION": "eu"}, model={"name": "m", "uri": "pvc://hub"})),
    (
        ServiceSpec,
        service(
            server="other",
            ports={"app": 8080},
            health={"ready": {"http": {"path": "/", "port": "app"}}, "live": {"exec": ["alive"]}},
            sidecars=[beside(entrance=True)],
            model=None,
        ),
    ),
    (ServiceSpec, other(user=0, podSecurity={"standard": "baseline", "why": "it starts as root"})),
]
REFUSED: Refused = [
    (Check, {}, "a check has exactly one kind, but none is set; set one of http, grpc, tcp and exec"),
    (
        Check,
        {"tcp": {}, "exec": ["a"]},
        "a check has exactly one kind, but tcp and exec is set; set one of http, grpc, tcp and exec",
    ),
    (
        Check,
        {"http": {"path": "/", "headers": {"X_A": "a"}}},
        "http.headers.X_A: 'X_A': the name of a probe's header contains only letters, digits and '-'",
    ),
    (
        Check,
        {"http": {"path": "/", "headers": {"A": "a\nb"}}},
        "http.headers.A: 'a\\nb': the value of a header is one line without control characters",
    ),
    (Check, {"tcp": {"port": "Web"}}, f"tcp.port: 'Web': {PORT}"),
    (FileMount, {}, "a file has one source; set text, or secret and key"),
    (FileMount, {"text": "a", "secret": "b", "key": "c"}, "a file has one source; set text, or secret and key"),
    (FileMount, {"secret": "b"}, "key names a key of a secret; set both secret and key, or remove key"),
    (FileMount, {"text": "b", "key": "a"}, "key names a key of a secret; set both secret and key, or remove key"),
    (Home, {"path": "/"}, f"path: '/': {FOLDER}"),
    (PodSecurity, {"standard": "baseline"}, f"why: {REQUIRED}"),
    (PodSecurity, {"standard": "privileged", "why": "a"}, "standard: 'privileged': must be 'baseline'"),
    (Sidecar, beside(name="server"), "name: 'server': a container of Slipway has this name; choose another name"),
    (
        Sidecar,
        beside(resources={**SMALL, "devices": {"nvidia.com/gpu": 1}}),
        "resources.devices: only the server can have extended resources; remove it",
    ),
    (
        InitContainer,
        beside(writable={"/var/cache": "975Mi"}),
        (
            "resources.limits.ephemeral-storage: 1Gi is less than writable and 50Mi of logs together (1025Mi), so the "
            "kubelet would evict the pod; raise it"
        ),
    ),
    (
        Sidecar,
        beside(ready="/ping"),
        "ready: the service's port belongs to another container; name one of this container's ports (none is declared)",
    ),
    (
        Sidecar,
        beside(ready={"tcp": {"port": "grpc"}}, ports={"proxy": 1}),
        "ready: 'grpc' is not one of the container's ports (proxy); declare it under ports",
    ),
]


test_what_keeps_the_rules_is_accepted = accepting(ACCEPTED)
test_what_breaks_a_rule_is_refused_in_one_line = refusing(REFUSED)


BASELINE = {"standard": "baseline", "why": "it starts as root"}
SERVICES: list[tuple[Config, str]] = [
    ({"ports": {"web": 1}}, "ports.web: 'web': web is the name of the service's own port; choose another name"),
    ({"ports": {"a" * 16: 1}}, f"ports.{'a' * 16}: '{'a' * 16}': {PORT}"),
    ({"ports": {"80": 1}}, f"ports.80: '80': {PORT}"),
    ({"ports": {"a--b": 1}}, f"ports.a--b: 'a--b': {PORT}"),
    (
        {"ports": {"management": 1}},
        "ports.management: 'management': management is the name of managementPort; choose another name",
    ),
    (
        {"managementPort": 9090, "ports": {"a": 9090}},
        "ports.a: 9090 is already the number of managementPort; choose another port",
    ),
    ({"ports": {"grpc": 5000}}, "ports.grpc: 5000 is already the number of port; choose another port"),
    (
        {"ports": {"grpc": 80}},
        "ports.grpc: 80 is already the port of exposure.port; choose another port",
    ),
    (
        {"ports": {"a": 9000}, "sidecars": [beside(ports={"b": 9000})]},
        "sidecars.0.ports.b: 9000 is already the number of ports.a; choose another port",
    ),
    (
        {"ports": {"a": 9000}, "sidecars": [beside(ports={"a": 9001})]},
        "sidecars.0.ports.a: the name is already in ports; choose another name",
    ),
    (
        {"health": {**CHECKED, "live": {"tcp": {"port": "grpc"}}}},
        "health.live: 'grpc' is not one of the container's ports (none is declared); declare it under ports",
    ),
    (
        {"ports": {"app": 8080}, "sidecars": [beside(entrance=True)], "health": {**CHECKED, "live": {"exec": ["a"]}}},
        "health.ready: the service's port belongs to another container; name one of this container's ports (app)",
    ),
    (
        {"health": {**CHECKED, "starting": {"check": {"grpc": {"port": "grpc"}}}}},
        "health.starting.check: 'grpc' is not one of the container's ports (none is declared); declare it under ports",
    ),
    (
        {"health": {**CHECKED, "startup": "5s", "starting": {"period": "6s"}}},
        "health.startup: 5s is shorter than one health.starting.period 6s; raise it",
    ),
    (
        {"sidecars": [beside()], "init": [beside()]},
        "init.0.name: 'auth' is already the name of sidecars.0; choose another name",
    ),
    (
        {
            "ports": {"app": 8080},
            "sidecars": [beside(entrance=True), beside(name="b", entrance=True)],
            "health": {"ready": {"tcp": {"port": "app"}}, "live": {"tcp": {"port": "app"}}},
        },
        "sidecars: several have entrance: true, but only one can take the requests; remove it from the others",
    ),
    ({"user": "root"}, f"user: 'root': {USER}"),
    ({"user": True}, f"user: True: {USER}"),
    ({"user": -1}, f"user: -1: {USER}"),
    (
        {"user": 0},
        ("user: 0 is root, which the restricted standard forbids; set another number, or podSecurity with the reason"),
    ),
    (
        {"init": [beside(user=0)]},
        (
            "init.0.user: 0 is root, which the restricted standard forbids; set another number, or podSecurity with "
            "the reason"
        ),
    ),
    (
        {"podSecurity": {**BASELINE, "capabilities": ["NET_BIND_SERVICE"]}},
        (
            "podSecurity: no container needs the baseline standard; set user: 0, user: image or capabilities that "
            "restricted forbids, or remove podSecurity"
        ),
    ),
    (
        {"home": {"path": "/srv/app"}, "writable": {"/srv/app/.cache": "1Mi"}},
        "writable: /srv/app/.cache and home.path /srv/app are nested; choose separate paths",
    ),
    ({"writable": {"/a": "1Mi", "/a/": "2Mi"}}, "writable: /a and /a/ are the same folder; remove one"),
    (
        {"init": [beside(writable={"/b/": "1Mi", "/a": "1Mi", "/b": "1Mi"})]},
        "init.0.writable: /b/ and /b are the same folder; remove one",
    ),
    (
        {"writable": {"/dev/shm": "1Mi"}, "sharedMemory": "1Mi"},  # noqa: S108 -- a volume of the pod
        "writable: /dev/shm is already the shared memory; choose another path",
    ),
    (
        {"init": [beside(paths=["/srv/app"])]},
        (
            "init.0.paths: /srv/app is not under home, writable or mounts of the service (none is declared); declare "
            "it there"
        ),
    ),
    (
        {"home": {"path": "/srv/app"}, "init": [beside(paths=["/srv/app", "/srv/app"])]},
        "init.0.paths: /srv/app is listed twice; remove one",
    ),
    (
        {"home": {"path": "/srv/app"}, "init": [beside(paths=["/srv/app"], writable={"/srv/app": "1Mi"})]},
        "init.0.paths: /srv/app is already init.0.writable; choose another path",
    ),
    (
        {"home": {"path": "/srv/app", "size": "911Mi"}},
        (
            "resources.limits.ephemeral-storage: 1Gi is less than scratch, model.size, home, writable and 50Mi of logs "
            "together (1025Mi), so the kubelet would evict the pod; raise it"
        ),
    ),
    (
        {"health": {"live": "/health"}},
        (
            "health.ready: required with server: other, because only Slipway's own server has a default; set a path, "
            "or one of http, grpc, tcp and exec"
        ),
    ),
    (
        {"model": {"name": "digits", "uri": "s3://models/digits/1"}},
        (
            "model.uri: s3:// is fetched by a program that only Slipway's own images contain; set model.loader, or "
            "use pvc:// or oci://, or let the image fetch its model"
        ),
    ),
    (
        {"files": {"files": {"a": "b"}, "onChange": "reload"}},
        "files.onChange: reload is a function of Slipway's own server, but server is other; set rollout",
    ),
    ({"server": "mlserver"}, "server: 'mlserver': must be 'other'"),
]


@each(("blocks", "line"), SERVICES)
def test_what_no_pod_could_be_is_refused_in_one_line(blocks: Config, line: str) -> None:
    assert refused(ServiceSpec, {**other(), **blocks}) == (f"given: {line}",)


def test_a_server_of_somebody_else_has_no_settings() -> None:
    assert accepted(ServiceSpec, other()).owned is None
    assert accepted(ServiceSpec, service()).owned is not None
