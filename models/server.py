"""What the model server is told: its settings file."""

from typing import Literal

from pydantic import Field

from models.base import Model
from models.vocabulary import Positive


class ServerSettings(Model):
    """The settings that a release may change without a new image; the limits are the server's own."""

    queue_limit: Positive = Field(
        default=64, le=10_000, description="requests that may wait; more are answered with 429 and Retry-After"
    )
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    top_k: Positive = Field(default=3, le=1000, description="number of labels in an answer")
    variant: Literal["float", "int8"] = Field(default="float", description="the model file to serve")
