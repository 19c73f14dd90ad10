"""Prometheus' own promtool reads and evaluates the alerting rules of every entry and environment.

The cases are data, in tests/alerts. They need the toolchain (promtool is built by the first who asks), but no cluster.
"""

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.paths import Paths
from local.progress import Progress
from local.toolchain.build import provide
from tests.cluster.stack import Done, run
from tests.components.deploying import deployed
from tests.contracts.cases import CASES, Case, objects_of
from tests.declared import Declared, Objects
from tests.recording import PROJECT
from tests.samples import Config, entry, service

DATA = sorted((PROJECT / "tests" / "alerts").glob("*.yaml"))
WEB: Config = {
    "slo": {"availability": 99.9, "latency": {"percent": 99, "within": "500ms"}},
    "meanLatency": {"above": "500ms"},
}
"""Labels of the test data."""


@pytest.fixture(scope="module")
def promtool() -> Path:
    return provide("promtool", Paths.from_environment().cache, Progress())


@pytest.fixture(scope="module")
def contexts(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A kubeconfig with the context that the cases name: nothing is deployed to it."""
    path = tmp_path_factory.mktemp("kube") / "config"
    path.write_text(yaml.safe_dump({"contexts": [{"name": "prod"}]}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KUBECONFIG", str(path))
        for case in CASES:
            objects_of(case)


def rules(made: Objects[Declared]) -> list[Config]:
    """Return the groups of all PrometheusRules in the format of a rule file."""
    return [group for rule in made.of_kind("PrometheusRule") for group in rule.inputs["spec"]["groups"]]


@pytest.mark.usefixtures("contexts")
@pytest.mark.parametrize("case", [case for case in CASES if not case.both], ids=str)
def test_prometheus_accepts_the_rules_of_every_entry_and_environment(
    case: Case, promtool: Path, tmp_path: Path
) -> None:
    groups = rules(objects_of(case))
    assert groups, "every shipped system has an objective"
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": groups}))
    done = run(str(promtool), "check", "rules", "--lint=all", "--lint-fatal", str(file))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{sum(len(group['rules']) for group in groups)} rules found" in done.stdout


def tried(promtool: Path, folder: Path, data: Path, groups: Any) -> Done:
    """Run one file of test cases against rules."""
    shutil.copy(data, folder)
    (folder / "rules.yaml").write_text(yaml.safe_dump({"groups": groups}))
    return run(str(promtool), "test", "rules", str(folder / data.name))


@pytest.fixture(scope="module")
def of_web() -> list[Config]:
    return rules(deployed(entry(services={"web": service(monitoring=WEB)})))


@pytest.mark.parametrize("data", DATA, ids=lambda path: path.stem)
def test_alerts_fire_when_they_should_and_only_then(
    data: Path, promtool: Path, of_web: list[Config], tmp_path: Path
) -> None:
    done = tried(promtool, tmp_path, data, of_web)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("data", "right", "wrong"),
    [
        ("availability", "\nand\n", "\nor\n"),
        ("availability", "[5m]", "[1h]"),
        ("availability", "route!~", "route=~"),
        ("latency", 'le="0.5"', 'le="0.75"'),
        ("inference", "> 0.5", ">= 0.5"),
        ("target_down", ", pod) ", ") "),
        ("target_down", "== 0", ">= 0"),
        ("no_target_up", "} == 1)", "})"),
        ("saturation", 'status="429"', 'status=~"4.."'),
        ("saturation", "> 3", "> 2"),
        ("saturation", "> 0.01", ">= 0.01"),
        ("replicas_at_max", ">= 4", "> 4"),
        ("replicas_at_max", "sum by (slipway_dev_slot) (up", "count by (slipway_dev_slot) (up"),
    ],
)
def test_the_cases_notice_a_rule_that_is_wrong(
    request: pytest.FixtureRequest, tmp_path: Path, data: str, right: str, wrong: str
) -> None:
    good: list[Config] = request.getfixturevalue("of_web")
    broken = [
        {**group, "rules": [{**rule, "expr": rule["expr"].replace(right, wrong)} for rule in group["rules"]]}
        for group in good
    ]
    assert broken != good
    cases = PROJECT / "tests" / "alerts" / f"{data}.yaml"
    done = tried(request.getfixturevalue("promtool"), tmp_path, cases, broken)
    assert done.returncode != 0
    assert "FAILED" in done.stdout + done.stderr
