"""The release benchmark: what it reads from answers, what it prints, and that both tools get the same."""

import pytest
import yaml

import catalog
from bench import flagger, release_slipway
from bench import flagger_manifests as manifests
from bench.flagger_manifests import DOCUMENTED, FASTEST
from bench.release import order
from bench.release_outcome import HEADINGS, Answer, Outcome, answers, counted, outcome, ratios, row
from models.entry import CatalogueEntry
from models.parsing import parse
from models.strategy import Canary

GOOD, BAD = "sha256:good", "sha256:bad"


def ending(from_bad: float, failed: int) -> Outcome:
    return Outcome(from_bad=from_bad, from_traffic=from_bad + 1, failed=failed, answered=5 * failed, samples=30)


RELEASE = (
    Answer(9.0, 9.1, "502", ""),  # before the release
    Answer(10.0, 10.1, "200", GOOD),
    Answer(11.0, 11.1, "200", BAD),
    Answer(12.0, 12.5, "500", BAD),
    Answer(13.0, 13.1, "timeout", ""),  # nobody's own, but the users' all the same
    Answer(14.0, 14.1, "500", BAD),
    Answer(15.0, 15.1, "200", BAD),
    Answer(16.0, 16.1, "200", GOOD),
)


def test_answers_are_read_in_the_order_of_their_sending_without_the_senders_figures() -> None:
    written = ["2.0\t2.5\t500\tgreen\tsha256:bad\tc0ffee\t", "1.0\t3.0\t200\tblue\tsha256:good\t", "# cpu=1 lag=0"]
    assert answers(written) == [Answer(1.0, 3.0, "200", GOOD), Answer(2.0, 2.5, "500", BAD)]


def test_a_request_that_nobody_answered_has_no_version() -> None:
    assert answers(["1.0\t1.1\tConnectionRefusedError\t\t\t\t", "2.0\t2.0\tunsent"]) == [
        Answer(1.0, 1.1, "ConnectionRefusedError", ""),
        Answer(2.0, 2.0, "unsent", ""),
    ]


def test_times_run_until_the_last_request_that_the_bad_version_got() -> None:
    found = outcome(RELEASE, BAD, began=9.5, samples=2)
    assert found.from_bad == pytest.approx(2.5)
    assert found.from_traffic == pytest.approx(3.9)
    assert (found.answered, found.samples) == (4, 2)


def test_every_failure_since_the_command_counts_whoever_failed() -> None:
    assert outcome(RELEASE, BAD, began=9.5, samples=0).failed == 3


def test_a_release_that_never_failed_is_no_measurement() -> None:
    with pytest.raises(ValueError, match=r"sha256:good: 2 answers, none of them bad"):
        outcome(RELEASE, GOOD, began=9.5, samples=0)


def test_samples_are_the_bad_versions_answers_in_the_time_that_was_looked_at() -> None:
    assert counted(RELEASE, BAD, since=12.0, until=14.1) == 2


def test_the_table_holds_medians() -> None:
    line = row("slipway", [ending(2.0, 10), ending(9.0, 90), ending(3.0, 11)])
    assert line == ("slipway", "3.0", "4.0", "11", "55", "30")
    assert len(line) == len(HEADINGS)


def test_the_last_line_is_ours_as_a_part_of_theirs() -> None:
    assert ratios([ending(8.0, 10)], [ending(100.0, 200)]) == "ratio time 0.08, ratio failed requests 0.05"


def test_who_goes_first_changes() -> None:
    assert [order(["a", "b", "c"], number) for number in range(3)] == [
        ["a", "b", "c"],
        ["c", "b", "a"],
        ["a", "b", "c"],
    ]


