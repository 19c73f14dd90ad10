"""Routes, sizes and variables that users of other tools met as bugs: refused with the remedy, or accepted.

The rows are those of reports about proxies and API servers; each has neighbours of the same kind.
"""

import catalog
from models.entry import CatalogueEntry
from models.errors import ConfigurationError
from models.limits import LONGEST_TEXT, MOST_ANNOTATIONS, MOST_FILES, MOST_TEXT
from models.parsing import parse
from models.resolve import resolve
from models.stack import StackSettings
from tests.each import each
from tests.models.tables import NOT_PLAIN
from tests.models.test_field_rows import ROUTE, WEB, refusing
from tests.samples import Config, accepted, entry, job, put, refused, release, service, stack, store

GATEWAY: Config = {"context": "prod", "traffic": "gateway", "gateway": {"name": "public", "namespace": "edge"}}
NGINX: Config = {"context": "prod"}


def faults(given: Config, its: Config) -> tuple[str, ...]:
    """Return the lines with which a stack and its entry are refused together."""
    try:
        resolve(
            parse(StackSettings, given, "slipway:"),
            parse(CatalogueEntry, catalog.with_profiles(its), "catalog/shop.yaml: "),
        )
    except ConfigurationError as error:
        return error.faults
    return ()


@each(
    ("cluster", "path", "accepted"),
    [
        (NGINX, "/~predict", False),
        (NGINX, "/{id}", False),
        (NGINX, "/a:predict", False),
        (NGINX, "/a%20b", False),
        (NGINX, "/a+b", False),
        (NGINX, "/a*", False),
        (NGINX, "/prédict", False),
        (NGINX, "/var/run/secrets", False),
        (NGINX, "/v1/models/digits_2.0-rc/", True),
        (GATEWAY, "/~predict", True),
        (GATEWAY, "/a:predict", True),
        (GATEWAY, "/{id}", False),
        (GATEWAY, "/a|b", False),
        (GATEWAY, "/" + "a" * 1024, False),
    ],
)
def test_row_9_a_path_is_one_that_the_traffic_driver_routes(cluster: Config, path: str, accepted: bool) -> None:
    found = faults(stack("dev", cluster=cluster), entry(services={"web": service(route={**ROUTE, "path": path})}))
    if accepted:
        assert found == ()
    else:
        (line,) = found
        assert line.startswith(f"catalog/shop.yaml: services.web.route.path: {path!r}: ")
        assert line.endswith(("; choose another path", "; correct it"))


@each(
    ("match", "said"),
    [
        (
            {"header": {"name": "X", "pattern": "^(?!ext).*$"}},
            "header.pattern: '^(?!ext).*$': proxies read",
        ),
        ({"header": {"name": "X", "pattern": "a++"}}, "header.pattern: 'a++': proxies read patterns with RE2"),
        ({"header": {"name": "X", "pattern": "a@b"}}, "header.pattern: 'a@b': ingress-nginx ignores a pattern with"),
        ({"header": {"name": "X", "pattern": "a b"}}, "header.pattern: 'a b': ingress-nginx ignores a pattern with"),
        ({"header": {"name": "X", "value": "a=b"}}, "header.value: 'a=b': ingress-nginx ignores a value with"),
        ({"header": {"name": "X_Canary"}}, "header.name: 'X_Canary': nginx drops headers"),
        ({"cookie": "a|b"}, "cookie: 'a|b': ingress-nginx allows only"),
    ],
)
def test_row_10_a_match_is_one_that_the_traffic_driver_reads(match: Config, said: str) -> None:
    (line,) = faults(stack("dev", release={"web": release(match=match)}), entry())
    assert line.startswith(f"slipway:release.web.match.{said}")
    declared = entry(services={"web": service(route=ROUTE, release={"strategy": "canary", "match": match})})
    (line,) = faults(stack("dev"), declared)
    assert line.startswith(f"catalog/shop.yaml: services.web.release.match.{said}")


def test_row_10_a_match_fits_in_an_http_route() -> None:
    match = {"header": {"name": "X" * 257, "pattern": "a" * 4087}}
    where = "slipway:release.web.match.header"
    assert faults(stack("dev", cluster=GATEWAY, release={"web": release(match=match)}), entry()) == (
        f"{where}.name: an HTTPRoute allows at most 256 characters, but it has 257; shorten it",
        f"{where}.pattern: an HTTPRoute allows at most 4086 characters, but it has 4087; shorten it",
    )


def test_row_10_the_cookie_of_a_session_is_one_that_the_proxy_reads() -> None:
    its = entry(services={"web": service(route={**ROUTE, "session": {"cookie": "a|b"}})})
    (line,) = faults(stack("dev"), its)
    assert line == (
        "catalog/shop.yaml: services.web.route.session.cookie: 'a|b': ingress-nginx allows only letters, digits and "
        "-._~ in the name of a cookie, and ignores any other name; choose another name"
    )


