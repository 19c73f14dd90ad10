"""The catalogue: one YAML file for each system and each metrics profile, and the functions that read them."""

from functools import cache
from pathlib import Path
from typing import Any, cast

from catalog import yaml_document
from models.entry import CatalogueEntry
from models.errors import ConfigurationError, nearest
from models.parsing import parse

FOLDER = Path(__file__).parent
MANIFESTS = "models"
"""The folder below the catalogue that holds the manifests of models, as `slipway model pin` writes them."""


def names(folder: Path = FOLDER) -> list[str]:
    """Return the names of the systems in the catalogue."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def read(name: str, folder: Path = FOLDER) -> object:
    """Return one entry as plain data.

    Raises:
        ConfigurationError: there is no such file, or it is not a YAML map; one line for each fault.
    """
    if name not in names(folder):
        known = names(folder)
        raise ConfigurationError(
            [f"slipway:system.entry: {name!r} is not in the catalogue ({', '.join(known)}){nearest(name, known)}"]
        )
    return yaml_document.read((folder / f"{name}.yaml").read_bytes(), f"catalog/{name}.yaml").checked().data


@cache
def profiles() -> dict[str, Any]:
    """Return the shipped metrics profiles as plain data, by name."""
    files = sorted((FOLDER / "profiles").glob("*.yaml"))
    return {
        path.stem: yaml_document.read(path.read_bytes(), f"catalog/profiles/{path.name}").checked().data
        for path in files
    }


def entry(name: str, folder: Path | None = None) -> CatalogueEntry:
    """Return one validated entry, which knows the shipped metrics profiles.

    Raises:
        ConfigurationError: one line for each fault.
    """
    data = read(name) if folder is None else read(name, folder)
    whole = with_manifests(data, (folder or FOLDER) / MANIFESTS, f"catalog/{name}.yaml")
    return parse(CatalogueEntry, with_profiles(whole), f"catalog/{name}.yaml: ")


def with_manifests(data: object, folder: Path, where: str) -> object:
    """Return an entry's data with each manifest of a model in place of its name.

    Raises:
        ConfigurationError: one line for each name without a file.
    """
    faults: list[str] = []

    def replaced(node: object, path: tuple[str, ...]) -> object:
        if isinstance(node, dict):
            return {key: replaced(value, (*path, key)) for key, value in cast("dict[str, object]", node).items()}
        if not isinstance(node, str) or path[-2:] != ("model", "manifest") or "services" not in path:
            return node
        file = folder / f"{node}.yaml"
        known = sorted(one.stem for one in folder.glob("*.yaml"))
        if node in known:
            return yaml_document.read(file.read_bytes(), f"catalog/{MANIFESTS}/{file.name}").checked().data
        listed = ", ".join(known) or "there is none"
        faults.append(
            f"{where}: {'.'.join(path)}: {node!r} is not a manifest in catalog/{MANIFESTS} ({listed})"
            f"{nearest(node, known)}; write it with slipway model pin <uri> --name {node}"
        )
        return node

    found = replaced(data, ())
    if faults:
        raise ConfigurationError(faults)
    return found


def with_profiles(data: object) -> object:
    """Return an entry's data with the shipped metrics profiles; the entry's own come first."""
    if not isinstance(data, dict):
        return data
    given = cast("dict[str, Any]", data)
    own: object = given.get("profiles", {})
    if not isinstance(own, dict):
        return given
    return {**given, "profiles": {**profiles(), **cast("dict[str, Any]", own)}}
