"""Services and runs for the tests of stages and peaks."""

from datetime import UTC, datetime
from typing import Any

from models.delivery import Run
from models.release import ServiceRelease, SlotRelease
from models.service import ServiceSpec
from tests.samples import IMAGE, OTHER_IMAGE, accepted, service

AT = datetime(2026, 1, 1, tzinfo=UTC)
BEFORE, TARGET = SlotRelease(image=IMAGE), SlotRelease(image=OTHER_IMAGE)
STABLE = ServiceRelease(live="blue", slots={"blue": BEFORE})
ROUTE = {"host": "web.example.com"}


def spec(release: dict[str, Any], **changes: object) -> ServiceSpec:
    """A service of four pods with a route, unless changed, whose releases go so."""
    return accepted(ServiceSpec, service(**{"scaling": {"replicas": 4}, "route": ROUTE, "release": release, **changes}))


def autoscaled(least: int = 2, most: int = 8) -> dict[str, Any]:
    """A range that an HPA moves in."""
    return {"minReplicas": least, "maxReplicas": most, "metrics": {"cpu": {"utilization": 70}}}


def run(**changes: object) -> Run:
    """A run that fills green beside four pods of blue."""
    given: dict[str, Any] = {
        "id": "1",
        "candidate": "green",
        "stable": STABLE,
        "target": TARGET,
        "pods": 4,
        "began": AT,
        "stage_began": AT,
        **changes,
    }
    return Run(**given)


def back(left: ServiceRelease, **changes: object) -> Run:
    """The way back from what was declared."""
    return run(kind="back", left=left, **changes)
