"""A role is not ready while its dependency is unreachable, logs the reason once, and recovers by itself."""

from pathlib import Path

import pytest

from serving.role import loading
from serving.role.payload import Context, Payload
from serving.tests.roles import AWAY_NOW, UNANSWERABLE, Watched, Word, mount, word_role
from serving.tests.support import serve, wait_until


@pytest.fixture(autouse=True)
def checking_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "CHECK_SECONDS", 0.02)
    monkeypatch.setattr(loading, "FIRST_PAUSE_SECONDS", 0.02)
    monkeypatch.setattr(loading, "LONGEST_PAUSE_SECONDS", 0.04)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    mount(tmp_path, "1", word_txt="first")
    return {"SLIPWAY_CONFIG": str(tmp_path)}


def test_readiness_follows_what_the_role_depends_on(
    environment: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    watched = Watched()
    with (
        caplog.at_level("INFO", "slipway.model"),
        serve(word_role(watched, check=watched.check), environment=environment) as running,
    ):
        running.wait_ready()
        watched.away = True
        wait_until(lambda: not running.service.lifecycle.ready, "the pod is not ready")
        health = running.client.get("/health")
        assert health.status_code == 503
        assert health.json()["reason"] == "the dictionary does not answer (planted)"
        assert health.json()["status"] == "unavailable"
        assert running.client.get("/v2/health/live").status_code == 200
        wait_until(lambda: running.metric("dependencies_reachable") == 0, "the metric says so")
        watched.away = False
        running.wait_ready()
    told = [record.getMessage() for record in caplog.records if "dictionary" in record.getMessage()]
    assert told == ["not ready: the dictionary does not answer (planted)"]


def test_the_server_waits_for_a_dependency_that_is_away_at_the_start(environment: dict[str, str]) -> None:
    watched = Watched(away=True)
    with serve(word_role(watched, check=watched.check), environment=environment) as running:
        wait_until(lambda: running.metric("model_load_failures_total") >= 2, "loading was tried again")
        assert running.client.get("/health").json()["reason"] == "the dictionary does not answer (planted)"
        watched.away = False
        running.wait_ready()


def test_a_model_is_closed_before_another_one_is_loaded_in_its_place(environment: dict[str, str]) -> None:
    watched = Watched(away=True)
    with serve(word_role(watched, check=watched.check), environment=environment) as running:
        wait_until(lambda: len(watched.made) >= 3, "loading was tried again")
        assert all(word.closed for word in watched.made[:2])
        watched.away = False
        running.wait_ready()
        assert [word.closed for word in watched.made] == [True] * (len(watched.made) - 1) + [False]


def test_a_model_that_fails_its_warm_up_is_closed_once_no_request_uses_it(tmp_path: Path) -> None:
    mount(tmp_path, "1", word_txt=UNANSWERABLE)
    watched = Watched()
    environment = {"SLIPWAY_CONFIG": str(tmp_path)}
    with serve(word_role(watched), environment=environment, requestTimeoutSeconds=0.2) as running:
        wait_until(lambda: bool(watched.made) and watched.made[0].closed, "the first model is closed")
        assert not running.service.lifecycle.ready


def test_a_check_that_breaks_is_no_readiness(environment: dict[str, str]) -> None:
    broken = False

    def check(_: Word) -> None:
        if broken:
            raise RuntimeError("planted")

    with serve(word_role(Watched(), check=check), environment=environment) as running:
        running.wait_ready()
        broken = True
        wait_until(lambda: "planted" in running.client.get("/health").text, "the pod says why")


def test_a_job_that_finds_it_away_is_answered_503_and_may_be_retried(environment: dict[str, str]) -> None:
    watched = Watched()
    role = word_role(watched)
    with serve(role, environment=environment) as running:
        running.wait_ready()
        watched.made[0].text = AWAY_NOW
        answer = running.client.post("/say")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({}, "CACHE_ADDRESS: is not set; declare the call"),
        ({"CACHE_ADDRESS": "cache"}, "CACHE_ADDRESS: 'cache' is not an address; use host:port"),
    ],
)
def test_an_address_that_was_not_declared_is_named(environment: dict[str, str], reason: str) -> None:
    def load(context: Context) -> str:
        return context.address("cache").host

    payload = Payload(load=load, routes=lambda _: [])
    with serve(payload, environment=environment) as running:
        wait_until(lambda: reason in running.client.get("/health").json().get("reason", ""), "the reason is told")
