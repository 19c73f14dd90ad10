"""For every rule, preview, `slipway` and the validation in CI refuse the same input with the same sentence."""

import ast
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

import catalog
from delivery.commands.cli import app
from delivery.release.stack import Stack
from models import entry_rules, series_rules, stack_rules, traffic_rules, variable_rules
from models.entry import CatalogueEntry
from models.errors import ConfigurationError
from models.parsing import parse
from models.resolve import resolve
from models.stack import StackSettings
from templates import validate
from tests.delivery.desk import Pulumi
from tests.models.test_entry_rules import BROKEN, whole
from tests.recording import refusal_of, unlocated
from tests.samples import IMAGE, OTHER_IMAGE, Config, entry, job, put, service, stack, store

NAME = "prod"
RULES = (entry_rules, series_rules, stack_rules, traffic_rules, variable_rules)
PINNED = ("_pinned_faults", "_protocol_faults")
"""Left out: both need a revision file in the program's own folder (test_pinning.py and test_protocols.py of
tests/components test them)."""
GATEWAY: Config = {"context": "prod", "traffic": "gateway", "gateway": {"name": "public", "namespace": "edge"}}
RUNS: Config = {"web": {"slots": {"blue": {"image": IMAGE}}}}
S3: Config = {"name": "digits", "uri": "s3://models/digits/1"}
PORT: Config = {"exposure": {"type": "NodePort", "nodePort": 30001, "direct": True}}
SECRETS: Config = {"database": {"keys": ["USER"]}, "registry": {"kind": "registry"}}
ROUTE: Config = {"host": "web.example.com"}
Pair = tuple[Config, Config]
"""A stack's settings and its entry."""


def prod(**changes: Any) -> Config:
    """A stack that runs the entry's service by digest."""
    given = stack(NAME, **{"release": RUNS, **changes})
    del given["image"]
    return given


def web(**blocks: Any) -> Config:
    """An entry with one service."""
    return entry(services={"web": service(route=ROUTE, **blocks)})


def manifest_of(uri: str) -> Config:
    return {"uri": uri, "files": {"a": {"size": 1, "sha256": "0" * 64}}}


def two(left: Config, right: Config) -> Config:
    """An entry with two services."""
    return entry(services={"web": service(**left), "api": service(**right)})


def slots(**slots: Config) -> Config:
    return prod(release={"web": {"slots": slots}})


def pods(window: str, **blocks: Any) -> Config:
    """A service that an HPA scales on what its pods report."""
    metrics = {"pods": {"depth": {"average": 5, "window": window}}}
    return {"scaling": {"minReplicas": 1, "maxReplicas": 3, "metrics": metrics}, **blocks}


def outside(query: str, **more: Any) -> Config:
    """A service that an HPA scales on a query."""
    metrics = {"external": {"length": {"query": query, "average": 5, **more}}}
    return {"scaling": {"minReplicas": 1, "maxReplicas": 3, "metrics": metrics}}


def triggered(**trigger: Any) -> Config:
    """A service that KEDA scales."""
    return {"scaling": {"minReplicas": 0, "maxReplicas": 3, "triggers": {"depth": trigger}}}


def split(cluster: Config, **match: Any) -> Config:
    """A stack that sends some requests to its other slot."""
    filled = {"blue": {"image": IMAGE}, "green": {"image": OTHER_IMAGE}}
    return prod(cluster=cluster, release={"web": {"slots": filled, "match": match}})


