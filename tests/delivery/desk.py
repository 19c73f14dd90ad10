"""The `slipway` command on a real project and record, with Pulumi, cluster and driver played."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from typer.testing import CliRunner

from delivery.commands.cli import app
from delivery.errors import DeliveryError
from delivery.events import Event, Listener
from delivery.plan.stages import course
from delivery.release.new_run import new_run
from delivery.release.service import Service
from delivery.release.stack import Stack
from delivery.run import driver
from delivery.run.driver import Outcome
from models.delivery import Arm, CheckResult, Run
from tests.delivery.leases import Leases
from tests.delivery.vouching import NOON
from tests.samples import IMAGE, OTHER_IMAGE, Config, entry, service

WORSE = CheckResult(
    result="fail",
    said="errors 20.00 % against 0.50 %, limit +1",
    candidate=Arm(bad=40, total=200),
    live=Arm(bad=9, total=1800),
)
FINE = CheckResult(result="pass", said="as good", candidate=Arm(bad=2, total=200), live=Arm(bad=18, total=1800))
CANARY: Config = {"strategy": "canary", "steps": [10, 100], "gate": {"traffic": 100}}
NAMESPACE: Config = {"/api/v1/namespaces/shop-prod": {"metadata": {"uid": "first"}}}
STABLE: Config = {"slots": {"blue": {"image": IMAGE}}}


@dataclass
class Pulumi:
    """Counts updates; gives outputs."""

    exports: Config = field(default_factory=dict[str, Any])
    updates: int = 0

    def up(self, _: object) -> None:
        self.updates += 1

    def outputs(self) -> Config:
        return self.exports


@dataclass
class Api:
    """An API server that holds these objects."""

    objects: Config = field(default_factory=dict[str, Any])
    silent: str = ""
    leases: Leases = field(default_factory=Leases)

    def create(self, path: str, body: Config) -> Config | None:
        return self.leases.create(path, body)

    def replace(self, path: str, body: Config) -> Config | None:
        return self.leases.replace(path, body)

    def get(self, path: str) -> Config | None:
        if self.silent:
            raise DeliveryError(self.silent)
        if "/leases/" in path:
            return self.leases.get(path)
        return next((found for end, found in self.objects.items() if path.endswith(end)), None)

    def ready(self, _: str, deployment: str) -> int:
        found = self.get(f"deployments/{deployment}")
        return found["status"]["readyReplicas"] if found else 0


def deployment(ready: int) -> Config:
    return {"status": {"readyReplicas": ready}}


def ingress(slot: str, weight: int | None = None) -> Config:
    """The main Ingress of `web`, or with a weight the canary's."""
    backend = {"service": {"name": f"web-{slot}"}}
    annotations = {} if weight is None else {"nginx.ingress.kubernetes.io/canary-weight": str(weight)}
    return {
        "metadata": {"annotations": annotations},
        "spec": {"rules": [{"http": {"paths": [{"backend": backend}]}}]},
    }


