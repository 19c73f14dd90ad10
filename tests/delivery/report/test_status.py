"""`slipway status`: three sources, what they disagree in, and what comes next."""

import json
import os
import socket
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from components import names
from delivery.errors import DeliveryError
from delivery.lock.holder import Holder
from delivery.lock.lease import Lease
from delivery.release.position import position
from delivery.release.service import Service
from delivery.release.takeover import carried
from delivery.report.observed import Seen, see
from models.delivery import Approval, ServiceDelivery
from tests.delivery.desk import FINE, STABLE, Desk, columns, deployment, ingress
from tests.delivery.vouching import NOON
from tests.samples import IMAGE, OTHER_IMAGE, release

DEPLOYED = {"live": "blue", "image": IMAGE, "slots": {"blue": {"image": IMAGE, "config": "0", "weight": 100}}}


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    found = Desk(tmp_path, monkeypatch)
    found.pulumi.exports = {"services": {"web": DEPLOYED}}
    found.api.objects["ingresses/web"] = ingress("blue")
    return found


def told(desk: Desk) -> dict[str, Any]:
    done = desk.slipway("status", "prod", "--json")
    assert done.code == 0, done.err
    return done.json


def test_a_stack_at_rest_agrees_and_says_what_could_be_done(desk: Desk) -> None:
    document = told(desk)
    web = document["services"]["web"]
    assert document["agrees"] is True
    assert document["driver"] is None
    assert (web["phase"], web["differences"]) == ("idle", [])
    assert web["cluster"] == {"readyPods": {"blue": 2}, "weights": {"blue": 100}}
    assert "slipway release prod web" in web["next"]


def test_each_source_that_differs_is_named_with_both_values(desk: Desk) -> None:
    desk.declare("prod", release={"web": release(weight=20)})
    desk.api.objects |= {"ingresses/web-canary": ingress("green", 50), "deployments/web-green": deployment(0)}
    assert told(desk)["services"]["web"]["differences"] == [
        "slots: blue and green declared, blue deployed",
        "weight of blue: 80 % declared, 50 % in the cluster",
        "weight of green: 20 % declared, 50 % in the cluster",
        "green: 20 % of the requests, but no pod is ready",
    ]


def test_another_live_slot_image_or_weight_in_the_state_is_told(desk: Desk) -> None:
    slots = {"blue": {"image": OTHER_IMAGE, "weight": 90}, "green": {"image": OTHER_IMAGE, "weight": 10}}
    desk.pulumi.exports = {"services": {"web": {"live": "green", "slots": slots}}}
    desk.declare("prod", release={"web": release(weight=20)})
    differences = told(desk)["services"]["web"]["differences"]
    assert "live slot: blue declared, green deployed" in differences
    assert "blue: server@sha256:" in differences[1]
    assert "weight of green: 20 % declared, 10 % deployed" in differences


def test_what_is_in_the_cluster_alone_is_told(desk: Desk) -> None:
    desk.api.objects["deployments/web-green"] = deployment(1)
    assert told(desk)["services"]["web"]["differences"] == ["green: in the cluster, but not declared"]


def test_a_service_that_was_never_deployed_is_told(desk: Desk) -> None:
    desk.pulumi.exports, desk.api.objects = {}, {}
    differences = told(desk)["services"]["web"]["differences"]
    assert differences[0] == "declared, but never deployed"
    assert "blue: declared, but not in the cluster" in differences


def test_a_cluster_that_does_not_answer_leaves_the_rest_true(desk: Desk) -> None:
    desk.api.silent = "context prod: the API server does not answer"
    document = told(desk)
    assert document["unknown"] == ["the cluster: context prod: the API server does not answer"]
    assert document["agrees"] is False
    assert document["services"]["web"]["cluster"] is None
    assert document["services"]["web"]["deployed"]["live"] == "blue"


