"""The systems of examples/servers, each environment as a stack that runs its images by digest."""

from collections.abc import Iterator
from typing import Any

import yaml

from models.entry import CatalogueEntry
from tests.generated import System
from tests.recording import PROJECT
from tests.samples import IMAGE, OTHER_IMAGE, PLANTED, accepted

FOLDER = PROJECT / "examples" / "servers"
NAMES = sorted(path.name for path in FOLDER.iterdir() if path.is_dir())


def entry_of(name: str) -> dict[str, Any]:
    """Return a folder's catalogue entry."""
    return yaml.safe_load((FOLDER / name / f"{name}.yaml").read_text("utf-8"))


def settings_of(name: str) -> dict[str, Any]:
    """Return a folder's stack file, without the prefix of its keys."""
    file = yaml.safe_load((FOLDER / name / f"Pulumi.{name}-dev.yaml").read_text("utf-8"))
    return {key.removeprefix("slipway:"): value for key, value in file["config"].items()}


def systems(name: str) -> Iterator[tuple[str, System]]:
    """Yield each environment of a folder with one slot, and with both."""
    entry = entry_of(name)
    for environment in accepted(CatalogueEntry, entry).environments:
        given = {key: value for key, value in settings_of(name).items() if key != "image"}
        given["system"] = {"entry": name, "environment": environment}
        given["cluster"] = {**given["cluster"], "context": "prod"}
        given["images"] = dict.fromkeys(entry["images"], IMAGE)
        if "secrets" in entry:
            values = {
                key: {"values": dict.fromkeys(secret["keys"], PLANTED)} for key, secret in entry["secrets"].items()
            }
            given["secrets"] = values
        yield environment, (given, entry)
        both = {"slots": {"blue": {}, "green": {"image": OTHER_IMAGE}}, "weight": 20}
        routed = [key for key, service in entry["services"].items() if "route" in service]
        if routed:
            yield environment, ({**given, "release": dict.fromkeys(routed, both)}, entry)
