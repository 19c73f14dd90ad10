"""A gate that reads pods and proxy directly: it needs no Prometheus, and removes a bad version within seconds."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from components.manifests.pod import MANAGEMENT_NAME
from delivery.cluster.pods import Pods
from delivery.errors import MetricsForbidden
from delivery.metrics.direct import Direct
from delivery.metrics.prometheus import Prometheus
from delivery.release.service import Service
from delivery.release.stack import Stack as Opened
from models.vocabulary import SlotName
from tests.cluster import faulty, seen, standing
from tests.cluster.releasing import CANARY, ROLLED_BACK, SERVICE, Life, releasing
from tests.cluster.stack import Json, Stack, config_of, run

pytestmark = [
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),  # a client lives as long as its process
]

NOBODY = "http://127.0.0.1:9"
"""The discard port, on which nothing answers: proves that no Prometheus was queried."""
SOON_SECONDS = 4.0
"""Limit in seconds from the first bad answer to the version's last request."""
COUNTED_SECONDS = 20
READER = "metrics-reader"
RULES: list[Json] = [
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]},
    {"apiGroups": [""], "resources": ["pods/proxy"], "verbs": ["get"]},
]
"""The limit that docs/direct-metrics.md states."""


@pytest.fixture(scope="module")
def alone(stack: Stack, tmp_path_factory: pytest.TempPathFactory, pictures: list[tuple[bytes, str]]) -> Iterator[Life]:
    """A system whose stack names a Prometheus that does not answer."""
    folder, sent = tmp_path_factory.mktemp("direct"), tmp_path_factory.mktemp("load")
    with (
        releasing(stack, folder, "direct", CANARY, metrics="direct", metricsUrl=NOBODY) as system,
        seen.running(system.ingress, pictures[0][0], sent) as load,
    ):
        first = system.release(faulty.good(0))
        assert first.code == 0, first.said
        yield Life(system, load)


