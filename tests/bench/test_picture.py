"""The picture of a dashboard: what Prometheus is asked, what is drawn of it, and what a person reads without one."""

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs
from xml.etree import ElementTree as ET

import pytest

from bench import picture
from bench.plot import Graph, Line, Span, shown_in
from bench.plot import picture as drawn
from tests.each import each
from tests.samples import Config

SLOT = "slipway_dev_slot"
SPAN = Span(start=1_000_000.0, end=1_000_600.0, step=10.0)


class Canned(ThreadingHTTPServer):
    """A Prometheus that gives every query the same kind of answer, and remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.status = 200
        self.values: list[tuple[float, str]] = [(1_000_000.0 + 10 * n, str(n % 7)) for n in range(61)]
        self.refused = json.dumps({"status": "error", "error": "query timed out"})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def answer(self, path: str, form: dict[str, str]) -> str:
        self.asked.append((path, form))
        if self.status != 200:
            return self.refused
        labels = {SLOT: "blue", "status": "200", "pod": "a<b", "version": "1", "config": "2"}
        found: list[Config] = []
        if self.values:
            own = {"value": self.values[-1]} if path.endswith("/query") else {"values": self.values}
            found = [{"metric": {**labels, SLOT: slot}, **own} for slot in ("blue", "green")]
        return json.dumps({"status": "success", "data": {"result": found}})


class Answer(BaseHTTPRequestHandler):
    """One request."""

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
        server = cast("Canned", self.server)
        content = server.answer(self.path, {name: value for name, (value,) in form.items()}).encode()
        self.send_response(server.status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the library's name
        pass


@pytest.fixture
def prometheus() -> Iterator[Canned]:
    server = Canned()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def run(prometheus: Canned, out: Path, *more: str) -> int:
    return picture.main(
        ["dev", "--url", prometheus.url, "--until", "1000600", "--minutes", "10", "--out", str(out), *more]
    )


def test_the_panels_own_queries_are_asked_and_drawn(
    prometheus: Canned, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "dashboard.svg"
    assert run(prometheus, out) == 0
    assert capsys.readouterr().out == f"{out}: {len(out.read_text())} bytes\n"
    queries = [form["query"] for _, form in prometheus.asked]
    assert len(queries) > 15
    assert all("$" not in query for query in queries)
    assert any(f'{SLOT}=~"blue|green"' in query and "[30s]" in query for query in queries)
    ranges = [form for path, form in prometheus.asked if path == "/api/v1/query_range"]
    assert {(form["start"], form["end"], form["step"]) for form in ranges} == {("1000000.0", "1000600.0", "5")}
    assert {form["time"] for path, form in prometheus.asked if path == "/api/v1/query"} == {"1000600.0"}
    text = " ".join(ET.parse(out).getroot().itertext())  # noqa: S314 -- our own
    for title in (
        "classifier in classifier-dev", "Requests", "Remaining error budget", "Running versions", "blue p95", "a<b",
    ):  # fmt: skip
        assert title in text
    assert "no data" not in text


def test_the_same_answers_make_the_same_picture(prometheus: Canned, tmp_path: Path) -> None:
    for name in ("a", "b"):
        run(prometheus, tmp_path / name)
    assert (tmp_path / "a").read_text() == (tmp_path / "b").read_text()


def test_another_service_has_its_own_row(prometheus: Canned, tmp_path: Path) -> None:
    faces = ["faces-dev", "--url", prometheus.url, "--out", str(tmp_path / "x"), "--service", "compare"]
    assert picture.main(faces) == 0
    assert all(
        'service=~"compare-blue|compare-green"' in f["query"] or "vector(" in f["query"] for _, f in prometheus.asked
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "nowhere: no such stack"),
        (["dev", "--service", "wep"], "wep: the dashboard of dev does not have this service; it has classifier"),
        (["dev", "--url", "http://127.0.0.1:1"], "no Prometheus answers there"),
        (["dev", "--url", "prometheus"], "no Prometheus answers there"),
        (["prod"], "prod: slipway:cluster.metricsUrl is not set; set it to the URL of a Prometheus, or set --url"),
    ],
)
def test_what_cannot_be_drawn_is_said_in_one_line(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "x"
    assert picture.main([*arguments, "--out", str(out)]) == 1
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert said in line
    assert not out.exists()


@pytest.mark.parametrize(
    ("status", "refused", "said"),
    [
        (422, json.dumps({"status": "error", "error": "query timed out"}), "query timed out: sum by"),
        (502, "<html>", "no Prometheus answers there"),
    ],
)
@pytest.mark.usefixtures("capsys")
def test_a_refusal_of_prometheus_is_passed_on(prometheus: Canned, status: int, refused: str, said: str) -> None:
    prometheus.status, prometheus.refused = status, refused
    with pytest.raises(picture.PictureFailed, match=re.escape(said)):
        picture.draw("dev", prometheus.url, None, SPAN, "30s")


def test_a_prometheus_that_knows_nothing_of_the_service_is_no_picture(
    prometheus: Canned, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prometheus.values = []
    assert run(prometheus, tmp_path / "x") == 1
    assert (
        "has no series of classifier in classifier-dev in this time; deploy it, or set --until"
        in capsys.readouterr().err
    )


def test_what_is_no_number_is_no_point(prometheus: Canned, tmp_path: Path) -> None:
    prometheus.values = [(1_000_000.0, "1"), (1_000_010.0, "NaN"), (1_000_020.0, "+Inf")]
    assert run(prometheus, tmp_path / "x") == 0
    assert not re.search("nan|inf", (tmp_path / "x").read_text().replace("Inference", ""), flags=re.IGNORECASE)


def curves(*points: tuple[float, float], **more: Any) -> list[str]:
    line = Line(name="a", slot="blue", points=points, **more)
    text = drawn("t", "s", [Graph(title="g", unit="short", lines=(line,))], SPAN)
    return re.findall(r'<path d="([^"]+)" fill="none"', text)


def test_a_line_is_broken_where_there_was_no_value() -> None:
    assert len(curves((1_000_000, 1), (1_000_010, 2), (1_000_020, 3))) == 1
    assert len(curves((1_000_000, 1), (1_000_010, 2), (1_000_040, 3))) == 2


def test_the_axis_begins_at_zero_and_ends_at_a_round_number_above_the_values() -> None:
    (path,) = curves((1_000_590, 0), (1_000_600, 4))
    assert path == "M305.8 152.0 L310.0 57.6", "0 at the bottom; 4 of 5 on the way to the top"


def test_a_limit_is_dashed_and_a_slot_has_its_colour() -> None:
    lines = (
        Line(name="a", slot="blue", points=((1_000_000, 1),)),
        Line(name="b", slot="green", points=((1_000_000, 1),)),
        Line(name="c", slot="", points=((1_000_000, 1),), constant=True),
    )
    text = drawn("t", "s", [Graph(title="g", unit="short", lines=lines)], SPAN)
    found = re.findall(r'fill="none" stroke="([^"]+)"[^/]*?(stroke-dasharray)?[^/]*/>', text)
    assert [colour for colour, _ in found] == ["#1d4ed8", "#15803d", "#94a3b8"]
    assert text.count("stroke-dasharray") == 1


def test_an_axis_of_memory_has_round_numbers_of_what_it_is_written_in() -> None:
    lines = (Line(name="a", slot="blue", points=((1_000_000, 300 * 2**20),)),)
    text = drawn("t", "s", [Graph(title="g", unit="bytes", lines=lines)], SPAN)
    assert re.findall(r">(\d+) MiB<", text) == ["0", "125", "250", "375", "500"]


def test_more_lines_than_the_legend_holds_are_counted() -> None:
    lines = tuple(Line(name=f"classifier-blue-7d9f8b6c5-x2x9{n}", slot="", points=((1_000_000, 1),)) for n in range(9))
    text = drawn("t", "s", [Graph(title="g", unit="short", lines=lines)], SPAN)
    assert "and 4 more" in text
    assert ">classifie…b6c5-x2x94</text>" in text, "pods differ at the end of their names"


@each(
    ("unit", "value", "text"),
    [
        ("percentunit", 0.9995, "99.95 %"), ("percentunit", 0.123, "12.3 %"), ("reqps", 12.34, "12.3/s"),
        ("reqps", 1234.0, "1234/s"), ("s", 0.0051, "5.1 ms"), ("s", 2.0, "2 s"), ("bytes", 3 * 2**20, "3 MiB"),
        ("short", 4.0, "4"),
    ],
)  # fmt: skip
def test_values_are_written_in_their_unit(unit: str, value: float, text: str) -> None:
    assert shown_in(unit)(value) == text
