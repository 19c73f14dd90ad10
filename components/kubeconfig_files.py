"""The user's own kubeconfig files, read and merged as kubectl and the plugin do.

The rules are those of client-go (``clientcmd``, ``ClientConfigLoadingRules.Load``): a file that does not exist or is
empty is skipped, a name that several files define belongs to the first of them, and every other file must be readable.
``~`` is a character like any other.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from components import environment

Json = dict[str, Any]

FIELD = "slipway:cluster.context"
"""The setting that names the context. Every fault of a kubeconfig begins with it."""
KINDS = {"contexts": "context", "clusters": "cluster", "users": "user"}
"""The lists of a kubeconfig, and the key under which an item of each has its content."""


@dataclass(frozen=True)
class Named:
    """An item of one of the lists: its content, and the folder to which its paths are relative."""

    folder: Path
    content: Json


@dataclass(frozen=True)
class Merged:
    """What all files together define."""

    files: tuple[Path, ...]
    """The files that exist."""
    items: Mapping[str, Mapping[str, Named]]
    """The items by list and name; all keys of ``KINDS``."""
    faults: tuple[str, ...]
    """One line for each file that exists and cannot be read. For kubectl and the plugin, one such file is an error."""

    @property
    def contexts(self) -> list[str]:
        """The names of the contexts."""
        return list(self.items["contexts"])


def paths(variables: Mapping[str, str] = os.environ) -> list[Path]:
    """Return the files to merge, which may not exist: those of KUBECONFIG, else ``~/.kube/config``.

    Without a home folder, which a container may lack, there is no default.
    """
    given = variables.get("KUBECONFIG", "")
    if given:
        return [Path(part) for part in dict.fromkeys(given.split(os.pathsep)) if part]
    try:
        return [Path.home() / ".kube" / "config"]
    except RuntimeError:  # neither HOME nor an entry in the user database
        return []


def merged(files: list[Path]) -> Merged:
    """Return what these files define."""
    exist: list[Path] = []
    faults: list[str] = []
    items: dict[str, dict[str, Named]] = {plural: {} for plural in KINDS}
    for file in files:
        try:
            found = _items(file)
        except FileNotFoundError:
            continue
        except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
            why = (isinstance(error, OSError) and error.strerror) or " ".join(str(error).split())
            faults.append(f"cannot read the kubeconfig {environment.readable(file)}: {why}")
        else:
            for plural, named in found.items():
                items[plural] = named | items[plural]  # the first file wins
        exist.append(file)
    return Merged(tuple(exist), items, tuple(faults))


def _items(file: Path) -> dict[str, dict[str, Named]]:
    text = file.read_bytes().decode("utf-8-sig")
    content: object = next(iter(yaml.load_all(text, Loader=yaml.CSafeLoader)), None)  # the first document
    if not isinstance(content, dict | None):
        raise ValueError("a kubeconfig must be a map")  # noqa: TRY004 -- the file is wrong
    held = cast("Json", content or {})
    if held.get("kind", "Config") != "Config":
        raise ValueError(f"its kind must be Config, not {held['kind']!r}")
    folder = file.absolute().parent
    return {plural: _named(plural, held.get(plural) or [], folder) for plural in KINDS}


def _named(plural: str, listed: object, folder: Path) -> dict[str, Named]:
    kind = KINDS[plural]
    rule = f"{plural} must be a list of maps, each with a name and a {kind}"
    if not isinstance(listed, list):
        raise ValueError(rule)  # noqa: TRY004 -- the file is wrong, not a Python type
    found: dict[str, Named] = {}
    for one in cast("list[object]", listed):
        item = cast("Json", one) if isinstance(one, dict) else {}
        name, content = item.get("name"), item.get(kind)
        if not isinstance(name, str) or not isinstance(content, dict | None):
            raise ValueError(rule)  # noqa: TRY004 -- likewise
        if name in found:
            raise ValueError(f"{plural} must have different names, but two are {name!r}; remove one of them")
        found[name] = Named(folder, cast("Json", content or {}))
    return found