@pytest.fixture
def at_hand(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give this process the environment of the stack's commands."""
    for name, value in stack.env.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(("bad", "proxy"), [(faulty.FIFTH_FAILS, "traefik"), (faulty.FIFTH_FAILS_TOO, None)])
def test_a_bad_version_is_gone_within_seconds_and_no_prometheus_is_asked(
    alone: Life, bad: faulty.Fault, proxy: str | None, facts: list[str]
) -> None:
    """The proxy counts one service's requests; only the pods count the other's, read through the API server."""
    alone.system.declare(proxyMetrics=proxy)
    command = alone.system.release(bad)
    assert command.code == ROLLED_BACK, command.said
    assert "errors" in command.document["reason"]
    version = alone.system.version(bad)
    own = [one for one in alone.since(command) if one.version == version]
    first = min(one.done for one in own if not one.good)
    last = max(one.sent for one in own)
    who = proxy or "the pods"
    facts.append(f"direct, 20 % errors, counted by {who}: weight 0 after {last - first:.1f} s, {len(own)} requests")
    assert last - first <= SOON_SECONDS
    assert not alone.lost(command, bad)
    alone.system.agrees()
    alone.system.declare(proxyMetrics="traefik")


def test_a_good_version_is_promoted(alone: Life, facts: list[str]) -> None:
    command = alone.system.release(faulty.good(61))
    assert command.code == 0, command.said
    assert not alone.lost(command)
    facts.append(f"direct, good: promoted after {command.seconds:.0f} s, {len(alone.since(command))} requests, 0 lost")


def test_a_check_passes_by_itself(alone: Life) -> None:
    command = alone.system.slipway("check", "--window", "60")
    assert command.code == 0, command.said


@pytest.mark.usefixtures("at_hand")
@pytest.mark.parametrize("proxy", ["traefik", None])
def test_both_sources_count_the_same_but_for_one_scrapes_requests(
    alone: Life, proxy: str | None, facts: list[str]
) -> None:
    alone.system.declare(proxyMetrics=proxy)
    opened = Opened.open(alone.system.copy.folder, alone.system.copy.name)
    slots: dict[str, SlotName] = {"candidate": "blue" if alone.system.live() == "blue" else "green"}
    target, within = Service(opened, SERVICE).target(slots), {"duration": 200}
    settings = opened.settings().cluster
    prometheus = Prometheus(config_of("dev")["slipway:cluster"]["prometheusUrl"])
    direct = Direct(Pods(settings.context), settings)
    with direct.watching(target, within, "/metrics"):
        since = time.time()
        time.sleep(COUNTED_SECONDS)
        until = time.time()
        time.sleep(2)  # until the last second has been scraped
        counts = [source.counts(target, since, within, until)["candidate"] for source in (prometheus, direct)]
    sent = len([one for one in alone.load.since(since, until) if one.good])
    alone.system.declare(proxyMetrics="traefik")
    facts.append(
        f"by {proxy or 'the pods'}: Prometheus {counts[0].total}, direct {counts[1].total}, clients {sent} requests"
    )
    most = seen.PER_SECOND * 1.5  # at most one scrape more: scrapes are not simultaneous
    assert sent > COUNTED_SECONDS * seen.PER_SECOND / 2
    assert abs(counts[0].total - counts[1].total) <= most
    assert abs(counts[1].total - sent) <= most
    assert abs(counts[0].times["duration"].total - counts[1].times["duration"].total) <= most
    assert counts[0].errors == counts[1].errors == 0


@pytest.fixture
def account(alone: Life, stack: Stack, tmp_path: Path) -> Iterator[Path]:
    """Return a kubeconfig of an account without rights."""
    namespace = alone.system.copy.namespace
    standing.kubectl(stack.env, "create", "serviceaccount", READER, "-n", namespace)
    token = standing.kubectl(stack.env, "create", "token", READER, "-n", namespace).strip()
    config = yaml.safe_load(Path(stack.env["KUBECONFIG"]).read_text())
    named = {user["name"] for user in config["users"]}
    config["users"] = [{"name": name, "user": {"token": token}} for name in named]
    file = tmp_path / "kubeconfig"
    file.write_text(yaml.safe_dump(config))
    yield file
    for kind in ("rolebinding", "role", "serviceaccount"):
        run("kubectl", "delete", kind, READER, "-n", namespace, "--ignore-not-found", env=stack.env)


def test_the_documented_rights_are_needed_and_suffice(
    alone: Life, stack: Stack, account: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = alone.system.copy
    context = str(copy.settings["slipway:cluster"]["context"])
    path, chosen = f"/api/v1/namespaces/{copy.namespace}/pods", {"app.kubernetes.io/name": SERVICE}
    (pod, *_) = copy.pods(SERVICE)
    (server,) = (one for one in pod["spec"]["containers"] if one["name"] == "server")
    (port,) = (one["containerPort"] for one in server["ports"] if one["name"] == MANAGEMENT_NAME)
    metrics = f"{path}/{pod['metadata']['name']}:{port}/proxy/metrics"
    monkeypatch.setenv("KUBECONFIG", str(account))
    with pytest.raises(MetricsForbidden, match="may not list pods in namespace"):
        Pods(context).listed(path, chosen)
    with pytest.raises(MetricsForbidden, match="may not get pods/proxy in namespace"):
        Pods(context).text(metrics)
    monkeypatch.setenv("KUBECONFIG", os.fspath(stack.env["KUBECONFIG"]))
    meta = {"name": READER, "namespace": copy.namespace}
    api = "rbac.authorization.k8s.io"
    subject = {"kind": "ServiceAccount", "name": READER, "namespace": copy.namespace}
    role = {"apiVersion": f"{api}/v1", "kind": "Role", "metadata": meta, "rules": RULES}
    binding = {
        "apiVersion": f"{api}/v1",
        "kind": "RoleBinding",
        "metadata": meta,
        "roleRef": {"apiGroup": api, "kind": "Role", "name": READER},
        "subjects": [subject],
    }
    standing.apply(stack, "reader", [json.loads(json.dumps(one)) for one in (role, binding)])
    monkeypatch.setenv("KUBECONFIG", str(account))
    assert Pods(context).listed(path, chosen)
    assert "http_requests_total" in Pods(context).text(metrics)
