"""Who answers which request while two slots are filled: what must be true, and what each driver's objects say.

The two readers follow the published semantics of the nginx annotations and of HTTPRoutes, and know nothing of the code
that writes them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from tests.samples import Config

LIVE, OTHER = "blue", "green"
NGINX = "nginx.ingress.kubernetes.io/"
HEADER, COOKIE = "X-Canary", "canary"
WEIGHTS = (0, 20, 50, 100)
MATCHES: dict[str, Config] = {
    "none": {},
    "cookie": {"cookie": COOKIE},
    "header": {"header": {"name": HEADER}},
    "word": {"header": {"name": HEADER}, "cookie": COOKIE},
    "value": {"header": {"name": HEADER, "value": "beta"}, "cookie": COOKIE},
    "pattern": {"header": {"name": HEADER, "pattern": "^b[0-9]+$|friend"}, "cookie": COOKIE},
}
HEADERS = (None, "always", "never", "beta", "b7", "my friends", "b")
COOKIES = (None, "always", "never", "perhaps")


@dataclass(frozen=True)
class Asked:
    """What a request says of itself."""

    header: str | None = None
    cookie: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        """As they are sent; the cookie stands among others."""
        sent = {} if self.header is None else {HEADER: self.header}
        if self.cookie is not None:
            sent["Cookie"] = f"first=1; {COOKIE}={self.cookie}; not{COOKIE}=always"
        return sent


@dataclass(frozen=True)
class State:
    """A release with both slots filled."""

    match: str
    weight: int

    def __str__(self) -> str:
        return f"{self.match}-{self.weight}"

    @property
    def release(self) -> Config:
        """The part of a stack file's release."""
        return {"weight": self.weight, "match": MATCHES[self.match]}


STATES = [State(match, weight) for match, weight in product(MATCHES, WEIGHTS)]
REQUESTS = [Asked(header, cookie) for header, cookie in product(HEADERS, COOKIES)]


def wanted(state: State, asked: Asked) -> int:
    """Percent of such requests that the other slot answers: header before cookie before weight."""
    match = MATCHES[state.match]
    if header := match.get("header"):
        if "value" in header or "pattern" in header:
            if asked.header is not None and _says(header, asked.header):
                return 100
        elif asked.header in ("always", "never"):
            return 100 if asked.header == "always" else 0
    if "cookie" in match and asked.cookie in ("always", "never"):
        return 100 if asked.cookie == "always" else 0
    return state.weight


def _says(header: Config, value: str) -> bool:
    return value == header["value"] if "value" in header else re.search(header["pattern"], value) is not None


@dataclass
class _Annotated:
    """A canary's annotations, read as ingress-nginx does."""

    given: dict[str, str] = field(default_factory=dict[str, str])

    def get(self, key: str) -> str | None:
        return self.given.get(f"{NGINX}{key}")


def share_by_annotations(annotations: dict[str, str], asked: Asked) -> int:
    """Percent of such requests for which the canary's Service answers."""
    said, value, cookies = _Annotated(annotations), asked.headers.get(HEADER), _cookies(asked)
    assert said.get("canary") == "true"
    if said.get("canary-by-header") == HEADER and value is not None:
        exact, pattern = said.get("canary-by-header-value"), said.get("canary-by-header-pattern")
        if exact is None and pattern is None and value in ("always", "never"):
            return 100 if value == "always" else 0
        if (exact is not None and value == exact) or (exact is None and pattern and re.search(pattern, value)):
            return 100
    cookie = cookies.get(said.get("canary-by-cookie") or "")
    if cookie in ("always", "never"):
        return 100 if cookie == "always" else 0
    return int(said.get("canary-weight") or 0)


def _cookies(asked: Asked) -> dict[str, str]:
    pairs = (pair.split("=", 1) for pair in asked.headers.get("Cookie", "").split("; ") if pair)
    return {pair[0]: pair[1] for pair in pairs}


def share_by_rules(spec: dict[str, Any], service: str, asked: Asked) -> int:
    """Percent of such requests for which a Service answers, by an HTTPRoute's rules on one path.

    More header matches go first, then the order of the rules. A pattern has to match all of the value: some proxies
    search, some do not.
    """
    fitting = [rule for rule in spec["rules"] if all(_met(m, asked) for m in _matched(rule))]
    rule = max(fitting, key=lambda rule: len(list(_matched(rule))))
    weights = {backend["name"]: backend["weight"] for backend in rule["backendRefs"]}
    return 100 * weights.get(service, 0) // sum(weights.values())


def _matched(rule: dict[str, Any]) -> Iterator[dict[str, str]]:
    (match,) = rule["matches"]
    yield from match.get("headers", [])


def _met(match: dict[str, str], asked: Asked) -> bool:
    value = asked.headers.get(match["name"])
    if value is None:
        return False
    searched = re.search(match["value"], value) is not None
    if match["type"] == "RegularExpression":
        assert searched == (re.fullmatch(match["value"], value) is not None), "it means the same to every proxy"
        return searched
    return value == match["value"]
