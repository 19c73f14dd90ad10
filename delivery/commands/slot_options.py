"""Builds a new slot's content from a command's options: the live slot's content with the given values replaced."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from delivery import registry
from delivery.errors import DeliveryError
from delivery.release.service import Service
from models.errors import ConfigurationError
from models.parsing import parse
from models.release import SlotRelease
from models.server import ServerSettings
from models.vocabulary import digest_reference


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The options that say what to release."""

    image: str | None = None
    model: str | None = None
    checksum: str | None = None
    files: Path | None = None
    server: Sequence[str] = ()


def target(service: Service, asked: Asked) -> SlotRelease:
    """Return the new slot's content.

    A tag at a named registry becomes its digest, which the release records. Without ``asked.image``, the environment
    that builds uses the image that the next update builds from the tree. Other environments take the image that the
    entry names, or keep the live slot's image, because a new model or setting alone is a release too.

    Raises:
        DeliveryError: a file cannot be part of a ConfigMap, or a registry does not name the tag's digest.
        ConfigurationError: a value is not valid in a slot.
        typer.BadParameter: there is nothing to release, an option is malformed, or it requires another option.
    """
    spec, here = service.spec, service.builds
    image = None if asked.image is None else registry.resolved(asked.image)
    if image is not None:  # before calling Pulumi, which takes a second and may not be installed
        parse(SlotRelease, {"image": image}, "release: ")
    live = _live(service)
    runs = service.revision(live)
    own, named = runs.content, service.reference or live.image
    news = runs.spec != spec.of_slot or named != live.image
    if asked.checksum and not asked.model:
        raise typer.BadParameter(
            "is the checksum of a model's SHA256SUMS file; set --model too", param_hint="--checksum"
        )
    if image is None and not here and not (asked.model or asked.files or asked.server or news):
        raise typer.BadParameter(
            f"{service.stack.environment} builds no image, and the catalogue entry has no pending changes; "
            "set --image, --model, --files or --server",
            param_hint="--image",
        )
    given: dict[str, Any] = own.document()
    given["image"] = image if image is not None or here else named
    if asked.model:
        given["model"] = {"uri": asked.model, "checksum": asked.checksum}
    if asked.files:
        given["files"] = read(asked.files)
    if asked.server:
        if spec.owned is None:
            raise typer.BadParameter("has settings only of Slipway's own server; remove it", param_hint="--server")
        given["server"] = _settings(own.server or spec.owned, asked.server)
    return parse(SlotRelease, given, "release: ")


def unnamed(service: Service) -> SlotRelease:
    """Return the live slot's content, for a plan whose image is not known yet."""
    return service.revision(_live(service)).content


def _live(service: Service) -> SlotRelease:
    """Return what the live slot runs or, before the first update, what the stack file declares for it."""
    release = service.release()
    return service.live() or release.slots[release.live].settled


def read(folder: Path) -> dict[str, str]:
    """Read a folder's files as ConfigMap data; raises DeliveryError for anything but UTF-8 text files."""
    if not folder.is_dir():
        raise DeliveryError(f"--files {folder}: no such folder")
    found: dict[str, str] = {}
    for path in sorted(folder.iterdir()):
        if not path.is_file():
            raise DeliveryError(f"--files {path}: not a file; the folder must contain only files")
        try:
            found[path.name] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise DeliveryError(f"--files {path}: not UTF-8 text; publish the file with the model") from None
    return found


def _settings(base: ServerSettings, changes: Sequence[str]) -> dict[str, Any]:
    settings = base.model_dump(mode="json", by_alias=True)
    for change in changes:
        key, equals, value = change.partition("=")
        if not equals:
            raise typer.BadParameter(f"{change!r} is not KEY=VALUE, as in queueLimit=32", param_hint="--server")
        settings[key] = int(value) if value.isdigit() else value
    return settings


def by_digest(image: str) -> str:
    """Return an image reference that names a digest; raises ConfigurationError for a tag."""
    try:
        return digest_reference(image)
    except ValueError as error:
        raise ConfigurationError([f"{image}: {error}"]) from None
