"""The folder of mounted configuration files (SLIPWAY_CONFIG), read as one snapshot that a content hash names."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

NO_FILES = "none"
_HASH_DIGITS = 12


class ConfigFilesError(ValueError):
    """The folder cannot be read; the message is one line."""


@dataclass(frozen=True)
class ConfigFiles:
    """All files of the folder at one moment, by plain name. Empty if the service declares none."""

    contents: Mapping[str, bytes] = field(default_factory=lambda: MappingProxyType[str, bytes]({}))

    @cached_property
    def hash(self) -> str:
        """Twelve hex digits of the hash of names and contents; the same content has the same hash on every pod."""
        if not self.contents:
            return NO_FILES
        digest = hashlib.sha256()
        for name, content in sorted(self.contents.items()):
            digest.update(f"{len(name)} {name} {len(content)} ".encode())
            digest.update(content)
        return digest.hexdigest()[:_HASH_DIGITS]


def read(folder: Path) -> ConfigFiles:
    """Take a snapshot of a mounted ConfigMap.

    The kubelet swaps one symbolic link (`..data`) when the ConfigMap changes. The link is resolved once, so that a
    snapshot never mixes files of two versions. Names that begin with two dots belong to the kubelet.

    Raises:
        ConfigFilesError: the folder or a file cannot be read.
    """
    try:
        data = folder / "..data"
        source = data.resolve(strict=True) if data.is_symlink() else folder
        found = sorted(path for path in source.iterdir() if not path.name.startswith("..") and path.is_file())
        return ConfigFiles(MappingProxyType({path.name: path.read_bytes() for path in found}))
    except OSError as error:
        where = error.filename or folder
        raise ConfigFilesError(f"{where}: cannot be read ({error.strerror}); mount the configuration there") from error


def stamp(folder: Path) -> object:
    """Return a value that changes with the files and is cheap to compute: names, times, sizes and the `..data` target.

    Raises:
        ConfigFilesError: the folder cannot be read.
    """
    try:
        data = folder / "..data"
        link = str(data.readlink()) if data.is_symlink() else ""
        files = [(path.name, path.stat()) for path in folder.iterdir() if path.is_file()]
        return link, sorted((name, stat.st_mtime_ns, stat.st_size, stat.st_ino) for name, stat in files)
    except OSError as error:
        raise ConfigFilesError(f"{folder}: cannot be read ({error.strerror}); mount the configuration there") from error
