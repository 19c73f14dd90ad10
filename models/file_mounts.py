"""Single files in a container, at any path: configuration, or one key of a secret.

Each file is mounted by ``subPath``, which hides nothing beside it and receives no updates. New content is a new
ConfigMap or Secret, so it starts a rollout.
"""

import re
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from models.base import Model
from models.limits import files_fault
from models.vocabulary import FileName, Name

_LENGTH = 180
"""Characters of a path. With its container's name it becomes a ConfigMap's key, which holds at most 253.

``_`` and ``/`` are two characters each in the key (``components/manifests/file_mounts.py``).
"""
_PATH = re.compile(r"(/[-._A-Za-z0-9]+)+")


def _file_path(value: str) -> str:
    length = len(value) + value.count("/") + value.count("_")
    if length > _LENGTH or not _PATH.fullmatch(value) or {".", ".."} & set(value.split("/")):
        raise ValueError(
            f"a file's path is absolute and has at most {_LENGTH} letters, digits, '-', '_', '.' and '/', "
            "of which '_' and '/' count twice, without '.' or '..' as a part"
        )
    return value


FilePath = Annotated[str, AfterValidator(_file_path)]


class FileMount(Model):
    """The content of one file. Only the pod's user and group can read a secret."""

    text: str | None = Field(default=None, description="the content; never a secret")
    secret: Name | None = Field(default=None, description="key under secrets")
    key: FileName | None = Field(default=None, description="one of the secret's keys")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.text is None) == (self.secret is None):
            raise ValueError("a file has one source; set text, or secret and key")
        if (self.secret is None) != (self.key is None):
            raise ValueError("key names a key of a secret; set both secret and key, or remove key")
        return self


def _fit(mounts: dict[str, FileMount]) -> dict[str, FileMount]:
    if fault := files_fault({path: mount.text or "" for path, mount in mounts.items()}):
        raise ValueError(fault)
    return mounts


FileMounts = Annotated[dict[FilePath, FileMount], Field(min_length=1), AfterValidator(_fit)]
"""Files by their path in the container."""
