"""What the model server is told: its settings file and where its model comes from."""

from typing import Literal

from pydantic import Field

from models.base import Model
from models.vocabulary import MountPath, Name, Positive, Text


class ServerSettings(Model):
    """The settings that a release may change without a new image; the limits are the server's own."""

    queue_limit: Positive = Field(default=64, le=10_000, description="requests waiting; more get 429 with Retry-After")
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    top_k: Positive = Field(default=3, le=1000, description="labels in an answer")


class ModelSource(Model):
    """Where the model file is, and how it gets into the pod."""

    name: Name = Field(description="the model's name in the Open Inference Protocol", examples=["digits"])
    uri: Text = Field(
        description="what the init container fetches and verifies", examples=["file:///opt/slipway/model"]
    )
    path: MountPath = Field(default="/models", description="where the server finds it; a volume of the pod")
