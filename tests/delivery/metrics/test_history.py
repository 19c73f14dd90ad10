"""Long releases keep what a window's edge needs, and not each read of hours."""

import re
from pathlib import Path

import pytest

from components.manifests.selectors import Matcher, Selector
from delivery.metrics import exposition, kept
from delivery.metrics.history import History
from delivery.metrics.kept import Kept
from tests.each import each

HOURS = 20_000


def everything(_: object) -> bool:
    return True


def test_hours_are_thinned_but_not_beside_the_edges_that_were_asked_for() -> None:
    history, since = History(), 100.5
    for second in range(HOURS):
        value = [({"__name__": "a_total"}, 3.0 * second)]
        history.add("pod", float(second), value, created=0.0, started=0.0)
        if second == 101:
            list(history.series(since, 101.0, everything))
    (series,) = history.series(since, float(HOURS), everything)
    assert series.before == 300.0, "the value of the read just before"
    assert series.risen == 3.0 * (HOURS - 1) - 300.0
    assert len(series.samples) < 1500
    assert series.risen_after(HOURS - 11.0) == 30.0, "the newest reads are all there"


def test_a_counter_that_began_late_survives_thinning() -> None:
    history = History(edges={3999.0})
    for second in range(5000):
        found = [({"__name__": "a_total"}, 1.0), *([({"__name__": "late_total"}, 2.0)] if second > 4000 else [])]
        history.add("pod", float(second), found, created=0.0, started=0.0)
    rose = {one.labels["__name__"]: one.risen for one in history.series(3999.0, 5000.0, everything)}
    assert rose == {"a_total": 0.0, "late_total": 2.0}


def test_a_full_disk_ends_no_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = Kept(tmp_path / "prod.web.reads", "run")
    file.load(History())

    def full(_: object, **__: object) -> str:
        raise OSError("No space left on device")

    monkeypatch.setattr(kept.json, "dumps", full)
    file._write({"p": "pod"})  # pyright: ignore[reportPrivateUsage]
    monkeypatch.undo()
    file.add("pod", 1.0, [({"__name__": "a"}, 1.0)], created=0.0, started=0.0)
    file.close()
    assert (tmp_path / "prod.web.reads").read_text() == '{"run":"run"}\n'


TEXT = """# HELP a_total Answers.
# TYPE a_total counter
a_total{path="/a b",code="200"} 3 1395066363000
a_total{path="C:\\\\DIR",code="500"} 4.5e1 # {trace_id="x"} 1.0
a_totals 9
a_bucket{le="+Inf"} 7
a_bucket{le="0.1"} NaN
# EOF
"""


def test_only_the_wanted_lines_of_a_text_are_read() -> None:
    found = list(exposition.samples(TEXT, ["a_total", "a_bucket"]))
    assert found == [
        ({"path": "/a b", "code": "200", "__name__": "a_total"}, 3.0),
        ({"path": "C:\\DIR", "code": "500", "__name__": "a_total"}, 45.0),
        ({"le": "+Inf", "__name__": "a_bucket"}, 7.0),
    ]
    about = list(exposition.samples(TEXT, ["a_total", "a_totals"], re.compile('code="200"')))
    assert [(labels.get("code"), value) for labels, value in about] == [("200", 3.0), (None, 9.0)]
    assert exposition.names(TEXT) == {"a_total", "a_totals", "a_bucket"}
    assert list(exposition.samples(TEXT, ["none"])) == []


@each("text", ["a_total{", 'a_total{b="c" 1', "a_total one"])
def test_a_line_that_is_no_sample_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        list(exposition.samples(f"{text}\n", ["a_total"]))


LABELS = {"__name__": "a_total", "service": "web-blue", "code": "500"}


@each(
    ("matcher", "text", "matches"),
    [
        (Matcher("code", "500"), 'code="500"', True),
        (Matcher("code", "50"), 'code="50"', False),
        (Matcher("code", "5..", "=~"), 'code=~"5.."', True),
        (Matcher("code", "5.", "=~"), 'code=~"5."', False),
        (Matcher("code", "5..", "!~"), 'code!~"5.."', False),
        (Matcher("code", "4..", "!~"), 'code!~"4.."', True),
        (Matcher("canary", "-?", "=~"), 'canary=~"-?"', True),
        (Matcher("canary", ""), 'canary=""', True),
        (Matcher("le", r"0\.3|\+Inf", "=~"), r'le=~"0\\.3|\\+Inf"', False),
    ],
)
def test_a_matcher_prints_promql_and_matches_as_promql_does(matcher: Matcher, text: str, matches: bool) -> None:
    assert (str(matcher), matcher.matches(LABELS)) == (text, matches)


def test_a_selector_is_of_one_metric_or_of_every_one() -> None:
    service = Matcher("service", "web-blue")
    one, every = Selector((service,), "a_total"), Selector((service,))
    assert (str(one), str(every)) == ('a_total{service="web-blue"}', '{service="web-blue"}')
    assert one.selects(LABELS)
    assert every.selects(LABELS)
    assert not Selector((service,), "b_total").selects(LABELS)
