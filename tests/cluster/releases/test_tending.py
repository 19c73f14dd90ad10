"""`slipway tend` run by the account of templates/kubernetes/tend.yaml: its permissions suffice to finish a release."""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
import yaml

from tests.cluster import faulty, standing
from tests.cluster.releasing import CANARY, COMMAND_SECONDS, SERVICE, Life
from tests.cluster.stack import Json, run
from tests.cluster.waiting import PATIENCE_SECONDS
from tests.recording import PROJECT

pytestmark = pytest.mark.long

TEMPLATE = PROJECT / "templates" / "kubernetes" / "tend.yaml"
ACCOUNT, NAMESPACE = "slipway-tend", "default"


@pytest.fixture
def account(life: Life, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Apply the template without its schedule, and return the environment of a process that uses its account."""
    copy = life.system.copy
    context = str(copy.settings["slipway:cluster"]["context"])
    names = {"STACK-NAMESPACE": copy.namespace, "KUBE-CONTEXT": context, "STACK": copy.name}
    text = TEMPLATE.read_text()
    for capital, name in names.items():
        text = text.replace(capital, name)
    (tmp_path / "tend.yaml").write_text(text)
    kept = [one for one in yaml.safe_load_all(text) if one["kind"] != "CronJob"]
    (tmp_path / "kept.yaml").write_text(yaml.safe_dump_all(kept))
    env = copy.stack.env
    standing.kubectl(env, "apply", "--dry-run=server", "-f", str(tmp_path / "tend.yaml"))
    standing.kubectl(env, "apply", "-f", str(tmp_path / "kept.yaml"))
    try:
        config = json.loads(
            standing.kubectl(env, "config", "view", "--minify", "--raw", "--context", context, "-o", "json")
        )
        token = standing.kubectl(env, "create", "token", ACCOUNT, "-n", NAMESPACE).strip()
        config["users"] = [{"name": ACCOUNT, "user": {"token": token}}]
        config["contexts"][0]["context"]["user"] = ACCOUNT
        (tmp_path / "kubeconfig").write_text(json.dumps(config))
        yield {**env, "KUBECONFIG": str(tmp_path / "kubeconfig")}
    finally:
        standing.kubectl(env, "delete", "-f", str(tmp_path / "kept.yaml"))


def tended(life: Life, env: dict[str, str]) -> Json:
    """Run `slipway tend` until it takes the release over; return what it did."""
    copy, end = life.system.copy, time.monotonic() + PATIENCE_SECONDS
    command = [sys.executable, "-m", "delivery", "-C", str(copy.folder), "tend", copy.name, "--json"]
    while True:
        done = run(*command, env=env, timeout=COMMAND_SECONDS)
        assert done.returncode == 0, done.stdout + done.stderr
        found = cast("Json", json.loads(done.stdout)["services"][SERVICE])
        if "result" in found:
            return found
        assert time.monotonic() < end, found
        time.sleep(2)


def test_its_account_carries_on_a_release_whose_driver_was_killed(
    life: Life, account: dict[str, str], facts: list[str]
) -> None:
    version = faulty.good(time.time_ns() % 10**9)
    life.system.strategy(CANARY | {"unattended": "60s"})
    with life.system.running("release", "--image", life.system.image(version)) as running:
        running.wait_for("look", "step 20 %")
        running.process.kill()
        running.process.wait()
    found = tended(life, account)
    assert found["result"] == "promoted", found
    assert life.load.wait_for(lambda _: True, time.time()).version == life.system.version(version)
    assert not life.lost(running)
    life.system.agrees()
    facts.append(
        f"tend: a killed release was carried on by its account after {time.time() - running.began:.0f} s, 0 lost"
    )


def test_its_account_may_not_read_secrets_of_other_namespaces(life: Life, account: dict[str, str]) -> None:
    own, other = (
        run("kubectl", "auth", "can-i", "get", "secrets", "-n", namespace, env=account).stdout.strip()
        for namespace in (life.system.copy.namespace, "kube-system")
    )
    assert (own, other) == ("yes", "no")
