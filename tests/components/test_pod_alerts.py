"""The alerts that every monitored service has: for which slots, at which numbers, and how they are switched off."""

from typing import Any

import pytest

from tests.components.deploying import deployed
from tests.components.test_alerts import BY, MATCHERS, OFF
from tests.samples import Config, entry, put, release, service, stack

SERIES = 'namespace="shop-dev",service=~"web-blue|web-green"'
AUTOSCALED: Config = {"minReplicas": 2, "maxReplicas": 4, "metrics": {"cpu": {"utilization": 70}}}
QUEUED: Config = {
    "triggers": {"work": {"cron": {"start": "0 8 * * *", "end": "0 9 * * *", "timezone": "UTC", "replicas": 2}}}
}


def rules(released: Config | None = None, **blocks: Any) -> list[dict[str, Any]]:
    data = put(stack(), "release.web", released) if released else stack()
    run = deployed(entry(services={"web": service(**blocks)}), data)
    return [
        rule
        for made in run.of_kind("PrometheusRule")
        for group in made.inputs["spec"]["groups"]
        for rule in group["rules"]
    ]


def named(alert: str, released: Config | None = None, **blocks: Any) -> list[dict[str, Any]]:
    return [rule for rule in rules(released, **blocks) if rule["alert"] == alert]


def summed_up(rule: dict[str, Any]) -> tuple[str, str, str, str]:
    return rule["alert"], rule["labels"].get("signal", ""), rule["labels"]["severity"], rule["for"]


def test_by_default_a_monitored_service_has_four_kinds_of_alerts() -> None:
    assert [summed_up(rule) for rule in rules()] == [
        ("TargetDown", "", "warning", "300s"),
        ("NoTargetUp", "", "critical", "300s"),
        ("Saturation", "refused", "critical", "600s"),
        ("Saturation", "waiting", "critical", "600s"),
        ("ReplicasAtMax", "", "warning", "900s"),
    ]


def test_every_one_says_whom_it_is_about_and_what_is_wrong() -> None:
    found = rules()
    assert {rule["labels"]["service"] for rule in found} == {"web"}
    for rule in found:
        own = "blue" if rule["alert"] in ("NoTargetUp", "ReplicasAtMax") else "{{ $labels.slipway_dev_slot }}"
        assert rule["labels"]["slot"] == own
        assert all(len(text) > 20 for text in rule["annotations"].values())
    runbook = put(stack(), "cluster.runbookUrl", "https://wiki.example.com/slipway")
    (made,) = deployed(None, runbook).of_kind("PrometheusRule")
    links = {rule["annotations"]["runbook_url"] for group in made.inputs["spec"]["groups"] for rule in group["rules"]}
    assert "https://wiki.example.com/slipway#notargetup" in links


@pytest.mark.parametrize(
    ("key", "alert"),
    [
        ("targetDown", "TargetDown"),
        ("noTargetUp", "NoTargetUp"),
        ("saturation", "Saturation"),
        ("replicasAtMax", "ReplicasAtMax"),
    ],
)
def test_each_is_switched_off_alone_and_takes_its_own_severity_and_time(key: str, alert: str) -> None:
    every = {rule["alert"] for rule in rules()}
    assert {rule["alert"] for rule in rules(monitoring={"alerts": {key: None}})} == every - {alert}
    changed = named(alert, monitoring={"alerts": {key: {"severity": "info", "for": "42s"}}})
    assert {(rule["labels"]["severity"], rule["for"]) for rule in changed} == {("info", "42s")}
    only: Config = {**OFF["alerts"], key: {}}
    assert {rule["alert"] for rule in rules(monitoring={"alerts": only})} == {alert}


def test_a_pod_is_down_by_itself_for_at_least_as_long_as_it_may_take_to_start() -> None:
    (rule,) = named("TargetDown")
    assert rule["expr"] == f"max by (slipway_dev_slot, pod) (up{{{SERIES}}}) == 0"
    slow: Config = {"progressDeadline": "400s", "timeout": "500s"}
    assert {r["for"] for alert in ("TargetDown", "NoTargetUp") for r in named(alert, rollout=slow)} == {"400s"}
    asked: Config = {"alerts": {"targetDown": {"for": "0s"}}}
    assert [r.get("for") for r in named("TargetDown", rollout=slow, monitoring=asked)] == [None]


