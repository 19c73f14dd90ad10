"""Routes: hosts, paths and what the proxy does for them; the rules are the API server's own."""

from models.routing import RateLimit, Retries, Route, Session, Tls
from tests.models.tables import (
    AT_LEAST_1,
    DURATION,
    HEADER,
    HOST,
    INTEGER,
    LIST,
    MAP,
    OBJECT,
    PATH,
    QUANTITY,
    REQUIRED,
    ROUTE,
    Accepted,
    Refused,
    accepting,
    refusing,
)
from tests.samples import Config


def route(**changes: object) -> Config:
    return {"host": "a.example", **changes}


DIFFER = "host and stableHosts must all differ, because a host is either split or stable; remove the duplicate"

ACCEPTED: Accepted = [
    (Route, route()),
    (Route, route(host="7.example")),
    (Route, route(host="localhost")),
    (Route, route(stableHosts=["b.example", "c.example"])),
    (Route, route(path="/predict/", pathType="Exact")),
    (Route, route(path="/a.b/..c/%20")),
    (Route, route(tls={"secret": "a.example", "issuer": "letsencrypt.eu"}, rateLimit={"perSecond": 1})),
    (Route, route(session={}, maxBody="1", timeout="1s")),
    (Route, route(retries={})),
    (Route, route(timeout="1s", maxBody="1", retries={"idempotent": True})),
    (Retries, {"tries": 1, "connectTimeout": "75s"}),
    (Retries, {"tries": 20}),
    (Session, {"cookie": "user", "maxAge": 0}),
    (RateLimit, {"perSecond": 50, "burst": 1}),
]
REFUSED: Refused = [
    (Route, {}, f"host: {REQUIRED}"),
    (Route, route(host="A.example"), f"host: 'A.example': {HOST}"),
    (Route, route(host="*.example"), f"host: '*.example': {HOST}"),
    (
        Route,
        route(host="192.0.2.7"),
        "host: '192.0.2.7': a host is a DNS name, such as model.example.com, not an IP address",
    ),
    (Route, route(stableHosts=["a.example"]), DIFFER),
    (
        Route,
        route(stableHosts=["b.example", "b.example"]),
        DIFFER,
    ),
    (Route, route(stableHosts=["b.example", "B"]), f"stableHosts.1: 'B': {HOST}"),
    (
        Route,
        route(stableHosts=["192.0.2.7"]),
        "stableHosts.0: '192.0.2.7': a host is a DNS name, such as model.example.com, not an IP address",
    ),
    (Route, route(stableHosts="b.example"), f"stableHosts: 'b.example': {LIST}"),
    (Route, route(path="predict"), f"path: 'predict': {PATH}"),
    (Route, route(path="/a b"), f"path: '/a b': {PATH}"),
    (Route, route(path="//"), f"path: '//': {ROUTE}"),
    (Route, route(path="/a//b"), f"path: '/a//b': {ROUTE}"),
    (Route, route(path="/a/./b"), f"path: '/a/./b': {ROUTE}"),
    (Route, route(path="/a/../b"), f"path: '/a/../b': {ROUTE}"),
    (Route, route(path="/a/.."), f"path: '/a/..': {ROUTE}"),
    (Route, route(path="/a%2Fb"), f"path: '/a%2Fb': {ROUTE}"),
    (Route, route(pathType="prefix"), "pathType: 'prefix': must be 'Prefix' or 'Exact'"),
    (Route, route(tls=True), f"tls: True: {MAP}"),
    (Route, route(timeout="0s"), f"timeout: '0s': {AT_LEAST_1}"),
    (Route, route(timeout=30), f"timeout: 30: {DURATION}"),
    (Route, route(maxBody="0"), "maxBody: '0': must be greater than 0"),
    (Route, route(maxBody="8MB"), f"maxBody: '8MB': {QUANTITY}"),
    (
        Route,
        route(timeout="1s", maxBody="1", retries={"idempotent": "yes"}),
        "retries.idempotent: 'yes': must be true or false",
    ),
    (
        Route,
        route(maxBody="1", retries={"idempotent": True}),
        "retries.idempotent requires route.timeout, which detects a pod that does not answer; set it",
    ),
    (
        Route,
        route(timeout="1s", retries={"idempotent": True}),
        "retries.idempotent requires maxBody, because the proxy keeps the body for the next try; set maxBody",
    ),
    (
        Route,
        route(timeout="1s", maxBody="1", retries={"idempotent": True, "tries": 1}),
        "retries.idempotent repeats requests, but tries: 1 repeats none; remove one of them",
    ),
    (Retries, {"tries": 0}, f"tries: 0: {AT_LEAST_1}"),
    (Retries, {"tries": 21}, "tries: 21: must be at most 20"),
    (Retries, {"connectTimeout": "0s"}, f"connectTimeout: 0: {AT_LEAST_1}"),
    (Retries, {"connectTimeout": "76s"}, "connectTimeout: 76: must be at most 75"),
    (Tls, {}, f"secret: {REQUIRED}"),
    (Tls, {"secret": "a_b"}, f"secret: [secret]: {OBJECT}"),
    (Tls, {"secret": "a", "issuer": "Letsencrypt"}, f"issuer: 'Letsencrypt': {OBJECT}"),
    (RateLimit, {"perSecond": 0}, f"perSecond: 0: {AT_LEAST_1}"),
    (RateLimit, {"perSecond": 5, "burst": 0}, f"burst: 0: {AT_LEAST_1}"),
    (RateLimit, {"burst": 5}, f"perSecond: {REQUIRED}"),
    (Session, {"cookie": "a b"}, f"cookie: 'a b': {HEADER}"),
    (Session, {"cookie": ""}, f"cookie: '': {HEADER}"),
    (Session, {"maxAge": -1}, "maxAge: -1: must be at least 0"),
    (Session, {"maxAge": "1h"}, f"maxAge: '1h': {INTEGER}"),
]


test_what_keeps_the_rules_is_accepted = accepting(ACCEPTED)
test_what_breaks_a_rule_is_refused_in_one_line = refusing(REFUSED)