def test_a_state_that_cannot_be_read_is_unknown_and_not_a_difference(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def outputs() -> None:
        raise DeliveryError("stack prod: no such backend")

    monkeypatch.setattr(desk.pulumi, "outputs", outputs)
    document = told(desk)
    assert document["unknown"] == ["Pulumi's state: stack prod: no such backend"]
    assert document["services"]["web"]["differences"] == []


def test_a_driver_that_works_is_named(desk: Desk) -> None:
    desk.begun(stage=1)
    with desk.stack().exclusive():
        document = told(desk)
    assert document["driver"] == os.getpid()
    assert document["owner"].items() >= {"user": "ann", "host": socket.gethostname(), "pid": os.getpid()}.items()
    web = document["services"]["web"]
    assert (web["phase"], web["stage"], web["stageIndex"]) == ("running", "step 10 %", 1)
    assert web["next"].endswith("is at step 10 % and continues to step 100 %")


def test_a_driver_of_another_checkout_is_named_too_and_its_record_is_told_to_be_newer(desk: Desk) -> None:
    desk.begun(stage=0)
    bob = Holder(user="bob", host="far", pid=7, since=NOON, nonce="x")
    lease = Lease(desk.api, "default", names.lease("shop-prod", "shop", "prod"), bob)
    lease.acquire()
    stack = desk.stack()
    further = Service(stack, "web").record().run
    assert further is not None
    known = ServiceDelivery(run=further.model_copy(update={"stage": 1}))
    lease.note(record=json.dumps({"web": carried(Service(stack, "web").release(), known, stack.space_id(), {})}))
    lease.confirm()
    document = told(desk)
    assert document["owner"].items() >= {"user": "bob", "host": "far", "pid": 7}.items()
    web = document["services"]["web"]
    assert web["phase"] == "running"
    assert web["next"].startswith("the driver (bob on far, pid 7, since ")
    assert "record: another checkout has moved the release further than this stack file shows" in web["differences"]
    lease.confirm()
    assert "driver: bob on far, pid 7, since" in desk.slipway("status", "prod").out


CASES: list[tuple[dict[str, object], str, str]] = [
    ({"stage": 1}, "interrupted", "`slipway resume prod web` continues with step 10 %, then step 100 %"),
    ({"stage": 1, "manual": True, "reached": True, "checks": {"errors": FINE}}, "waiting", "`slipway step prod web`"),
    ({"stage": 1, "manual": True}, "interrupted", "`slipway resume prod web`"),
    ({"stage": 3, "warm_until": NOON + timedelta(minutes=5)}, "warm", "empties blue, due in 5 min"),
    ({"stage": 3, "warm_until": NOON - timedelta(minutes=5)}, "warm", "empties blue, due now"),
    ({"kind": "back", "stage": 0}, "going back", "finishes the way back to blue: "),
]


@pytest.mark.parametrize(("changes", "phase", "following"), CASES)
def test_the_record_alone_says_where_a_release_is(
    desk: Desk, changes: dict[str, object], phase: str, following: str
) -> None:
    stack, run = desk.stack(), desk.begun()
    delivery = ServiceDelivery(run=run.model_copy(update=changes))
    found = position(Service(stack, "web"), delivery, driver=None, now=NOON)
    assert found.phase == phase
    assert following in found.next


def test_a_step_that_needs_approval_waits_for_it_once_it_is_judged(desk: Desk) -> None:
    desk.catalogue(release={"strategy": "canary", "steps": [{"weight": 10, "approval": True}, 100]})
    stack, run = desk.stack(), desk.begun()

    def phase(**changes: object) -> str:
        delivery = ServiceDelivery(run=run.model_copy(update={"stage": 1, **changes}))
        return position(Service(stack, "web"), delivery, driver=None, now=NOON).phase

    judged = {"reached": True, "checks": {"errors": FINE}}
    assert phase(**judged) == "waiting"
    assert phase(reached=True) == "interrupted"
    assert phase(**judged, approvals=(Approval(stage=1, reason="x", by="me", at=NOON),)) == "interrupted"


def test_a_b_waits_for_a_decision(desk: Desk) -> None:
    desk.catalogue(release={"strategy": "ab", "weight": 50})
    stack, run = desk.stack(), desk.begun()
    delivery = ServiceDelivery(run=run.model_copy(update={"stage": 1, "reached": True}))
    found = position(Service(stack, "web"), delivery, driver=None, now=NOON)
    assert (found.phase, found.next.startswith("a person decides: `slipway step prod web`")) == ("waiting", True)


def test_the_table_has_a_line_for_each_slot_and_what_differs_below(desk: Desk) -> None:
    desk.declare("prod", release={"web": release(weight=20)})
    desk.api.objects |= {"ingresses/web-canary": ingress("green", 20), "deployments/web-green": deployment(1)}
    out = desk.slipway("status", "prod").out
    assert columns(out, "web")[:3] == ["web", "idle", "blue (live)"]
    assert columns(out, "web")[-4:] == ["80 %", "100 %", "80 %", "2"]
    assert columns(out, "green")[-4:] == ["20 %", "-", "20 %", "1"]
    assert "differs: slots: blue and green declared, blue deployed" in out


def test_the_weights_of_a_route_on_a_gateway_are_those_of_its_rule_over_both_slots(desk: Desk) -> None:
    rules = [
        {"backendRefs": [{"name": "web-green", "weight": 1}]},
        {"backendRefs": [{"name": "web-blue", "weight": 90}, {"name": "web-green", "weight": 10}]},
    ]
    desk.api.objects["httproutes/web"] = {"spec": {"rules": rules}}
    spec = desk.service().spec
    found = see(desk.api, "shop-prod", "web", spec, "gateway")  # pyright: ignore[reportArgumentType]
    assert found.weights == {"blue": 90, "green": 10}


def test_without_a_route_the_pods_behind_the_service_are_the_weights(desk: Desk) -> None:
    desk.catalogue(route=None)
    desk.api.objects |= {
        "deployments/web-green": deployment(2),
        "services/web": {"spec": {"selector": {"app.kubernetes.io/name": "web"}}},
    }
    spec = desk.service().spec
    found = see(desk.api, "shop-prod", "web", spec, "nginx")  # pyright: ignore[reportArgumentType]
    assert (found.weights, found.exact) == ({"blue": 50, "green": 50}, False)
    declared = desk.service().release().model_copy(update={"weight": 40})
    assert [d for d in found.differences(declared) if d.startswith("weight")] == []


def test_a_split_by_pods_differs_only_where_a_slot_gets_nothing_or_something(desk: Desk) -> None:
    found = Seen(ready={"blue": 3}, weights={}, exact=False)
    declared = desk.service().release()
    assert list(found.differences(declared)) == ["weight of blue: 100 % declared, 0 % in the cluster"]
    assert STABLE["slots"].keys() == declared.slots.keys()


def test_a_slot_without_a_digest_runs_the_one_that_the_stack_names(desk: Desk) -> None:
    desk.declare("prod", images={"server": OTHER_IMAGE})
    desk.pulumi.exports = {"services": {}}
    shown = desk.slipway("status", "prod").out
    assert "built here" not in shown
    assert OTHER_IMAGE.partition("sha256:")[2][:12] in shown
