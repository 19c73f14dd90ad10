"""The settings file of the model server."""

from typing import Literal

from pydantic import Field

from models.base import Model
from models.vocabulary import Positive


class ServerSettings(Model):
    """The server settings that a release can change without a new image. The limits are those of the server."""

    queue_limit: Positive = Field(
        default=64, le=10_000, description="requests that may wait; more are answered with 429 and Retry-After"
    )
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    top_k: Positive = Field(default=3, le=1000, description="number of labels in an answer")
    variant: Literal["float", "int8"] = Field(default="float", description="the model file to serve")
