"""Bad input, given to the real engine: one line says where and why, the exit code says no, and nothing was written."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster import registry
from tests.cluster.stack import Json, Stack, last_errors, local, project_elsewhere, run
from tests.recording import DIGEST, PROJECT

Edit = Callable[[Json, Json], Any]
"""Breaks a stack configuration or a catalogue entry, in place."""

TAGGED = "localhost:5050/classifier/server:dev"
_LINE = re.compile(r"(?<=\.yaml), line \d+(?=: )")
BAD: dict[str, tuple[Edit, str]] = {
    "a key with one letter changed": (
        lambda stack, _: stack.update({"slipway:cluster": {"contxt": "slipway-local"}}),
        "slipway:cluster.contxt: unknown key; did you mean 'context'?",
    ),
    "a whole section with one letter changed": (
        lambda stack, _: stack.update({"slipway:relaese": {}}),
        "slipway:relaese: unknown key; did you mean 'release'?",
    ),
    "a tag instead of a digest in prod": (
        lambda stack, _: stack.update(
            {
                "slipway:system": {"entry": "classifier", "environment": "prod"},
                "slipway:release": {"classifier": {"slots": {"blue": {"image": TAGGED}}}},
            }
        ),
        f"slipway:release.classifier.slots.blue.image: '{TAGGED}': an image must be named by digest",
    ),
    "more replicas at least than at most": (
        lambda _, entry: entry["services"]["classifier"]["scaling"].update({"minReplicas": 11}),
        "catalog/classifier.yaml: services.classifier.scaling: minReplicas 11 exceeds maxReplicas 10",
    ),
    "a name of 70 characters": (
        lambda _, entry: entry["services"].update({"x" * 70: entry["services"].pop("classifier")}),
        "the limit is 63 characters, but the name has 70; shorten it",
    ),
    "a quantity that is none": (
        lambda _, entry: entry["services"]["classifier"]["resources"]["requests"].update({"cpu": "1x"}),
        "catalog/classifier.yaml: services.classifier.resources.requests.cpu: '1x': a quantity is a number",
    ),
    "an unknown environment": (
        lambda stack, _: stack.update({"slipway:system": {"entry": "classifier", "environment": "prd"}}),
        "slipway:system.environment: 'prd' is not an environment of catalog/classifier.yaml (dev, staging, prod)",
    ),
    "a kube context that does not exist": (
        lambda stack, _: stack["slipway:cluster"].update({"context": "slipway-locale"}),
        "slipway:cluster.context: 'slipway-locale' is not in the kubeconfig",
    ),
    "a weight of 101": (
        lambda stack, _: stack.update({"slipway:release": release(weight=101)}),
        "slipway:release.classifier.weight: 101: must be at most 100",
    ),
    "a header pattern that is no regular expression": (
        lambda stack, _: stack.update(
            {"slipway:release": release(match={"header": {"name": "X-Canary", "pattern": "(["}})}
        ),
        "slipway:release.classifier.match.header.pattern: '([': not a regular expression",
    ),
}


def release(**parts: object) -> Json:
    image = f"localhost:5050/classifier/server@{DIGEST}"
    return {"classifier": {"slots": {"blue": {"image": image}, "green": {"image": image}}, **parts}}


def written(stack: Stack) -> list[str]:
    """List the writes that Pulumi sent to the API server so far, dry runs left out."""
    state = Path(stack.env["KUBECONFIG"]).parent.parent
    events = [json.loads(line) for line in (state / "logs" / "audit.jsonl").read_text().splitlines()]
    return [
        f"{event['verb']} {event['requestURI']}"
        for event in events
        if "pulumi" in event.get("userAgent", "") and "dryRun=All" not in event["requestURI"]
    ]


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_clear_line_and_no_write(name: str, stack: Stack, tmp_path: Path) -> None:
    edit, line = BAD[name]
    config = stack.config()
    entry = yaml.safe_load((PROJECT / "catalog" / "classifier.yaml").read_text())
    edit(config, entry)
    project = project_elsewhere(tmp_path, entry)
    (project / "Pulumi.dev.yaml").write_text(yaml.safe_dump({"config": config}))
    host = stack.config()["slipway:image"]["registry"]
    before = (written(stack), registry.contents(host), stack.workloads())
    assert before[0], "the audit log shows the writes that deployed the stack"
    done = run("pulumi", "up", "--yes", "-s", "dev", "-C", str(project), "--non-interactive", env=stack.env)
    assert done.returncode != 0
    reasons = [text.strip() for text in last_errors(done).splitlines() if line in _LINE.sub("", text)]
    assert len(reasons) == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert (written(stack), registry.contents(host), stack.workloads()) == before


def test_an_unreadable_kubeconfig_is_one_clear_line(stack: Stack, tmp_path: Path) -> None:
    env = {**stack.env, "KUBECONFIG": str(tmp_path / "nothing")}
    done = run("pulumi", "preview", "-s", "dev", "--non-interactive", env=env)
    assert done.returncode != 0
    assert "slipway:cluster.context: 'slipway-local' is not in the kubeconfig (no file found" in (last_errors(done))


def test_a_wrong_option_of_the_local_cli_is_one_clear_line() -> None:
    done = local("up", "--no-deplyo")
    assert done.returncode != 0
    assert "No such option" in done.stderr
    assert os.linesep.join(done.stderr.splitlines()[-20:]).count("Traceback") == 0
