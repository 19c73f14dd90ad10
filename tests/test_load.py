"""What measures releases is right itself: the load's process against a small server, and sums over its answers."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.cluster import faulty, misbehaving, seen
from tests.cluster.seen import Answer, Load
from tests.cluster.traffic import Ingress
from tests.recording import PROJECT

pytestmark = pytest.mark.slow

BAD = "sha256:bad"


class Slots(BaseHTTPRequestHandler):
    """Gives every fifth request a 500 by green, ends a connection now and then, and has a cookie for everybody."""

    protocol_version = "HTTP/1.1"
    asked = 0
    without_cookie = 0

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        Slots.asked += 1
        Slots.without_cookie += "Cookie" not in self.headers
        green = Slots.asked % 5 == 0
        self.send_response(500 if green else 200)
        self.send_header("X-Slipway-Slot", "green" if green else "blue")
        self.send_header("X-Slipway-Version", BAD if green else "sha256:good")
        self.send_header("Set-Cookie", "who=somebody; Path=/")
        self.send_header("Content-Length", "2")
        if Slots.asked % 7 == 0:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class's name
        """Keep quiet."""


@pytest.fixture
def served() -> Iterator[Ingress]:
    Slots.asked = Slots.without_cookie = 0
    server = ThreadingHTTPServer(("127.0.0.1", 0), Slots)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield Ingress(f"http://127.0.0.1:{server.server_port}/predict", "reader.test")
    server.shutdown()
    thread.join()
    server.server_close()


def test_every_request_is_sent_once_and_written_down_once(served: Ingress, tmp_path: Path) -> None:
    with seen.running(served, b"picture", tmp_path) as load:
        time.sleep(1.5)
    assert len(load.answers) == Slots.asked
    assert 200 <= Slots.asked <= 500
    assert seen.tally(load.answers) == {"blue 200": Slots.asked - Slots.asked // 5, "green 500": Slots.asked // 5}
    assert all(0 <= answer.seconds < 5 for answer in load.answers)
    assert load.figures["cpu"] > 0


def test_a_paused_load_sends_nothing_and_then_goes_on_as_fast_as_before(served: Ingress, tmp_path: Path) -> None:
    with seen.running(served, b"picture", tmp_path) as load:
        with load.paused():
            time.sleep(0.3)
            before = Slots.asked
            time.sleep(0.5)
            assert Slots.asked == before
        time.sleep(0.5)
    assert before < Slots.asked < before + 300, "what was not sent is not sent later"


def test_clients_keep_their_cookies(served: Ingress, tmp_path: Path) -> None:
    with seen.running(served, b"picture", tmp_path, per_second=50, clients=20) as load:
        time.sleep(1)
    assert Slots.without_cookie == 20, "only the first request of each has none"
    assert {answer.client for answer in load.answers} == {f"client-{number}" for number in range(20)}


def test_a_dead_proxy_is_a_failure_for_each_request(tmp_path: Path) -> None:
    with seen.running(Ingress("http://127.0.0.1:9/predict", "reader.test"), b"picture", tmp_path) as load:
        time.sleep(0.2)
    assert seen.machinery(load.answers) == {"- ConnectionRefusedError": len(load.answers)}


def answers(*slots: str, status: str = "200", every: float = 0.005) -> list[Answer]:
    return [Answer(i * every, i * every + 0.002, status, slot, "", "", "") for i, slot in enumerate(slots)]


def test_a_bad_versions_own_500_is_not_the_machinerys() -> None:
    own = Answer(0, 1, "500", "green", BAD, "", "")
    others = [own._replace(status=status) for status in ("502", "503", "504", "404", "timeout")]
    others.append(own._replace(version="sha256:good"))
    assert not seen.machinery([own], {BAD})
    assert seen.machinery([own])
    assert seen.machinery(others, {BAD}).total() == len(others)


def test_a_split_is_seen_at_the_end_of_the_first_window_that_has_it() -> None:
    half = ["blue", "green"] * 50
    mixed = answers(*["blue"] * 200, *half, *half)
    found = seen.settled(mixed, "green", 50)
    assert found is not None
    assert mixed[270].done < found <= mixed[300].done
    assert seen.settled(answers(*half), "green", 20) is None


def test_no_traffic_means_none_at_all() -> None:
    almost = answers(*["green"] * 50, *["blue"] * 60, "green", *["blue"] * 100)
    found = seen.settled(almost, "green", 0)
    assert found == almost[210].done


def test_exposure_is_counted_from_the_first_bad_answer_to_the_last_request() -> None:
    own = [
        Answer(0, 0.1, "200", "green", BAD, "", ""),
        Answer(1, 1.1, "500", "green", BAD, "", ""),
        Answer(2, 2.4, "200", "green", BAD, "", ""),
        Answer(4, 4.1, "200", "green", BAD, "", ""),
    ]
    other = Answer(9, 9.1, "200", "blue", "sha256:good", "", "")
    found = seen.exposure([*own, other], BAD, slow_seconds=0.3)
    assert (found.requests, found.errors, found.slow) == (4, 1, 1)
    assert found.seconds == pytest.approx(2.9)
    assert seen.exposure([other], BAD).seconds == 0


def test_a_flip_is_a_client_that_changes_its_slot() -> None:
    one = [Answer(i, i, "200", slot, "", "", "one") for i, slot in enumerate(("blue", "blue", "green", "blue"))]
    two = [Answer(i, i, "200", "green", "", "", "two") for i in range(3)]
    assert seen.flips([*one, *two]) == {"one": 2}


def test_shares_are_those_of_their_window() -> None:
    found = list(seen.shares(answers("blue", "blue", "green", "green", every=0.5), "green"))
    assert found == [(0, 0), (1, 100)]


def test_a_file_is_read_on_from_where_the_last_look_ended(tmp_path: Path) -> None:
    load = Load(tmp_path / "load.tsv")
    assert load.read() == []
    load.file.write_text("1.0\t1.1\t200\tblue\tv\tc\tone\n2.0\t2.1\t20")
    assert [answer.sent for answer in load.read()] == [1.0]
    with load.file.open("a") as file:
        file.write("0\tgreen\tv\tc\t\n# cpu=0.5 lag=0.1\n")
    assert [answer.slot for answer in load.read()] == ["blue", "green"]
    assert load.figures == {"cpu": 0.5, "lag": 0.1}


PROGRAM = """
import asyncio, json, sys
from serving.role.lifecycle import Lifecycle
from serving.role.service import Service
from tests.cluster.misbehaving import misbehave

