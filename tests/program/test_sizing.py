"""The real ``__main__.py`` at preview: one line for each service that declares a load."""

from functools import partial
from pathlib import Path

import pulumi
import pytest
import yaml

import catalog
from tests.recording import Recorded, run_main
from tests.samples import Config, put, runnable

LOAD: Config = {"rate": 50, "service": {"mean": "100ms", "cv": 0.5}}
SIZED = (
    "classifier: 50 req/s at 100 ms → 7 pods at 71 % busy; mean 133 ms, p95 284 ms "
    "(SLO 99 % < 500 ms: held, 99.76 %; M/M/7: mean 116 ms, p95 327 ms); "
    "HPA at 73 % busy = 7.27 req/s per pod, 7..7; entry scales 3..10"
)


class Told:
    """What the program said, by level."""

    def __init__(self, patch: pytest.MonkeyPatch, folder: Path) -> None:
        self.info: list[str] = []
        self.warnings: list[str] = []
        patch.setattr(pulumi.log, "info", self.info.append)
        patch.setattr(pulumi.log, "warn", self.warnings.append)
        patch.setattr(catalog, "read", partial(catalog.read, folder=folder))
        self._patch, self._folder = patch, folder

    def preview(self, *, dry: bool = True, **service: object) -> Recorded:
        """Run the classifier's prod stack with blocks of its service changed, and without its LoadBalancer."""
        self._patch.setattr(pulumi.runtime, "is_dry_run", lambda: dry)
        entry = yaml.safe_load((Path(__file__).parents[2] / "catalog" / "classifier.yaml").read_text())
        blocks: dict[str, object] = {"exposure": {}, **service}
        for block, value in blocks.items():
            entry = put(entry, f"services.classifier.{block}", value)
        (self._folder / "classifier.yaml").write_text(yaml.safe_dump(entry))
        config = put(runnable("prod"), "cluster.metricsUrl", "http://prometheus.example.com:9090")
        return run_main(config, stack="prod")


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Told:
    return Told(monkeypatch, tmp_path)


def test_the_preview_says_what_the_load_takes_and_what_the_entry_has(told: Told) -> None:
    told.preview(load=LOAD)
    assert (told.info, told.warnings) == ([SIZED], [])


def test_it_warns_where_the_entry_has_too_few(told: Told) -> None:
    told.preview(load={**LOAD, "peak": 150, "ramp": "10m"})
    assert told.info == []
    (line,) = told.warnings
    assert line.endswith("entry scales 3..10: maxReplicas 10 is below the 19 pods that 150 req/s need; raise it")


def test_an_objective_out_of_reach_is_said_and_stops_nothing(told: Told) -> None:
    load = {"rate": 1_000_000, "service": {"mean": "100ms", "cv": 0.5}}
    assert told.preview(load=load).of_kind("Deployment")
    assert told.warnings == [
        "classifier: 1e+06 req/s need more than 5000 pods; widen the objective, or split the service"
    ]


def test_it_warns_of_a_way_around_the_route(told: Told) -> None:
    ranges = ["192.0.2.0/24", "2001:db8::/32"]
    told.preview(load=None, exposure={"type": "LoadBalancer", "direct": True, "sourceRanges": ranges})
    (line,) = told.warnings
    assert line == (
        "classifier: its LoadBalancer lets clients from 192.0.2.0/24, 2001:db8::/32 reach the pods directly: "
        "no rate limit and no traffic split apply, and the proxy does not count the requests (exposure.direct)"
    )


def test_the_update_itself_does_not_repeat_it(told: Told) -> None:
    told.preview(dry=False, load=LOAD)
    assert told.info + told.warnings == []


def test_the_load_changes_no_resource(told: Told) -> None:
    with_load, without = told.preview(load=LOAD), told.preview(load=None)
    shapes = [sorted((r.urn, str(r.inputs)) for r in run.resources) for run in (with_load, without)]
    assert shapes[0] == shapes[1]
    assert len(told.info) == 1
