"""A world that keeps what its updates ran, as a stack's outputs do."""

from collections.abc import Callable
from pathlib import Path

import yaml

from delivery.release.revisions import named
from delivery.release.service import Service
from models.delivery import fingerprint
from models.vocabulary import SlotName
from tests.delivery.world import SERVICE, STACK, World, world
from tests.samples import Config


def exporting(folder: Path) -> World:
    """A world whose updates export what they ran, as the program does."""
    made = world(folder)
    updated = made.engine.up
    exported: Config = {}

    def up(on_line: Callable[[str], None]) -> None:
        assert_files_are_there(made)
        updated(on_line)
        exported.update(exports(made))

    def outputs() -> Config:
        return exported or exports(made)

    exported.update(exports(made))
    made.engine.up = up
    made.engine.outputs = outputs
    return made


def assert_files_are_there(made: World) -> None:
    """Nothing is declared before the file that says what it is."""
    text = (made.stack.project / f"Pulumi.{STACK}.yaml").read_bytes()
    for name in named(text):
        assert (made.stack.project / "revisions" / f"{name}.yaml").is_file()


def exports(made: World) -> Config:
    """What the stack exports after an update."""
    stack, release = made.stack, made.release
    slots: Config = {}
    revisions: Config = {}
    for slot, content in release.slots.items():
        revision = Service(stack, SERVICE).revision(content)
        name = content.pinned or revision.name
        own = revision.content
        revisions[name] = revision.document()
        slots[slot] = {"image": content.image, "config": fingerprint(own), "content": own.document(), "revision": name}
    found = {
        "system": "web", "environment": "prod", "stack": STACK, "service": SERVICE, "live": slots[release.live],
        "slots": slots, "soak": 0, "fresh": 1, "revisions": revisions,
    }  # fmt: skip
    shown = {slot: {"image": running["image"]} for slot, running in slots.items()}
    return {"delivery": {SERVICE: found}, "services": {SERVICE: {"slots": shown}}}


def edit(made: World, **fields: object) -> World:
    """Edit the catalogue entry, and give the world of a command that starts after that."""
    path = made.stack.project / "catalog" / "web.yaml"
    data = yaml.safe_load(path.read_text())
    data["services"][SERVICE].update(fields)
    path.write_text(yaml.safe_dump(data))
    made.stack.__dict__.pop("entry", None)
    return made


def args(made: World, slot: SlotName) -> tuple[str, ...]:
    """The arguments that a slot is pinned to."""
    return made.service.revision(made.release.slots[slot]).spec.args


def files_of(made: World) -> set[str]:
    """Name the revisions that there are files of."""
    return {path.stem for path in (made.stack.project / "revisions").glob("*.yaml")}
