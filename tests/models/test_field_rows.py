"""Values that users of other tools met as bugs: refused with the value, the rule and the remedy, or accepted.

The rows are those of reports about Kubernetes and KEDA; each has neighbours of the same kind.
"""

from typing import Any

from models.entry import CatalogueEntry
from tests.each import each
from tests.models.tables import FIVE_FIELDS, QUANTITY
from tests.samples import Config, accepted, entry, put, refused

WEB = "services.web."
ROUTE: Config = {"host": "web.example.com"}


def refusing(path: str, value: object, rule: str) -> None:
    """A value of the service ``web`` is refused in exactly one line."""
    assert refused(CatalogueEntry, put(entry(), WEB + path, value)) == (f"given: {WEB}{path}{rule}",)


CORES = "write cores as a number or in thousandths, such as 2 or 500m"
SMALL = "write bytes with Ki, Mi or Gi, such as 512Mi"


@each(
    ("path", "value", "rule"),
    [
        ("resources.limits.memory", "512m", "m means thousandths, so this is 0.512 bytes; write 512Mi"),
        ("route", {**ROUTE, "maxBody": "8m"}, "m means thousandths, so this is 0.008 bytes; write 8Mi"),
        ("scratch", "64m", "m means thousandths, so this is 0.064 bytes; write 64Mi"),
        ("sharedMemory", "256m", "m means thousandths, so this is 0.256 bytes; write 256Mi"),
        ("resources.limits.ephemeral-storage", "2u", f"u means millionths, so this is 0.000002 bytes; {SMALL}"),
        (
            "resources.requests.memory",
            "1610612736000m",
            "m means thousandths, so this is 1610612736 bytes; write 1536Mi",
        ),
        ("scratch", "0.5", f"is less than one byte; {SMALL}"),
        (
            "resources.requests.memory",
            512,
            "is 512 bytes, and no container starts with less than 1Mi; write bytes with Mi or Gi, such as 512Mi",
        ),
        (
            "resources.limits.cpu",
            "2Gi",
            f"is 2147483648 cores; {CORES}",
        ),
        (
            "resources.limits.cpu",
            "500M",
            f"is 500000000 cores; {CORES}",
        ),
        (
            "resources.requests.cpu",
            "100u",
            "is 0.0001 cores, which the API server would round up to 1m; write that",
        ),
        (
            "resources.limits.cpu",
            "1.0005",
            "is 1.0005 cores, which the API server would round up to 1001m; write that",
        ),
    ],
)
def test_row_8_a_size_is_in_bytes_and_cores_are_not(path: str, value: Any, rule: str) -> None:
    shown = f".maxBody: {value['maxBody']!r}" if path == "route" else f": {value!r}"
    refusing(path, value, f"{shown}: {rule}")


@each("size", ["512Mi", "1.5Gi", "2G", 2_000_000_000, "2e9", "2048Mi"])
def test_row_8_every_way_to_write_bytes_is_accepted(size: object) -> None:
    given = put(entry(), f"{WEB}resources.limits.memory", size)
    given = put(given, f"{WEB}route.maxBody", size)
    assert accepted(CatalogueEntry, put(given, f"{WEB}resources.requests.memory", "1Mi"))


def cron(**changes: object) -> Config:
    """A service that KEDA scales ahead of a peak."""
    trigger = {"timezone": "UTC", "start": "30 7 * * 1-5", "end": "0 18 * * 1-5", "replicas": 2, **changes}
    return {"minReplicas": 1, "maxReplicas": 3, "triggers": {"day": {"cron": trigger}}}


NUMBER = "must be a number, such as 99.9"
FORMS = "with *, lists (1,3), ranges (1-5) and steps (*/2)"
WEEK = f"is not valid for the day of the week; write 0-6 (Sunday is 0) or SUN-SAT, {FORMS}"
MINUTES = f"is not valid for the minute; write 0-59, {FORMS}"


@each(
    ("start", "rule"),
    [
        ("a b c d e", f"a {MINUTES}"),
        ("0 8 * * 7", f"7 {WEEK}"),
        ("0 8 * * 0-7", f"0-7 {WEEK}"),
        ("0 8 * * FRI-MON", f"FRI-MON {WEEK}"),
        ("0 8 * * 1#2", f"1#2 {WEEK}"),
        ("60 8 * * *", f"60 {MINUTES}"),
        ("*/0 8 * * *", f"*/0 {MINUTES}"),
        ("1,,2 8 * * *", f"1,,2 {MINUTES}"),
        ("0 24 * * *", f"24 is not valid for the hour; write 0-23, {FORMS}"),
        ("0 8 L * *", f"L is not valid for the day; write 1-31, {FORMS}"),
        ("0 8 * foo *", f"foo is not valid for the month; write 1-12 or JAN-DEC, {FORMS}"),
        ("0 8 31 2 *", "no month has such a day, so KEDA would never find a time; correct the day or month"),
        ("@daily", FIVE_FIELDS),
        ("0 0 8 * * 1", FIVE_FIELDS),
        ("TZ=UTC 0 8 * * 1", FIVE_FIELDS),
    ],
)
def test_row_11_a_cron_expression_is_one_that_keda_reads(start: str, rule: str) -> None:
    given = put(entry(), f"{WEB}scaling", cron(start=start))
    path = f"given: {WEB}scaling.triggers.day.cron.start"
    assert refused(CatalogueEntry, given) == (f"{path}: {start!r}: {rule}",)