def test_both_tools_take_the_same_steps_and_allow_the_same_errors() -> None:
    entry = parse(
        CatalogueEntry, catalog.with_profiles(yaml.safe_load(yaml.safe_dump(release_slipway.entry()))), "bench"
    )
    strategy = entry.services[release_slipway.SERVICE].release
    assert isinstance(strategy, Canary)
    assert strategy.gate.errors
    for settings in (DOCUMENTED, FASTEST):
        analysis = manifests.canary("reader", settings)["spec"]["analysis"]
        theirs = list(range(analysis["stepWeight"], analysis["maxWeight"] + 1, analysis["stepWeight"]))
        assert [step.weight for step in strategy.steps] == [*theirs, 100]
        assert 100 - analysis["metrics"][0]["thresholdRange"]["min"] == strategy.gate.errors.margin
    assert strategy.gate.latency is None


def test_flagger_is_measured_as_its_tutorial_sets_it_up() -> None:
    analysis = manifests.canary("reader", DOCUMENTED)["spec"]["analysis"]
    assert (analysis["interval"], analysis["threshold"], analysis["metrics"][0]["interval"]) == ("10s", 10, "60s")


ORIGINAL: manifests.Json = {
    "spec": {
        "replicas": 1,
        "template": {
            "metadata": {"labels": {"slipway.dev/slot": "blue"}},
            "spec": {
                "serviceAccountName": "reader",
                "topologySpreadConstraints": [{}],
                "initContainers": [
                    {
                        "env": [
                            {"name": "URL", "value": "s3://models"},
                            {"name": "ID", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "id"}}},
                            {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "key"}}},
                        ]
                    }
                ],
                "containers": [{"image": "server@sha256:good", "lifecycle": {"preStop": {"sleep": {"seconds": 2}}}}],
                "volumes": [{"name": "model", "emptyDir": {}}, {"name": "s", "configMap": {"name": "settings"}}],
            },
        },
    }
}


def test_flaggers_pods_are_ours_under_a_label_that_it_knows() -> None:
    copied = manifests.deployment("reader", ORIGINAL)["spec"]
    assert copied["selector"]["matchLabels"] == copied["template"]["metadata"]["labels"] == {"app": "reader"}
    ours = dict(ORIGINAL["spec"]["template"]["spec"])
    del ours["topologySpreadConstraints"]
    waits = {"preStop": {"exec": {"command": ["sleep", "2"]}}}
    assert copied["template"]["spec"] == ours | {"containers": [ours["containers"][0] | {"lifecycle": waits}]}


def test_what_the_pods_name_is_copied_too_and_once() -> None:
    named = list(manifests.needed(ORIGINAL["spec"]["template"]["spec"]))
    assert named == [("serviceaccount", "reader"), ("configmap", "settings"), ("secret", "keys")]


def test_flaggers_ingress_differs_in_host_and_backend_alone() -> None:
    path = {"path": "/predict", "pathType": "Prefix", "backend": {"service": {"name": "reader-blue"}}}
    original = {"spec": {"ingressClassName": "nginx", "rules": [{"host": "ours", "http": {"paths": [path]}}]}}
    spec = manifests.ingress("reader", original)["spec"]
    assert spec["ingressClassName"] == "nginx"
    (rule,) = spec["rules"]
    assert rule["host"] == manifests.HOST
    backend = {"service": {"name": "reader", "port": {"number": 80}}}
    assert rule["http"]["paths"] == [path | {"backend": backend}]


def test_flagger_decided_at_its_last_failed_check() -> None:
    halt = "Halt reader.bench advancement success-rate 80.00 < 99"
    at = {"00.5": halt, "10.5": halt, "20.5": "Rolling back reader.bench failed checks threshold reached 2"}
    told = (f'{{"ts":"2026-01-01T00:00:{seconds}00Z","msg":"{said}"}}' for seconds, said in at.items())
    log = "\n".join(("not JSON", *told))
    assert flagger.decided_at(log) == pytest.approx(1767225610.5, abs=0.01)


def test_flagger_that_rolled_back_without_a_failed_check_is_no_measurement() -> None:
    with pytest.raises(RuntimeError, match="no failed check"):
        flagger.decided_at('{"ts":"2026-01-01T00:00:20.500Z","msg":"Rolling back: progress deadline exceeded"}')
