"""Configuration files of a service, mounted as a folder, and what happens when their content changes."""

from typing import Annotated, Literal

from pydantic import Field

from models.base import Model
from models.limits import FilesFit
from models.vocabulary import FileName, MountPath

Files = Annotated[dict[FileName, str], Field(min_length=1), FilesFit]
"""Content by file name."""


class ConfigFiles(Model):
    """Files that reach the pods without an image build.

    They are mounted as a folder and never by ``subPath``, because a ``subPath`` mount receives no updates.
    """

    path: MountPath = Field(
        default="/etc/model", description="folder in the container; the variable SLIPWAY_CONFIG holds its path"
    )
    on_change: Literal["rollout", "reload"] = Field(
        default="rollout",
        description="rollout: a new ConfigMap and new pods; reload: the same ConfigMap, which the server reads again",
    )
    files: Files = Field(description="content by file name", examples=[{"vocab.txt": "a"}])
