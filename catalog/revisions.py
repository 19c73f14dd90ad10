"""The revisions that slots are pinned to, one YAML file each (see :mod:`models.revision`)."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import yaml

from models.delivery import hashed
from models.errors import ConfigurationError
from models.parsing import parse
from models.revision import FOLDER, Revision
from models.stack import StackSettings


def read(project: Path, stack: StackSettings) -> dict[str, Revision]:
    """Return the revisions of a stack's slots, and the revisions of its verdicts that still have a file.

    Raises:
        ConfigurationError: one line for each slot whose revision file is missing, damaged or edited.
    """
    found: dict[str, Revision] = {}
    faults: list[str] = []
    for where, name in _of_slots(stack):
        try:
            found[name] = one(project, name, where)
        except ConfigurationError as error:
            faults += error.faults
    if faults:
        raise ConfigurationError(faults)
    for name in _of_verdicts(stack) - found.keys():
        with suppress(ConfigurationError):  # vouched() refuses a verdict without its revision
            found[name] = one(project, name, "")
    return found


def one(project: Path, name: str, where: str) -> Revision:
    """Return one revision.

    Raises:
        ConfigurationError: the file is missing (the line then begins with ``where``), damaged or edited.
    """
    path = project / FOLDER / f"{name}.yaml"
    shown = f"{FOLDER}/{name}.yaml"
    back = f"restore it: git checkout -- {shown}"
    if not path.is_file():
        raise ConfigurationError([f"{where}: {shown} is missing, but it contains what the slot runs; {back}"])
    try:
        # As PyYAML wrote it: it leaves some text without quotes that YAML 1.2 reads as a number, such as 1e3.
        data: object = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, ValueError) as error:  # ValueError: not UTF-8, or an impossible date
        reason = " ".join(str(error).split())
        raise ConfigurationError([f"{shown}: not valid YAML: {reason}; {back}"]) from error
    if not isinstance(data, dict) or hashed(data) != name:  # pyright: ignore[reportUnknownArgumentType] -- plain data
        raise ConfigurationError(
            [f"{shown}: was edited, and a revision is immutable; {back}, and edit the catalogue entry instead"]
        )
    return parse(Revision, data, f"{shown}: ")  # pyright: ignore[reportUnknownArgumentType]


def _of_verdicts(stack: StackSettings) -> set[str]:
    verdicts = (verdict for delivery in stack.delivery.values() for verdict in delivery.verdicts)
    return {v.revision for v in verdicts if v.revision is not None and v.counts}


def _of_slots(stack: StackSettings) -> Iterator[tuple[str, str]]:
    for service, release in stack.release.items():
        for slot, content in release.slots.items():
            if content.pinned is not None:
                yield f"slipway:release.{service}.slots.{slot}.revision", content.pinned