@each("start", ["*/15 8-18 * * *", "0 8 1,15 jan-JUN ?", "0 8 * * MON-FRI", "0 8 * * SUN", "5/20 0-23/2 * * 0-6"])
def test_row_11_every_form_of_kedas_parser_is_accepted(start: str) -> None:
    assert accepted(CatalogueEntry, put(entry(), f"{WEB}scaling", cron(start=start)))


def test_row_11_the_same_times_in_other_words_are_the_same() -> None:
    given = put(entry(), f"{WEB}scaling", cron(start="00 8 * * MON-FRI", end="0 8 * * 1-5"))
    (line,) = refused(CatalogueEntry, given)
    assert line.endswith("start and end are the same, so the peak would never begin; choose another end")


@each(
    ("zone", "remedy"),
    [
        ("localtime", "; set a name such as Europe/Berlin or UTC"),
        ("Local", "; set a name such as Europe/Berlin or UTC"),
        ("", "; set a name such as Europe/Berlin or UTC"),
        ("Factory", "; set a name such as Europe/Berlin or UTC"),
        ("europe/berlin", "; did you mean 'Europe/Berlin'?"),
        ("Europe/Berln", "; did you mean 'Europe/Berlin'?"),
    ],
)
def test_row_12_a_time_zone_is_one_of_the_iana_database(zone: str, remedy: str) -> None:
    (line,) = refused(CatalogueEntry, put(entry(), f"{WEB}scaling", cron(timezone=zone)))
    assert line == (
        f"given: {WEB}scaling.triggers.day.cron.timezone: {zone!r}: not a time zone of the IANA database{remedy}"
    )


@each("zone", ["Europe/Berlin", "UTC", "America/Argentina/Buenos_Aires", "Etc/GMT+1"])
def test_row_12_a_time_zone_needs_no_file_of_the_machine(zone: str) -> None:
    assert accepted(CatalogueEntry, put(entry(), f"{WEB}scaling", cron(timezone=zone)))


@each(
    ("path", "value", "rule"),
    [
        (
            "monitoring",
            {"slo": {"availability": "99,9"}},
            f".slo.availability: '99,9': {NUMBER}; write 99.9",
        ),
        ("port", "5,000", ": '5,000': must be a whole number; write 5000"),
        ("port", "99,9", ": '99,9': must be a whole number; write it without a fraction"),
        ("load", {"rate": "1,5", "service": {"mean": "1s"}}, ".rate: '1,5': must be a number; write 1.5"),
        (
            "scratch",
            "1,5Gi",
            f": '1,5Gi': {QUANTITY}; write 1.5Gi",
        ),
        (
            "monitoring",
            {"slo": {"availability": "99,900"}},
            f".slo.availability: '99,900': {NUMBER}; write 99.900 or 99900",
        ),
    ],
)
def test_row_18_a_number_with_a_comma_is_refused_with_the_number_that_is_meant(
    path: str, value: object, rule: str
) -> None:
    refusing(path, value, rule)


@each(
    ("path", "value"),
    [
        ("rollout", {"maxSurge": "25%"}),
        ("rollout", {"maxSurge": "150%", "maxUnavailable": "25%"}),
        ("disruption", {"minAvailable": "50%"}),
        ("disruption", {"maxUnavailable": "25%"}),
        ("scaling.metrics.cpu.utilization", 150),
        ("scaling.metrics.cpu.utilization", 200),
        ("scaling.behavior", {"scaleDown": {"percent": 0}}),
        ("scaling.behavior", {"scaleUp": {"pods": 0}}),
    ],
)
def test_row_27_what_kubernetes_allows_is_accepted(path: str, value: object) -> None:
    assert accepted(CatalogueEntry, put(entry(), WEB + path, value))


@each(
    ("path", "value", "line"),
    [
        ("disruption", {"minAvailable": "51%"}, "disruption.minAvailable: 51% leaves no pod evictable at 2 replicas"),
        ("disruption", {"minAvailable": "100%"}, "disruption.minAvailable: 100% leaves no pod evictable at 2 replicas"),
        (
            "scaling.metrics.cpu.utilization",
            201,
            "scaling.metrics.cpu.utilization: 201 is never reached, because limits.cpu 2 is only 200 % of requests.cpu",
        ),
        (
            "scaling",
            {"minReplicas": 1, "maxReplicas": 2, "triggers": {"busy": {"cpu": {"utilization": 250}}}},
            "scaling.triggers.busy.cpu.utilization: 250 is never reached",
        ),
        (
            "scaling",
            {"minReplicas": 1, "maxReplicas": 2, "metrics": {"memory": {"utilization": 300}}},
            "scaling.metrics.memory.utilization: 300 is never reached",
        ),
    ],
)
def test_row_27_a_percentage_that_would_have_no_effect_is_refused(path: str, value: object, line: str) -> None:
    (found,) = refused(CatalogueEntry, put(entry(), WEB + path, value))
    assert found.startswith(f"given: {WEB}{line}")
