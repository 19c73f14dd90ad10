"""The settings file of the model server."""

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from models.base import Model
from models.vocabulary import Positive


class ServerSettings(Model):
    """The server settings that a release can change without a new image. The limits are those of the server."""

    queue_limit: Positive = Field(
        default=64, le=10_000, description="requests that may wait; more are answered with 429 and Retry-After"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="least severe log lines that the server writes"
    )
    top_k: Positive = Field(default=3, le=1000, description="number of labels in an answer")
    variant: Literal["float", "int8"] = Field(default="float", description="the model file to serve")


OTHER = "other"
"""The value of ``server`` for an image that was not built for Slipway."""


def _kind(value: object) -> str:
    return "settings" if isinstance(value, dict | ServerSettings) else OTHER


Server = Annotated[
    Annotated[ServerSettings, Tag("settings")] | Annotated[Literal["other"], Tag(OTHER)], Discriminator(_kind)
]
"""The settings of Slipway's own server; ``other`` = another server, which gets none of them."""
