"""The `slipway` command: results on standard output, one line for a refusal, exit codes, untouched files."""

import json
import os
import socket
import subprocess
from pathlib import Path

import pytest

from delivery.commands import drive
from delivery.errors import OF_OUTCOME
from delivery.release.service import Service
from delivery.release.stack import Stack
from delivery.run import driver
from delivery.stack_file.stack_file import StackFile
from models.delivery import ServiceDelivery
from models.release import ServiceRelease
from tests.delivery import desk as playing
from tests.delivery.desk import STABLE, WORSE, Desk
from tests.delivery.vouching import held, past, recorded
from tests.recording import PROJECT
from tests.samples import IMAGE, OTHER_IMAGE

RELEASE = ("release", "prod", "web", "--image", OTHER_IMAGE)
COMMANDS = (
    "release", "step", "resume", "abort", "rollback", "approve", "promote", "status", "history", "plan", "hold",
    "release-hold", "check", "size", "diff", "merge-record", "tend", "model",
)  # fmt: skip


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, monkeypatch)


def test_a_release_prints_its_plan_before_anything_and_then_how_it_went(desk: Desk) -> None:
    done = desk.slipway(*RELEASE)
    assert done.code == 0
    assert done.out.index("peak: ") < done.out.index("prod web: promoted: as good")
    assert "[1/5] fill: stage" in done.err
    assert desk.steps == [None]
    run = desk.service().record().run
    assert run is not None
    assert run.target.image == OTHER_IMAGE


def test_the_document_of_a_release_has_stages_checks_figures_and_the_plan(desk: Desk) -> None:
    document = desk.slipway(*RELEASE, "--json").json
    assert {key: document[key] for key in ("command", "stack", "service", "exitCode", "result")} == {
        "command": "release", "stack": "prod", "service": "web", "exitCode": 0, "result": "promoted"
    }  # fmt: skip
    assert document["image"] == OTHER_IMAGE
    assert document["checks"]["errors"]["candidate"] == {"bad": 2, "total": 200}
    assert document["figures"]["requestsJudged"] == 200
    assert [stage["stage"] for stage in document["stages"]][:2] == ["fill", "step 10 %"]
    assert document["stages"][0]["state"] == "done"
    assert document["stages"][1]["observedPercent"] == 9.8
    assert document["plan"]["peak"]["mostPods"] == 4


@pytest.mark.parametrize(
    ("result", "code"), [("rolled back", 3), ("inconclusive", 4), ("waiting", 5), ("promoted", 0), ("aborted", 0)]
)
def test_the_exit_code_tells_how_a_release_ended(desk: Desk, result: str, code: int) -> None:
    desk.play = playing.judged(result, WORSE)
    done = desk.slipway(*RELEASE, "--json")
    assert done.code == code
    assert done.json["exitCode"] == code
    assert done.json["result"] == result
    assert ("error" in done.json) == bool(code)
    if code:
        assert done.line == f"slipway: prod web: {result}: {WORSE.said}"


def test_events_are_lines_of_json_and_nothing_else(desk: Desk) -> None:
    done = desk.slipway(*RELEASE, "--json", "--events")
    events = [json.loads(line) for line in done.err.splitlines()]
    assert [event["kind"] for event in events] == ["stage", "stage", "observed", "look", "verdict"]
    assert events[2]["observedPercent"] == 9.8
    assert events[0]["index"] == 0
    assert done.json["result"] == "promoted"


def test_interrupted_it_says_what_is_true_and_both_ways_on(desk: Desk) -> None:
    desk.play = playing.interrupted
    done = desk.slipway(*RELEASE, "--json")
    assert done.code == 130
    assert done.line.startswith("slipway: interrupted at fill (1 of 5): green gets 0 % of the requests, blue is live")
    assert "slipway resume prod web" in done.line
    assert "slipway abort prod web" in done.line
    assert done.json["result"] == "interrupted"


REFUSALS = [
    (("release", "prodd", "web", "--image", OTHER_IMAGE), 1, "did you mean 'prod'?"),
    (("release", "prod", "wep", "--image", OTHER_IMAGE), 1, "did you mean 'web'?"),
    (("release", "prod", "web", "--image", "server:latest"), 1, "named by digest"),
    (("release", "prod", "web", "--image", "<none>@<none>"), 1, "named by digest"),
    (("release", "prod", "web", "--image", f"server@sha256:{'9' * 63}"), 1, "named by digest"),
    (("release", "prod", "web", "--image", IMAGE), 0, "already runs exactly this version"),
    (("release", "prod", "web"), 2, "prod builds no image"),
    (("release", "prod", "web", "--image", OTHER_IMAGE, "--checksum", "sha256:1"), 2, "--model"),
    (("release", "prod", "web", "--model", "http://x"), 1, "a model URI has the form file:///folder"),
    (("release", "prod", "web", "--server", "queueLimit"), 2, "KEY=VALUE"),
    (("release", "prod", "web", "--server", "queueLimt=3"), 1, "did you mean 'queueLimit'?"),
    (("release", "prod", "web", "--files", "nowhere"), 1, "no such folder"),
    (("relase", "prod", "web"), 2, "Did you mean 'release'"),
    (("release", "prod", "web", "--imagine", "x"), 2, "--image"),
    (("step", "prod", "web"), 1, "no release is under way"),
    (("resume", "prod", "web"), 1, "no release is under way"),
    (("abort", "prod", "web"), 1, "no release is under way"),
    (("approve", "prod", "web", "--reason", "x"), 1, "no release is under way"),
    (("approve", "prod", "web"), 2, "--reason"),
    (("rollback", "prod", "web"), 1, "the record has no version before this one"),
    (("hold", "prod", "web", "server:latest", "--reason", "x"), 1, "named by digest"),
    (("release-hold", "prod", "web", OTHER_IMAGE), 1, "is not held"),
    (("promote", "prod", "prod"), 1, "each stack once"),
    (("history", "prod", "wep"), 1, "did you mean 'web'?"),
    (("status", "prd"), 1, "did you mean 'prod'?"),
    (("plan", "prod", "wep"), 1, "did you mean 'web'?"),
    (("check", "prod", "wep"), 1, "did you mean 'web'?"),
    (("size", "prod", "wep"), 1, "did you mean 'web'?"),
    (("size", "prod", "web", "--rate", "5"), 1, "prod web: declares no load; set at least --rate and --service-time"),
    (("size", "prod", "--plot", "x.svg"), 1, "--plot draws one service, but 0 of prod declare a load; name one"),
]