def test_every_filled_slot_is_to_have_a_pod_that_answers_and_an_empty_one_is_not() -> None:
    assert [rule["expr"] for rule in named("NoTargetUp")] == [
        'absent(up{namespace="shop-dev",service="web-blue"} == 1)'
    ]
    both = named("NoTargetUp", release(weight=20))
    assert [rule["expr"] for rule in both] == [
        'absent(up{namespace="shop-dev",service="web-blue"} == 1)',
        'absent(up{namespace="shop-dev",service="web-green"} == 1)',
    ]
    assert [rule["labels"]["slot"] for rule in both] == ["blue", "green"]


@pytest.mark.parametrize(
    ("changes", "severity"),
    [
        ({"weight": 0}, "warning"),
        ({"weight": 1}, "critical"),
        ({"weight": 0, "match": {"header": {"name": "X-Canary"}}}, "critical"),
        ({"weight": 0, "match": {"cookie": "canary"}}, "critical"),
    ],
)
def test_a_slot_that_gets_no_requests_wakes_nobody(changes: Config, severity: str) -> None:
    blue, green = named("NoTargetUp", release(**changes), route={"host": "web.example.com"})
    assert (blue["labels"]["severity"], green["labels"]["severity"]) == ("critical", severity)


def test_a_slot_that_may_scale_to_zero_is_not_asked_for_a_pod() -> None:
    assert named("NoTargetUp", scaling={"minReplicas": 0, "maxReplicas": 4, **QUEUED}) == []
    assert len(named("NoTargetUp", scaling={"minReplicas": 1, "maxReplicas": 4, **QUEUED})) == 1
    held: Config = {"slots": {"blue": {"minReplicas": 1}}}
    assert len(named("NoTargetUp", held, scaling={"minReplicas": 0, "maxReplicas": 4, **QUEUED})) == 1


def test_saturation_is_the_share_of_429_or_a_tenth_of_a_requests_time_spent_waiting() -> None:
    refused, waiting = named("Saturation", drain={"requestTimeout": "5s"})
    assert refused["expr"] == (
        f'{BY} (rate(http_requests_total{{{MATCHERS},status="429"}}[5m]))\n/\n'
        f"{BY} (rate(http_requests_total{{{MATCHERS}}}[5m]))\n> 0.01"
    )
    assert waiting["expr"] == (
        f"{BY} (rate(inference_queue_wait_seconds_sum{{{SERIES}}}[5m]))\n/\n"
        f"{BY} (rate(inference_queue_wait_seconds_count{{{SERIES}}}[5m]))\n> 0.5"
    )


@pytest.mark.parametrize(
    ("scaling", "most"),
    [
        (AUTOSCALED, [4]),
        ({"minReplicas": 0, "maxReplicas": 7, **QUEUED}, [7]),
        ({"minReplicas": 4, "maxReplicas": 4, **QUEUED}, []),
        ({"replicas": 3}, []),
    ],
    ids=str,
)
def test_only_a_range_has_a_maximum_to_be_at(scaling: Config, most: list[int]) -> None:
    found = [rule["expr"] for rule in named("ReplicasAtMax", scaling=scaling)]
    assert found == [f'{BY} (up{{namespace="shop-dev",service="web-blue"}}) >= {number}' for number in most]


def test_the_maximum_of_a_slot_is_the_one_that_a_release_gives_its_autoscaler() -> None:
    moving: Config = {"slots": {"blue": {"maxReplicas": 3}, "green": {"minReplicas": 2, "maxReplicas": 2}}}
    assert [rule["expr"] for rule in named("ReplicasAtMax", moving, scaling=AUTOSCALED)] == [
        f'{BY} (up{{namespace="shop-dev",service="web-blue"}}) >= 3'
    ]
