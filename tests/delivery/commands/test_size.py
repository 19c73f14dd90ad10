"""`slipway size`: table, what-if, simulation, picture and exit codes, without a cluster."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.delivery.desk import Desk
from tests.samples import Config

LOAD: Config = {"rate": 50, "service": {"mean": "100ms", "cv": 0.5}}
SLO: Config = {"slo": {"latency": {"percent": 99, "within": "500ms"}}}
RANGE: Config = {"minReplicas": 2, "maxReplicas": 10, "metrics": {"cpu": {"utilization": 70}}}


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    found = Desk(tmp_path, monkeypatch)
    found.catalogue(load=LOAD, monitoring=SLO, scaling=RANGE)
    return found


def sized(desk: Desk, *options: str, code: int = 0) -> Config:
    done = desk.slipway("size", "prod", "web", *options, "--json")
    assert done.code == code, done
    return done.json["services"]["web"]


def test_the_table_the_previews_line_and_the_plot_are_shown(desk: Desk) -> None:
    done = desk.slipway("size", "prod")
    assert done.code == 0
    assert "enough: entry scales 2..10" in done.out
    assert "web: 50 req/s at 100 ms → 7 pods at 71 % busy; mean 133 ms, p95 284 ms" in " ".join(done.out.split())
    bars = [line for line in done.out.splitlines() if "█" in line]
    assert [line.split()[0] for line in bars] == ["6", "7", "8", "9", "10", "11", "12"]
    assert [line.split()[0] for line in bars if "◂" in line] == ["7"]
    assert all("│" in line for line in bars)


def test_the_document_has_every_figure(desk: Desk) -> None:
    found = sized(desk)
    assert (found["pods"], found["busy"], found["busyWithoutOne"]) == (7, 0.7143, 0.8333)
    assert found["hpa"] == {"busy": 0.7273, "requestsPerPod": 7.2727, "minReplicas": 7, "maxReplicas": 7}
    assert found["erlang"]["meanMs"] == pytest.approx(116.2, abs=0.1)
    assert found["objective"]["percent"] == 99
    assert found["objective"]["expectedPercent"] > 99
    assert (found["entry"], found["lacks"]) == ({"minReplicas": 2, "maxReplicas": 10}, [])


@pytest.mark.parametrize(
    ("options", "pods"),
    [
        (("--rate", "70"), 9),
        (("--service-time", "50ms"), 4),
        (("--cv", "0.9"), 12),
        (("--utilization", "50"), 10),
        (("--within", "300ms"), 9),
        (("--percent", "99.9"), 8),
        (("--within", "400ms", "--percent", "99.5"), 8),
    ],
)
def test_options_ask_what_if(desk: Desk, options: tuple[str, ...], pods: int) -> None:
    desk.catalogue(load=LOAD, monitoring=SLO, scaling={"replicas": 12})
    assert sized(desk, *options)["pods"] == pods


def test_growth_and_cold_start_move_range_and_target(desk: Desk) -> None:
    desk.catalogue(load=LOAD, monitoring=SLO, scaling={"replicas": 12})
    grows = ("--rate", "20", "--peak", "60", "--ramp", "5m")
    slow, fast = (sized(desk, *grows, "--cold-start", seconds)["hpa"] for seconds in ("100s", "10s"))
    assert slow["minReplicas"] > fast["minReplicas"]
    assert slow["busy"] < fast["busy"]
    assert slow["maxReplicas"] == fast["maxReplicas"] == 8


def test_an_entry_with_too_few_is_an_error_for_ci(desk: Desk) -> None:
    done = desk.slipway("size", "prod", "web", "--rate", "150")
    assert done.code == 1
    assert done.line == ("slipway: prod web: maxReplicas 10 is below the 19 pods that 150 req/s need; raise it")
    assert "too few" in done.out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--within", "150ms"), "prod web: load.service: with a mean of 100ms and cv 0.5,"),
        (("--service-time", "100"), "prod web: load.service.mean: '100': a latency is whole milliseconds"),
        (("--peak", "40"), "prod web: load: peak 40 is below rate 50"),
        (("--rate", "-1"), "prod web: load.rate: -1.0: must be greater than 0"),
        (("--rate", "900000"), "prod web: 900000 req/s need more than 5000 pods"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(desk: Desk, options: tuple[str, ...], said: str) -> None:
    assert said in desk.refused("size", "prod", "web", *options)


def test_a_percentage_needs_a_time(desk: Desk) -> None:
    desk.catalogue(load=LOAD, monitoring={"slo": {"availability": 99}}, scaling=RANGE)
    line = desk.refused("size", "prod", "web", "--percent", "95")
    assert line == "slipway: prod web: declares no latency objective; --percent requires --within"
    assert sized(desk, "--within", "500ms")["objective"]["percent"] == 99


def test_a_stack_without_a_load_says_so(desk: Desk) -> None:
    desk.catalogue()
    assert "prod: no service declares a load" in desk.slipway("size", "prod").out


def test_a_service_without_a_load_is_sized_by_the_options_alone(desk: Desk) -> None:
    desk.catalogue(scaling=RANGE)
    assert sized(desk, "--rate", "50", "--service-time", "100ms")["pods"] == 7


@pytest.mark.slow
def test_a_simulation_is_shown_with_its_progress_apart(desk: Desk) -> None:
    done = desk.slipway("size", "prod", "web", "--simulate", "2")
    assert done.code == 0
    assert "simulated: met in 2 of 2 seeds; mean 13" in done.out
    assert sized(desk, "--simulate", "2")["simulation"]["held"] == 2


@pytest.mark.slow
def test_a_simulation_that_misses_the_objective_is_an_error(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def missed(*_: object) -> bool:
        return False

    monkeypatch.setattr("sizing.simulation.Outcome.meets", missed)
    done = desk.slipway("size", "prod", "web", "--simulate", "2")
    assert done.code == 1
    assert done.line == "slipway: prod web: the simulation met the objective in 0 of 2 seeds"


def test_the_picture_is_well_formed_and_has_a_point_for_each_number_of_pods(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "web.svg"
    assert desk.slipway("size", "prod", "web", "--plot", str(file)).code == 0
    root = ET.fromstring(file.read_text())  # noqa: S314 -- our own
    space = "{http://www.w3.org/2000/svg}"
    texts = [text.text for text in root.iter(f"{space}text")]
    assert "web: p99 of the time in system by pods" in texts
    assert "objective 500 ms" in texts
    assert len(list(root.iter(f"{space}circle"))) == 7 + 1  # seven numbers of pods, and the ring around the planned one