@pytest.mark.parametrize(("arguments", "code", "said"), REFUSALS, ids=str)
def test_a_refusal_is_one_line_with_its_exit_code_and_touches_nothing(
    desk: Desk, arguments: tuple[str, ...], code: int, said: str
) -> None:
    assert said in desk.refused(*arguments, code=code)


def test_a_held_image_is_not_released(desk: Desk) -> None:
    delivery = recorded(holds=(held(),)).model_dump(mode="json", by_alias=True, exclude_defaults=True)
    desk.declare("prod", release={"web": STABLE}, delivery={"web": delivery})
    assert "is held: 5 % errors (ann" in desk.refused(*RELEASE)


def test_a_stack_that_somebody_works_on_is_busy(desk: Desk) -> None:
    with desk.stack().exclusive():
        line = desk.refused(*RELEASE, code=6)
    assert f"(ann on {socket.gethostname()}, pid {os.getpid()}, since 20" in line


def test_with_json_a_refusal_is_a_document_too(desk: Desk) -> None:
    done = desk.slipway("step", "prod", "web", "--json")
    named = {"command": "step", "stack": "prod", "service": "web"}
    assert done.json == {**named, "exitCode": 1, "error": done.line.removeprefix("slipway: ")}


def test_history_is_newest_first(desk: Desk) -> None:
    delivery = recorded(history=(past(IMAGE), past(OTHER_IMAGE, outcome="rolled back")))
    found = delivery.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    desk.declare("prod", release={"web": STABLE}, delivery={"web": found})
    document = desk.slipway("history", "prod", "--json").json
    assert {one["outcome"] for one in document["history"]} == {"promoted", "rolled back"}
    assert "rolled back" in desk.slipway("history", "prod", "web").out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(desk: Desk, command: str) -> None:
    done = desk.slipway(command, "--help")
    assert done.code == 0
    assert f"Example: slipway {command} " in " ".join(done.out.split())


def test_the_commands_are_those_that_are_tested(desk: Desk) -> None:
    listed = desk.slipway("--help").out
    found = {line.split()[1] for line in listed.splitlines() if line.startswith("│ ") and line[2:3].isalpha()}
    assert found >= set(COMMANDS)
    assert found - set(COMMANDS) == set()


@pytest.mark.slow
def test_the_script_works_from_any_folder_and_through_a_link(tmp_path: Path) -> None:
    link = tmp_path / "slipway"
    link.symlink_to(PROJECT / "slipway")
    (tmp_path / "models").mkdir()  # a folder of that name must not be taken for the project's
    done = subprocess.run([link, "status", "nosuch"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "slipway: nosuch: no such stack (dev, " in done.stderr


def test_the_script_says_what_to_run_where_nothing_is_installed(tmp_path: Path) -> None:
    script = tmp_path / "slipway"
    script.write_bytes((PROJECT / "slipway").read_bytes())
    script.chmod(0o755)
    done = subprocess.run([script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == f"slipway: {tmp_path}/.venv is missing: run `make setup` there\n"


def test_a_driver_that_runs_is_stopped_before_an_abort(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.begun(stage=1)
    signalled: list[int] = []

    def holder(_: Stack) -> int | None:
        return None if signalled else 4242

    monkeypatch.setattr(Stack, "holder", holder)
    monkeypatch.setattr(drive, "interrupt", signalled.append)
    assert desk.slipway("abort", "prod", "web").code == 0
    assert signalled == [4242]


CATCHING_UP = [
    ("hold", "prod", "web", IMAGE, "--reason", "x"),
    ("check", "prod"),
    ("resume", "prod", "web"),
    ("step", "prod", "web"),
    ("approve", "prod", "web", "--reason", "x"),
    ("abort", "prod", "web"),
    ("rollback", "prod", "web"),
    RELEASE,
]


@pytest.mark.parametrize("arguments", CATCHING_UP, ids=lambda arguments: arguments[0])
def test_whoever_changes_something_first_takes_over_what_another_checkout_has_recorded(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    older = desk.file().read_bytes()
    with desk.stack().exclusive():
        begun = desk.begun(stage=1, stage_began=driver.now())
    stack = desk.stack()
    with stack.exclusive():
        Service(stack, "web").write(Service(stack, "web").release(), Service(stack, "web").record())
    desk.file().write_bytes(older)
    written: list[str] = []
    write = StackFile.write

    def noted(file: StackFile, service: str, release: ServiceRelease, delivery: ServiceDelivery) -> None:
        written.append(delivery.run.id if delivery.run else "")
        write(file, service, release, delivery)

    monkeypatch.setattr(StackFile, "write", noted)
    desk.slipway(*arguments)
    assert written[0] == begun.id


def test_the_exit_codes_of_outcomes_are_the_documented_ones() -> None:
    assert {OF_OUTCOME[name] for name in ("rolled back", "inconclusive", "waiting")} == {3, 4, 5}