@dataclass(frozen=True)
class Done:
    """What a command left."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Config:
        return cast("Config", json.loads(self.out))

    @property
    def line(self) -> str:
        """The last line of standard error, which is the reason."""
        return self.err.splitlines()[-1]


Play = Callable[[Service, Listener], Outcome]


class Desk:
    """A project with stack `prod` of an entry with one service, `web`, with a canary."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder, self._patch = folder, patch
        self.pulumi, self.api = Pulumi({"services": {}}), Api({"deployments/web-blue": deployment(2), **NAMESPACE})
        self.steps: list[int | None] = []
        self.play: Play = judged("promoted", FINE)
        (folder / "catalog").mkdir()
        self.catalogue()
        self.declare("prod", release={"web": STABLE})
        patch.setattr(Stack, "engine", self.pulumi)
        patch.setattr(Stack, "cluster", self.api)
        patch.setattr(driver, "go", self._go)
        patch.setattr(driver, "now", lambda: NOON)
        patch.setenv("SLIPWAY_USER", "ann")

    def _go(self, service: Service, listen: Listener, *, steps: int | None = None) -> Outcome:
        self.steps.append(steps)
        return self.play(service, listen)

    def catalogue(self, **changes: object) -> None:
        spec = service(**{"route": {"host": "web.example.com"}, "release": CANARY, **changes})
        found = entry(services={"web": spec}, environments={"dev": {}, "staging": {}, "prod": {}})
        (self.folder / "catalog" / "shop.yaml").write_text(yaml.safe_dump(found, sort_keys=False))

    def declare(self, name: str, environment: str | None = None, **config: object) -> None:
        values: Config = {
            "system": {"entry": "shop", "environment": environment or name},
            "cluster": {"context": "prod", "metricsUrl": "http://prometheus.invalid"},
            **config,
        }
        self.file(name).write_text(
            yaml.safe_dump({"config": {f"slipway:{key}": value for key, value in values.items()}})
        )

    def file(self, name: str = "prod") -> Path:
        return self.folder / f"Pulumi.{name}.yaml"

    def stack(self, name: str = "prod") -> Stack:
        return Stack.open(self.folder, name)

    def service(self, name: str = "prod") -> Service:
        return Service(self.stack(name), "web")

    def begun(self, **changes: object) -> Run:
        """Let a release of the other image be under way, as its driver left it."""
        found = self.service()
        target = found.release().slots["blue"].model_copy(update={"image": OTHER_IMAGE})
        run = new_run(found, target, NOON).model_copy(update=changes)
        declared = course(found.spec, run)[run.stage].release
        found.write(declared, found.record().model_copy(update={"run": run}))
        return run

    def slipway(self, *arguments: str) -> Done:
        """Run it, as a job of CI does: nothing is a terminal."""
        done = CliRunner().invoke(app, ["--cwd", str(self.folder), *arguments])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Done(done.exit_code, done.stdout, done.stderr)

    def refused(self, *arguments: str, code: int = 1) -> str:
        """Run it in vain: one line, the exit code, and every stack file as it was. Gives the line."""
        files = {path: path.read_bytes() for path in self.folder.glob("Pulumi.*.yaml")}
        done = self.slipway(*arguments)
        assert done.code == code, done
        assert {path: path.read_bytes() for path in files} == files
        assert self.pulumi.updates == 0
        assert self.steps == []
        assert len(done.err.splitlines()) == 1, done.err
        assert done.err.startswith("slipway: ")
        return done.line


def told(run: Run, service: Service, upto: str, check: CheckResult) -> Iterator[Event]:
    """What a driver says on the way to a stage, and about it."""
    stages = course(service.spec, run)
    for index, stage in enumerate(stages):
        place: Config = {"service": service.name, "stage": stage.title, "index": index, "of": len(stages), "run": run}
        yield Event(kind="stage", said=stage.title, **place)
        if stage.title == upto:
            yield Event(kind="observed", share=9.8, **place)
            yield Event(kind="look", samples=120, wanted=200, checks={"errors": check}, said="sampling", **place)
            yield Event(kind="verdict", samples=200, wanted=200, checks={"errors": check}, said=check.said, **place)
            return


def judged(result: str, check: CheckResult, upto: str = "step 10 %") -> Play:
    """A driver that gets to a stage and ends there."""

    def play(service: Service, listen: Listener) -> Outcome:
        run = service.record().run
        assert run is not None, "a driver needs a record"
        for event in told(run, service, upto, check):
            listen(event)
        return Outcome(result=result, said=check.said)

    return play


def interrupted(service: Service, listen: Listener) -> Outcome:
    """A driver that gets ^C after its first stage."""
    judged("promoted", FINE)(service, listen)
    raise KeyboardInterrupt


def columns(text: str, row: str) -> Sequence[str]:
    """Cells of a table's row, found by its first word."""
    line = next(line for line in text.splitlines() if line.split()[:1] == [row])
    return [cell.strip() for cell in line.split("  ") if cell.strip()]