class Stub:
    lifecycle = Lifecycle()

async def computed(self, read, job):
    return job(None, None)

Service.compute = computed
misbehave(json.loads(sys.argv[1]))

async def tried(number):
    try:
        return await Service.compute(Stub(), None, lambda model, body: number)
    except RuntimeError:
        return "fails"

async def main():
    warming_up = await tried(0)
    Stub.lifecycle.warmed()
    return [warming_up, *[await tried(number) for number in range(1, 6)], Stub.lifecycle.ready]

print(json.dumps(asyncio.run(main())))
"""
"""A server whose predictions give their number."""


def told(fault: faulty.Fault) -> subprocess.CompletedProcess[str]:
    """Let a process misbehave; a real one exits with what `misbehave` exits."""
    command = [sys.executable, "-c", PROGRAM, faulty.described(fault)]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (faulty.good(1), "[0, 1, 2, 3, 4, 5, true]"),
        (faulty.FIFTH_FAILS, '[0, 1, 2, 3, 4, "fails", true]'),
        (faulty.NEVER_READY, "[0, 1, 2, 3, 4, 5, false]"),
        (faulty.Fault(every=1, first=2), '[0, "fails", "fails", 3, 4, 5, true]'),
    ],
)
def test_a_fault_does_what_its_name_says_and_spares_the_warm_up(fault: faulty.Fault, said: str) -> None:
    done = told(fault)
    assert done.stdout.strip() == said, done.stderr


def test_a_crashing_server_ends_before_it_serves() -> None:
    assert told(faulty.CRASHES).returncode == misbehaving.EXIT_CODE


def test_layers_of_different_faults_differ_and_those_of_one_do_not() -> None:
    faults = [faulty.good(1), faulty.good(2), faulty.FIFTH_FAILS, faulty.TWO_PERCENT, faulty.SLOW, faulty.NEVER_READY]
    assert len({faulty.layer(fault) for fault in faults}) == len(faults)
    assert faulty.layer(faulty.SLOW) == faulty.layer(faulty.SLOW)
