"""How Prometheus finds and reads a service."""

from pydantic import Field

from models.base import Model
from models.vocabulary import HttpPath, LabelKey, LabelValue, Seconds


class Monitoring(Model):
    """One ServiceMonitor over the slots' private Services."""

    path: HttpPath = "/metrics"
    interval: Seconds = Field(default=30, ge=1, description="between two scrapes")
    labels: dict[LabelKey, LabelValue] = Field(
        default_factory=dict, description="labels by which a Prometheus selects monitors, such as release: prometheus"
    )
