"""Which shipped routes repeat a request that a pod had begun: those where nothing but an answer comes of it."""

from models.service import ServiceSpec
from tests.contracts.cases import CASES, Case, entry, objects_of
from tests.each import each

PURE = {"digits", "generic", "nlu", "wine"}
"""Roles whose requests change nothing, by the first argument of their service."""
WRITES = {"faces.capture", "parsing"}
"""Enrolment and deletion; jobs in a queue. Their routes lead to both kinds of request."""
ONE_SLOT = [case for case in CASES if not case.both]


def routed(case: Case) -> dict[str, ServiceSpec]:
    given = entry(case.entry)
    specs = {name: given.service_in(case.environment, name) for name in given.services}
    return {name: spec for name, spec in specs.items() if spec.route}


def words(case: Case, service: str) -> list[str]:
    made = objects_of(case).one("Ingress", service).inputs["metadata"]["annotations"]
    return made["nginx.ingress.kubernetes.io/proxy-next-upstream"].split()


def test_every_routed_role_is_known_to_write_or_not_to() -> None:
    assert {spec.args[0] for case in ONE_SLOT for spec in routed(case).values()} == PURE | WRITES


@each("case", ONE_SLOT)
def test_no_enrolment_and_no_job_is_sent_twice(case: Case) -> None:
    for service, spec in routed(case).items():
        begun = {"non_idempotent", "http_502", "http_504"} & set(words(case, service))
        assert not begun or spec.args[0] in PURE
        assert {"error", "timeout"} <= set(words(case, service))


@each("case", [case for case in ONE_SLOT if case.environment != "dev"])
def test_a_prediction_that_a_lost_pod_had_begun_is_asked_for_again_where_users_are(case: Case) -> None:
    for service, spec in routed(case).items():
        assert ("non_idempotent" in words(case, service)) == (spec.args[0] in PURE)