@each(
    "match",
    [
        {"header": {"name": "X-Canary", "pattern": r"^(?:a|b)\x40example\.com$"}},
        {"header": {"name": "X-Canary", "value": "a b/c:1~2"}},
        {"header": {"name": "X-Canary"}, "cookie": "canary-1.x"},
    ],
)
def test_row_10_a_match_that_every_driver_reads_is_accepted(match: Config) -> None:
    for cluster in (NGINX, GATEWAY):
        assert faults(stack("dev", cluster=cluster, release={"web": release(match=match)}), entry()) == ()


NOTE = "example.com/note"
MOST = f"but an object holds at most {MOST_ANNOTATIONS}; put the text in files"
LONGEST = f"but Linux starts no program with more than {LONGEST_TEXT}; use files"
LARGE = f"but a ConfigMap holds at most {MOST_FILES}; store large files with the model"


@each(
    ("path", "value", "rule"),
    [
        (
            "pods",
            {"annotations": {NOTE: "x" * MOST_ANNOTATIONS}},
            f".annotations: the annotations have 250016 bytes, {MOST}",
        ),
        (
            "exposure",
            {"annotations": {NOTE: "ä" * 150_000}},
            f".annotations: the annotations have 300016 bytes, {MOST}",
        ),
        (
            "account",
            {"annotations": {f"{NOTE}-{place}": "x" * 100_000 for place in range(3)}},
            f".annotations: the annotations have 300054 bytes, {MOST}",
        ),
        (
            "route",
            {**ROUTE, "annotations": {NOTE: "x" * 300_000}},
            f".annotations: the annotations have 300016 bytes, {MOST}",
        ),
        (
            "env",
            {"LABELS": "x" * LONGEST_TEXT},
            f".LABELS: the variable has 131078 bytes, {LONGEST}",
        ),
        (
            "env",
            {f"A{place}": "x" * 100_000 for place in range(5)},
            f": the variables have 500015 bytes, but a container gets at most {MOST_TEXT}; use files",
        ),
        (
            "args",
            ["-v", "x" * 131_072],
            f".1: the argument has 131072 bytes, {LONGEST}",
        ),
        (
            "args",
            ["x" * 100_001] * 4,
            f": the arguments have 400004 bytes, but a container gets at most {MOST_TEXT}; use files",
        ),
        (
            "files",
            {"files": {"a": "x" * 600_000, "b": "x" * 600_000}},
            f".files: the files have 1200000 bytes, {LARGE}",
        ),
    ],
)
def test_row_29_what_no_object_can_hold_is_refused_with_its_limit(path: str, value: object, rule: str) -> None:
    refusing(path, value, rule)


def test_row_29_the_files_of_a_slot_and_of_its_entry_fit_together() -> None:
    its = entry(services={"web": service(files={"files": {"a": "x" * 600_000}})})

    def over(name: str) -> Config:
        return stack("dev", release={"web": {"slots": {"blue": {"files": {name: "x" * 600_000}}}}})

    assert faults(over("a"), its) == ()
    assert faults(over("b"), its) == (
        (f"slipway:release.web.slots.blue.files: with those of the entry, the files have 1200000 bytes, {LARGE}"),
    )


def test_row_29_the_largest_values_that_fit_are_accepted() -> None:
    text = "x" * (LONGEST_TEXT - len("A="))
    assert accepted(CatalogueEntry, put(entry(), f"{WEB}env", {"A": text, "B": text}))
    note = "x" * (MOST_ANNOTATIONS - len(NOTE))
    assert accepted(CatalogueEntry, put(entry(), f"{WEB}pods", {"annotations": {NOTE: note}}))


@each(
    "variables",
    [
        {"EOS_TOKEN": {"public": "</s>"}, "PARTITION_KEY": {"public": "user"}},
        {"SORT_KEY": {"public": ""}, "LEVEL": "notice"},
        {"LEVEL": {"public": "notice"}},
        {"TOKENIZER": "bpe", "MAX_TOKENS": "512", "KEYSPACE": "a"},
    ],
)
def test_row_30_a_variable_that_only_looks_like_a_secret_is_accepted_everywhere(variables: Config) -> None:
    given = entry(services={"web": service(env=variables)}, stores={"queue": store(env=variables)})
    given["environments"]["dev"] = {"jobs": {"train": job(env=variables)}, "services": {"web": {"env": variables}}}
    spec = accepted(CatalogueEntry, given).services["web"]
    assert spec.model_dump(mode="json", by_alias=True)["env"] == variables


@each(
    ("variables", "rule"),
    [
        (
            {"EOS_TOKEN": "</s>"},
            f".EOS_TOKEN: {NOT_PLAIN}",
        ),
        ({"EOS_TOKEN": {"publc": "</s>"}}, ".EOS_TOKEN.publc: unknown key; did you mean 'public'?"),
        ({"EOS_TOKEN": {"public": 1}}, ".EOS_TOKEN.public: [secret]: must be text; quote it"),
        ({"LEVEL": 1}, ".LEVEL: 1: must be text; quote it"),
    ],
)
def test_row_30_a_secret_in_plain_sight_is_refused_with_the_way_to_say_that_it_is_none(
    variables: Config, rule: str
) -> None:
    assert f"given: {WEB}env{rule}" in refused(CatalogueEntry, put(entry(), f"{WEB}env", variables))
