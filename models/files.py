"""Configuration files of a service, mounted as a folder, and what happens when their content changes."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from models.base import Model
from models.vocabulary import FileName, MountPath

MOST_BYTES = 900_000
"""A ConfigMap holds at most 1 MiB, including its metadata."""


def _fits(files: dict[str, str]) -> dict[str, str]:
    size = sum(len(content.encode(errors="replace")) for content in files.values())
    if size > MOST_BYTES:
        raise ValueError(
            f"the files have {size} bytes, but a ConfigMap holds at most {MOST_BYTES}; store large files with the model"
        )
    return files


Files = Annotated[dict[FileName, str], Field(min_length=1), AfterValidator(_fits)]
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
