"""The result cache has limits, may be shared, and never makes a request fail."""

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
import redis

from serving import pictures
from serving.clients.result_cache import PAUSE_SECONDS, CacheMetrics, MemoryCache, RedisCache, cache_metrics, key_of
from serving.payloads.parsing.answers import Answers
from serving.payloads.parsing.model import load_parser
from serving.payloads.parsing.training.people import Picture
from serving.pictures import MOST_PIXELS
from serving.telemetry.metrics import Telemetry
from serving.tests.support import in_lane
from serving.tests.test_pictures import encoded, stroke
from serving.work.lanes import LargeJob


def counted(telemetry: Telemetry, outcome: str) -> float:
    return telemetry.registry.get_sample_value("results_cache_requests_total", {"outcome": outcome}) or 0.0


@pytest.fixture
def metrics(telemetry: Telemetry) -> CacheMetrics:
    return cache_metrics(telemetry)


def test_the_key_depends_on_the_bytes_and_on_everything_that_the_answer_depends_on() -> None:
    keys = {
        key_of(b"picture", "v1", "float"),
        key_of(b"picture", "v1", "int8"),
        key_of(b"picture", "v2", "float"),
        key_of(b"other", "v1", "float"),
        key_of(b"picture", "v1floa", "t"),
        key_of(b"picture"),
    }
    assert len(keys) == 6
    assert key_of(b"picture", "v1") == key_of(b"picture", "v1")


def test_a_stored_answer_is_found_and_counted(metrics: CacheMetrics, telemetry: Telemetry) -> None:
    cache = MemoryCache(metrics)
    assert cache.get("a") is None
    cache.put("a", b"answer")
    assert cache.get("a") == b"answer"
    assert (counted(telemetry, "miss"), counted(telemetry, "hit")) == (1, 1)
    assert cache_metrics(telemetry) is metrics


def test_the_least_recently_used_answers_go_when_the_bytes_are_used_up(
    metrics: CacheMetrics, telemetry: Telemetry
) -> None:
    cache = MemoryCache(metrics, most_bytes=300)
    for key in "abc":
        cache.put(key, b"x" * 98)
    cache.put("a", b"y" * 98)  # again: its old bytes are given back
    assert cache.get("b") is not None
    cache.put("d", b"x" * 98)
    assert [key for key in "abcd" if cache.get(key) is not None] == ["a", "b", "d"]
    assert telemetry.registry.get_sample_value("results_cache_bytes") == 3 * 99
    cache.put("large", b"x" * 300)
    assert cache.get("large") is None
    assert cache.get("a") == b"y" * 98


class Broken:
    """A Redis that fails when it is told to, and counts how often it is asked."""

    def __init__(self) -> None:
        self.away = True
        self.asked = 0
        self.kept: dict[str, bytes] = {}

    def get(self, key: str) -> bytes | None:
        self._ask()
        return self.kept.get(key)

    def set(self, key: str, value: bytes, *, ex: int) -> None:
        assert ex > 0
        self._ask()
        self.kept[key] = value

    def _ask(self) -> None:
        self.asked += 1
        if self.away:
            raise redis.ConnectionError("nobody there")


def test_a_redis_that_is_away_holds_nothing_up_and_is_asked_again_after_a_pause(
    metrics: CacheMetrics, telemetry: Telemetry
) -> None:
    now = 0.0
    store = Broken()
    cache = RedisCache(cast("redis.Redis", cast("Any", store)), metrics, clock=lambda: now)
    assert cache.get("a") is None
    cache.put("a", b"answer")
    assert cache.get("a") is None
    assert store.asked == 1
    assert counted(telemetry, "error") == 2
    store.away = False
    now = PAUSE_SECONDS
    assert cache.get("a") is None
    cache.put("a", b"answer")
    assert cache.get("a") == b"answer"
    assert (counted(telemetry, "miss"), counted(telemetry, "hit")) == (1, 1)


def test_a_shared_cache_never_answers_for_another_variant(
    answers: Answers, parser_folder: Path, people: list[Picture]
) -> None:
    sent = people[0].encoded()
    other = replace(answers, parser=load_parser(parser_folder, 1, "int8"))
    asked = [who.of([sent], MOST_PIXELS)[0] for who in (answers, other, answers, other)]
    assert [isinstance(answer, dict) and answer["cached"] for answer in asked] == [False, False, True, True]


def test_a_request_changes_its_lane_before_it_answers_the_first_of_its_pictures(
    answers: Answers, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "SMALL_PIXELS", 32 * 32)
    given = [encoded(stroke(32)), encoded(stroke(33))]
    with pytest.raises(LargeJob):
        in_lane(lambda: answers.of(given, MOST_PIXELS), large=False)
    assert counted(telemetry, "miss") == 0
    found = in_lane(lambda: answers.of(given, MOST_PIXELS), large=True)
    assert [cast("dict[str, Any]", one)["cached"] for one in found] == [False, False]
