"""Routes at the edge of what a traffic driver can express, and requests that must or must not meet them.

Each route is a service of its own, so that no other route answers its requests.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice, zip_longest

from models.errors import ConfigurationError
from tests.components.deploying import deployed
from tests.rendering import Object
from tests.samples import Config, entry, put, release, service, stack

SEED = 18
GATEWAY: Config = {"name": "slipway", "namespace": "slipway-gateway"}
CLUSTERS: dict[str, Config] = {
    "nginx": {"traffic": "nginx"},
    "gateway": {"traffic": "gateway", "gateway": GATEWAY},
}
LIVE, OTHER, NOBODY = "blue", "green", None

_SIGNS = "-._~!$&'()*+,;=:@%\\\"|^`{}[]<> ä"
_TOKENS = "!#$%&'*+-.^_`|~"
_PATHS = [
    "/", "/a", "/a/", "/A", "/a/b/c/d/e/f", "/.a", "/a.", "/...", "/a..b", "/-", "/_", "/_/", "/a-/", "/0", "/%41",
    "/%20", "/a%20b", "/%E2%82%AC", "/%3b", "/%3B", "/a%2Fb", "/%25", "/etc", "/v2/models/m:predict", "/a;b=c",
    "/a=b", "/etc/nginx", "/_by_lua", "/" + "p" * 1023, "/" + "p" * 1024, "/" + "/".join("q" * 40),
    "/.well-known/acme", "/index.html", "/favicon.ico", *(f"/{sign}" for sign in _SIGNS),
    *(f"/a{sign}b/" for sign in _SIGNS),
]  # fmt: skip
_HOSTS = [
    "{own}", "7.{own}", "1.2.3.4.{own}", "h" * 63 + ".{own}", "xn--bcher-kva.{own}", "a-b.{own}", "{long}.{own}",
    "edge-{name}", "A.{own}", "a.b.c.d.e.f.g.h.{own}", "{own}.", "*.{own}", "a_b.{own}", "--.{own}", "a--b.{own}",
]  # fmt: skip
_NAMES = [
    "X-Canary", "x", "x_y", "X.Y", "Cookie", "User-Agent", "Host", "Connection", "TE", "Accept", "Content-Type",
    "X-Forwarded-For", "X-Real-Ip", "Upgrade", "Authorization", "Forwarded", "Keep-Alive", "Trailer",
    "Transfer-Encoding", "Proxy-Connection", "X-Forwarded-Host", "Content-Length", "h" * 256, "h" * 257,
    *(f"x{sign}y" for sign in _TOKENS),
]  # fmt: skip
_TEXTS = [
    "beta", "b", "Beta 7", " beta", "beta ", "a  b", "a\tb", "a\nb", "ä", "€", "always", "never", "0", "a=b", "a;b",
    "a,b", "v" * 4000, *(f"a{sign}b" for sign in _SIGNS if sign.isascii()),
]  # fmt: skip
_PATTERNS = [
    ("^b$", "b", "ab"), ("b", "abc", "ac"), ("a|b", "b", "c"), ("^a|b$", "xb", "bx"), (r"\d+", "a7", "a"),
    (r"\x20", "a b", "ab"), ("[a-c]+", "b", "d"), ("a.c", "abc", "ac"), (r"a\.c", "a.c", "abc"),
    ("^(?:a|b)c$", "bc", "abc"), ("(?i)beta", "BETA", "b"), ("a{2,3}", "aa", "a"), ("`", "a`b", "ab"),
    ('"', 'a"b', "ab"), (r"\\", "a\\b", "ab"), ("%", "a%b", "ab"), ("ä", "ä", "a"), (r"\$", "a$b", "ab"),
    ("^.*$", "x", None), ("a b", "a b", "ab"), ("'", "a'b", "ab"),
]  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """A request, and who must answer it."""

    target: str
    host: str
    headers: dict[str, str] = field(default_factory=dict[str, str])
    slot: str | None = LIVE
    """None = nobody: the proxy answers 404."""


@dataclass(frozen=True)
class Edge:
    """A route of a service."""

    name: str
    route: Config
    match: Config
    requests: tuple[Asked, ...]

    def __str__(self) -> str:
        return f"{self.name}: {str(self.route)[:120]} {str(self.match)[:120]}"

    def manifests(self, driver: str, namespace: str) -> list[Object]:
        """Return the routes and the private Services that they lead to.

        Raises:
            ConfigurationError: the models refuse the route.
        """
        data = put(stack(), "system.namespace", namespace)
        data["cluster"] |= CLUSTERS[driver]
        data["release"] = {self.name: release(match=self.match)} if self.match else {}
        made = deployed(entry(services={self.name: service(route=self.route)}), data)
        routes = [one.inputs for kind in ("Ingress", "HTTPRoute") for one in made.of_kind(kind)]
        return [*routes, *(one.inputs for one in made.of_kind("Service") if str(one.object_name) != self.name)]


Draft = Callable[[str, str], Edge]
"""Makes a route from a name and a host that no other route has."""
Sent = list[tuple[dict[str, str], str]]
"""Headers of requests, and the slot that must answer each."""


def edges(driver: str, count: int) -> list[Edge]:
    """Return ``count`` routes that the models accept for a driver, the same ones each time."""
    found = islice((edge for edge in _candidates(driver) if _is_accepted(edge, driver)), count)
    return list(found)


def _is_accepted(edge: Edge, driver: str) -> bool:
    try:
        edge.manifests(driver, "edges")
    except ConfigurationError:
        return False
    return True


def _candidates(driver: str) -> Iterator[Edge]:
    """Yield hosts, matches and paths in turn, then random paths without end."""
    kinds: list[Iterator[Draft]] = [_with_hosts(), _with_matches(), _with_paths(driver)]
    for place, draft in enumerate(chain.from_iterable(zip_longest(*kinds))):
        if draft is not None:
            yield draft(f"r{place}", f"r{place}.{driver}.edge.slipway.test")


def _with_hosts() -> Iterator[Draft]:
    def on(host: str) -> Draft:
        return lambda name, own: _on_path(name, host.format(own=own, long=_long(own), name=name), "/predict", "Prefix")

    yield from map(on, _HOSTS)


def _long(own: str) -> str:
    """Return labels that make a host of 253 characters."""
    return ".".join(["l" * 60] * 4)[: 252 - len(own)].rstrip(".")


def _with_matches() -> Iterator[Draft]:
    def of(match: Config, sent: Sent) -> Draft:
        return lambda name, own: _matched(name, own, match, sent)

    yield from (of(match, sent) for match, sent in _matches())


def _with_paths(driver: str) -> Iterator[Draft]:
    def on(path: str, kind: str) -> Draft:
        return lambda name, own: _on_path(name, own, path, kind)

    yield from (on(path, kind) for path in _PATHS for kind in ("Prefix", "Exact"))
    chance = random.Random(f"{SEED}{driver}")  # noqa: S311 -- no secret
    while True:
        path = "".join("/" + _segment(chance) for _ in range(chance.randint(1, 5))) + chance.choice(["", "/"])
        yield on(path, chance.choice(["Prefix", "Exact"]))


def _segment(chance: random.Random) -> str:
    return "".join(chance.choice("aZ0bY9" + _SIGNS[: chance.choice([3, 3, 16])]) for _ in range(chance.randint(1, 6)))


def _on_path(name: str, host: str, path: str, kind: str) -> Edge:
    """Return a route of a path, with requests on it, below it, and beside it."""
    bare = path.rstrip("/")
    if kind == "Exact":
        beside = [f"{path}x", f"{path}/x" if bare == path else bare or "/x"]
        asked = [Asked(path, host), *(Asked(target, host, slot=NOBODY) for target in beside)]
    else:
        below = [path, bare or "/", f"{bare}/x", f"{bare}/x?y=1"]
        asked = [*(Asked(target, host) for target in below), *([Asked(f"{bare}x", host, slot=NOBODY)] if bare else [])]
    asked.append(Asked(path, f"{host}:8080"))
    if not host.endswith("."):
        asked.append(Asked(path, host.upper()))
    return Edge(name, {"host": host, "path": path, "pathType": kind}, {}, tuple(asked))


def _matches() -> Iterator[tuple[Config, Sent]]:
    for name in _NAMES:
        yield {"header": {"name": name}}, [({name: "always"}, OTHER), ({name: "never"}, LIVE), ({}, LIVE)]
    for name in _NAMES:
        cookies = [
            ({"Cookie": f"a=1; {name}={word}; b=2"}, slot) for word, slot in (("always", OTHER), ("never", LIVE))
        ]
        yield {"cookie": name}, [*cookies, ({"Cookie": f"x{name}=always"}, LIVE), ({}, LIVE)]
    for value in _TEXTS:
        sent: Sent = [({"X-Canary": value}, OTHER), ({"X-Canary": f"{value}x"}, LIVE), ({}, LIVE)]
        yield {"header": {"name": "X-Canary", "value": value}}, sent
    for pattern, fits, misses in _PATTERNS:
        sent = [({"X-Canary": fits}, OTHER), ({}, LIVE)]
        sent += [({"X-Canary": misses}, LIVE)] if misses else []
        yield {"header": {"name": "X-Canary", "pattern": pattern}}, sent


def _matched(name: str, host: str, match: Config, sent: Sent) -> Edge:
    asked = tuple(Asked("/predict", host, headers, slot) for headers, slot in sent)
    return Edge(name, {"host": host, "path": "/predict"}, match, asked)
