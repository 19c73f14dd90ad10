"""What holds of every alert of every entry and environment, whatever it compares."""

import re
from functools import cache
from typing import Any

from tests.contracts.cases import CASES, in_every_case, objects_of
from tests.declared import Declared, Objects
from tests.recording import PROJECT


def alerts(run: Objects[Declared]) -> list[dict[str, Any]]:
    """The alerts of all PrometheusRules."""
    found = [group for rule in run.of_kind("PrometheusRule") for group in rule.inputs["spec"]["groups"]]
    return [alert for group in found for alert in group["rules"]]


@cache
def sections() -> dict[str, str]:
    """The runbook's second-level sections by their anchors, as Markdown readers name them."""
    page = (PROJECT / "docs" / "runbook.md").read_text()
    parts = re.split(r"^## (.+)$", page, flags=re.MULTILINE)[1:]
    return {title.lower().replace(" ", "-"): text for title, text in zip(parts[::2], parts[1::2], strict=True)}


def test_every_kind_of_alert_is_raised_for_some_system() -> None:
    assert {alert["alert"] for case in CASES for alert in alerts(objects_of(case))} == {
        "AvailabilityBudgetBurn", "LatencyBudgetBurn", "HighInferenceLatency", "TargetDown", "NoTargetUp", "Saturation",
        "ReplicasAtMax",
    }  # fmt: skip


def test_every_alert_has_its_section_in_the_runbook_and_every_section_its_alert() -> None:
    assert {alert["alert"].lower() for case in CASES for alert in alerts(objects_of(case))} == set(sections())


def test_a_section_says_what_it_means_what_is_true_now_and_which_command_comes_next() -> None:
    for anchor, text in sections().items():
        for part in ("**What it means.** ", "**What is true now.** ", "\n```\n"):
            assert len(text.partition(part)[2]) > 100, f"{anchor}: {part}"


@in_every_case
def test_every_monitored_service_has_alerts_and_every_alert_a_severity_that_somebody_handles(
    run: Objects[Declared],
) -> None:
    watched = {monitor.object_name for monitor in run.of_kind("ServiceMonitor")}
    assert watched == {rule.object_name for rule in run.of_kind("PrometheusRule")}
    for alert in alerts(run):
        assert alert["labels"]["severity"] in {"critical", "warning", "info"}
        assert alert["labels"]["service"] in watched
        assert alert["labels"]["namespace"] == run.one("Namespace").object_name


@in_every_case
def test_no_two_alerts_have_the_same_name_and_labels(run: Objects[Declared]) -> None:
    """Alertmanager would take them for one."""
    marks = [(alert["alert"], *sorted(alert["labels"].items())) for alert in alerts(run)]
    assert len(set(marks)) == len(marks)