NGINX: Config = {"context": "prod"}
LONG = "n" * 60
PAIRS: dict[str, Pair] = {
    **{path: (prod(), put(whole(), path, value)) for path, (value, _) in BROKEN.items()},
    "entry of another name": (prod(), entry(name="store")),
    "source": (prod(source=NAME), entry()),
    "environment": (put(prod(), "system.environment", "pord"), entry()),
    "default namespace": (put(prod(), "system.entry", LONG), entry(name=LONG)),
    "record of nobody": (prod(delivery={"wep": {}}), entry()),
    "release of nobody": (prod(release={"wep": RUNS["web"]}), entry()),
    "match without a route": (
        prod(release={"web": {"slots": {"blue": {"image": IMAGE}, "green": {"image": OTHER_IMAGE}},
                              "match": {"cookie": "beta"}}}),
        entry(services={"web": service()}),
    ),
    "model of a service without": (slots(blue={"image": IMAGE, "model": {"uri": "file:///m"}}), web(model=None)),
    "model of another scheme": (slots(blue={"image": IMAGE, "model": {"uri": "s3://models/digits/1"}}), web()),
    "manifest without a loader": (
        slots(blue={"image": IMAGE, "model": {"uri": S3["uri"], "manifest": manifest_of(S3["uri"])}}), web(model=S3)
    ),
    "files of a service without": (slots(blue={"image": IMAGE, "files": {"a": "b"}}), web()),
    "settings of another server": (
        slots(blue={"image": IMAGE, "server": {"topK": 1}}),
        web(model=None, server="other", health={"ready": "/", "live": "/"}),
    ),
    "host and path twice": (prod(), two({"route": ROUTE}, {"route": ROUTE})),
    "largest body on a Gateway": (prod(cluster=GATEWAY), entry(services={
        "web": service(route={**ROUTE, "maxBody": "1Mi"})})),
    "hosts on a Gateway": (prod(cluster=GATEWAY), entry(services={
        "web": service(route={**ROUTE, "stableHosts": [f"h{i}.example.com" for i in range(17)]})})),
    "path on a Gateway": (prod(cluster=GATEWAY), entry(services={"web": service(route={**ROUTE, "path": "/é"})})),
    "escape on a Gateway": (prod(cluster=GATEWAY), entry(services={"web": service(route={**ROUTE, "path": "/%20"})})),
    "volumes of a class": (
        prod(), entry(volumes={name: {"size": "5Pi", "storageClass": "fast"} for name in ("hub", "cache")})),
    "timeout on a Gateway": (prod(cluster=GATEWAY), entry(services={
        "web": service(route={**ROUTE, "timeout": "100000s"})})),
    "header on a Gateway": (split(GATEWAY, header={"name": "X", "pattern": "b" * 4090}), entry()),
    "pattern that RE2 cannot read": (split(NGINX, header={"name": "X", "pattern": "(?=b)"}), entry()),
    "path behind nginx": (prod(), entry(services={"web": service(route={**ROUTE, "path": "/~predict"})})),
    "suspicious path": (prod(), entry(services={"web": service(route={**ROUTE, "path": "/etc/nginx"})})),
    "session behind nginx": (prod(), entry(services={"web": service(route={**ROUTE, "session": {"cookie": "a!"}})})),
    "header behind nginx": (split(NGINX, header={"name": "X_Canary"}), entry()),
    "value behind nginx": (split(NGINX, header={"name": "X", "value": "a@b"}), entry()),
    "pattern behind nginx": (split(NGINX, header={"name": "X", "pattern": "a@b"}), entry()),
    "cookie behind nginx": (split(NGINX, cookie="a!"), entry()),
    "match of a strategy": (prod(), web(release={"strategy": "canary", "match": {"cookie": "a!"}})),
    "files of a slot and of its entry": (
        slots(blue={"image": IMAGE, "files": {"a": "x" * 80_000}}), web(files={"files": {"b": "x" * 850_000}})),
    "node port twice": (prod(), two(PORT, PORT)),
    "image of nobody": (prod(images={"servr": IMAGE}), entry()),
    "no registry": ({k: v for k, v in stack("dev").items() if k != "image"}, entry()),
    "no source of a build secret": (
        stack("dev"), put(entry(), "images.server", {"context": "serving", "secrets": ["index-token"]})),
    "no digest": ({k: v for k, v in stack(NAME).items() if k != "image"}, entry()),
    "no digest of a store": (prod(), entry(stores={"queue": store()})),
    "secret of nobody": (prod(secrets={"databse": {"environment": {"USER": "A"}}}), {**entry(), "secrets": SECRETS}),
    "pull secret twice": (
        prod(cluster={"context": "prod", "pullSecrets": ["registry"]}, secrets={
            "registry": {"values": {".dockerconfigjson": "{}"}}, "database": {"values": {"USER": "a"}}}),
        {**entry(), "secrets": SECRETS},
    ),
    "no secret": (prod(), {**entry(), "secrets": SECRETS}),
    "other keys": (prod(secrets={"database": {"values": {"PASSWORD": "a"}}}), {**entry(), "secrets": SECRETS}),
    "login": (
        prod(secrets={"registry": {"values": {".dockerconfigjson": "x"}}, "database": {"values": {"USER": "a"}}}),
        {**entry(), "secrets": SECRETS},
    ),
    "no object storage": (prod(), web(model=S3)),
    "no Prometheus": (
        prod(), entry(services={"web": service(**triggered(prometheus={"query": "sum(x)", "threshold": 1}))})),
    "server outside": (prod(), web(externals=["bank"])),
    "server that nobody calls": (prod(externals={"bank": {"url": "https://bank.example.com"}}), entry()),
    "latency between bounds": (prod(), web(monitoring={"slo": {"latency": {"percent": 99, "within": "400ms"}}})),
    "gate between bounds": (prod(), web(release={"gate": {"latency": {"within": "400ms"}}})),
    "check without Prometheus": (
        prod(cluster={"context": "prod", "metrics": "direct"}),
        web(release={"gate": {"checks": {"accuracy": {"query": "sum(x)", "min": 1}}}})),
    "scrapes too rare": (prod(), web(monitoring={"slo": {"availability": 99.9}, "interval": "5m"})),
    "nobody scrapes": (prod(), entry(services={"web": service(**pods("1m", monitoring=None))})),
    "windows differ": (prod(), two(pods("2m"), pods("3m"))),
    "queries differ": (prod(), two(outside("sum(a)"), outside("sum(b)"))),
    "no place for labels": (prod(), entry(services={"web": service(**outside("sum(a)", labels={"a": "b"}))})),
    "reserved ending": (prod(), entry(services={"web-blue": service()})),
    "store like a service": (prod(), entry(stores={"web": store()})),
    "job like a store": (prod(), put(entry(stores={"queue": store()}), "environments.prod.jobs", {"queue": job()})),
    "claim of a store": (
        prod(), entry(stores={"queue": store()}, volumes={"queue-data": {"size": "1Gi"}})),
    "store's long name": (prod(), entry(stores={LONG[:53]: store()})),
    "variable twice": (prod(), web(env={"API_ADDRESS": "x"}, calls=["api"]) | {"services": {
        "web": service(env={"API_ADDRESS": "x"}, calls=["api"]), "api": service()}}),
    "before whom it calls": (
        prod(), put(entry(), "environments.prod.jobs", {"train": job(before=["web"], calls=["web"])})),
}  # fmt: skip


