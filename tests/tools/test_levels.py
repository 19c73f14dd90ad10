"""What CI's cluster tests cover: each main job has its test in `make e2e-core`, and none can be dropped unnoticed."""

import subprocess
import sys

import pytest

from tests.recording import PROJECT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

CORE = {
    "pictures sent to the dev stack are answered": {
        "test_serving.py::test_held_out_digits_are_recognised_through_the_ingress",
        "test_serving.py::test_one_digest_in_registry_outputs_pods_and_answers",
    },
    "a second up changes nothing": {
        "test_update.py::test_nothing_changed_is_nothing_to_do",
        "test_life.py::test_a_second_make_up_changes_nothing",
    },
    "a canary gets its share": {
        "test_canary.py::test_the_weight_is_what_is_counted",
        "test_canary.py::test_the_live_slot_was_not_touched",
    },
    "a good release, ingress annotations": {
        "releases/test_good.py::test_the_first_deploy_loses_no_request_after_its_first_answer",
        "releases/test_good.py::test_a_good_release_loses_no_request[canary]",
    },
    "a bad release, ingress annotations": {
        "releases/test_bad.py::test_a_version_that_answers_badly_is_gone_before_many_have_met_it[20 % errors, canary]",
    },
    "a good release, gateway": {"test_releases_gateway.py::test_a_good_canary_loses_no_request"},
    "a bad release, gateway": {"test_releases_gateway.py::test_a_bad_canary_is_gone_before_many_have_met_it"},
    "a kill": {"releases/test_kills.py::test_a_kill_loses_nothing[driver at look step 20 %, then abort]"},
    "a promotion": {"test_promotion.py::test_what_dev_built_goes_to_staging_by_its_digest_alone"},
    "a job of parsing": {
        "test_parsing.py::test_a_job_is_submitted_told_of_and_its_results_are_those_of_its_pictures",
    },
    "a job of faces": {
        "test_faces.py::test_nine_of_ten_are_recognised_on_other_pictures_and_strangers_are_rejected",
    },
    "a changed tree and a changed entry": {
        "releases/test_changed_tree.py::test_a_tree_whose_every_answer_is_a_500_goes_back[canary]",
        "releases/test_changed_tree.py::test_an_edit_changes_nothing_that_runs_until_it_is_released[canary]",
    },
    "a job of classifier": {"test_serving.py::test_held_out_digits_are_recognised_through_the_ingress"},
    "a job of nlu": {
        "test_nlu.py::test_seven_tasks_by_schema_reach_their_floors_on_sentences_that_no_model_saw",
    },
    "a job of gpu": {"test_gpu.py::test_with_a_gpu_it_serves_beside_the_classifier"},
    "the cluster goes and leaves nothing": {"test_life.py::test_down_leaves_nothing"},
}
"""Main job to tests below tests/cluster."""


def collected(expression: str) -> list[str]:
    command = [sys.executable, "-m", "pytest", "tests/cluster", "--collect-only", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run([*command, "-m", expression], cwd=PROJECT, capture_output=True, text=True, check=False)
    return [line.removeprefix("tests/cluster/") for line in done.stdout.splitlines() if "::" in line]


@pytest.fixture(scope="module")
def core() -> list[str]:
    return collected("core")


@pytest.mark.parametrize("job", CORE)
def test_every_main_job_is_in_core(core: list[str], job: str) -> None:
    assert CORE[job] <= set(core)


def test_every_core_test_is_there_for_a_main_job(core: list[str]) -> None:
    assert set(core) == set().union(*CORE.values())


def test_the_cluster_goes_last(core: list[str]) -> None:
    assert core[-1] in CORE["the cluster goes and leaves nothing"]


def test_what_ci_runs_is_part_of_make_e2e() -> None:
    assert not collected("core and long")