@pytest.fixture
def laid_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Pair], Path]:
    """Return a function that writes the two files of a pair. The program reads its entry there too."""
    read = catalog.read
    monkeypatch.setattr(Stack, "engine", Pulumi({"services": {}}))
    (tmp_path / "catalog").mkdir()

    def here(name: str, _folder: Path | None = None) -> object:
        return read(name, tmp_path / "catalog")

    monkeypatch.setattr(catalog, "read", here)

    def write(pair: Pair) -> Path:
        given, its = pair
        config = {"config": {f"slipway:{key}": value for key, value in given.items()}}
        (tmp_path / f"Pulumi.{NAME}.yaml").write_text(yaml.safe_dump(config))
        (tmp_path / "catalog" / f"{given['system']['entry']}.yaml").write_text(yaml.safe_dump(its))
        return tmp_path

    return write


def lines(said: str, before: str) -> list[str]:
    """Return the sentences of a command's output without their prefixes."""
    return [unlocated(line.removeprefix(before)) for line in said.splitlines()]


def by_slipway(project: Path) -> list[str]:
    done = CliRunner().invoke(app, ["--cwd", str(project), "plan", NAME, "web"])
    assert done.exit_code != 0, done.output
    return lines(done.stderr, "slipway: ")


def by_ci(project: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    assert validate.main(["--project", str(project), NAME]) == 1
    return lines(capsys.readouterr().out, "error: ")


@pytest.mark.parametrize("case", PAIRS)
def test_all_three_say_the_same(
    case: str, laid_out: Callable[[Pair], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    project = laid_out(PAIRS[case])
    previewed = refusal_of(PAIRS[case][0], stack=NAME, preview=True)
    assert previewed
    assert (by_slipway(project), by_ci(project, capsys)) == (previewed, previewed)


def test_a_program_reads_several_faults_in_one_line(laid_out: Callable[[Pair], Path]) -> None:
    project = laid_out(PAIRS["host and path twice"])
    done = CliRunner().invoke(app, ["--cwd", str(project), "plan", NAME, "web", "--json"])
    faults = [line.removeprefix("slipway: ") for line in done.stderr.splitlines()]
    assert len(faults) > 1
    assert json.loads(done.stdout)["error"] == "; ".join(faults)


def sentences() -> set[tuple[str, int]]:
    """Return module and line of each ``yield`` with which a rule reports a fault."""
    return {
        (module.__name__, node.lineno)
        for module in RULES
        for function in ast.parse(Path(str(module.__file__)).read_text()).body
        if getattr(function, "name", "") not in PINNED
        for node in ast.walk(function)
        if isinstance(node, ast.Yield)
    }


def reached(run: Callable[[], object]) -> Iterator[tuple[str, int]]:
    """Yield module and line of each line of the rule modules that a call executes."""
    found: set[tuple[str, int]] = set()
    names = {module.__name__ for module in RULES}

    def trace(frame: FrameType, event: str, _: object) -> Any:
        module = frame.f_globals.get("__name__", "")
        if module not in names:
            return None
        if event == "line":
            found.add((module, frame.f_lineno))
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        run()
    finally:
        sys.settrace(before)
    yield from found


def resolved(pair: Pair) -> None:
    """Combine the two files of a pair as every reader does."""
    stack, entry = pair
    with suppress(ConfigurationError):
        resolve(parse(StackSettings, stack, ""), parse(CatalogueEntry, catalog.with_profiles(entry), ""))


def test_no_rule_is_left_out() -> None:
    """Every rule has a pair that breaks it."""
    seen = {line for pair in PAIRS.values() for line in reached(partial(resolved, pair))}
    assert sorted(sentences() - seen) == []
