"""A small system whose stack builds its own image from a tree that tests change, as a developer does."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import yaml

from tests.cluster import faulty, misbehaving
from tests.cluster.commanded import Commanded
from tests.cluster.copies import Copy, image, initialised
from tests.cluster.faulty import Fault
from tests.cluster.releasing import SERVICE, Releasing, content
from tests.cluster.stack import Json, Stack, config_of, project_elsewhere

_DOCKERFILE = "FROM {original}\nCOPY app /app\n"


@dataclass(frozen=True)
class Building:
    """The system."""

    copy: Copy
    strategy: Json

    @property
    def driven(self) -> Releasing:
        """The same, as commands and checks of releases see it."""
        return Releasing(self.copy, "")

    def change(self, fault: Fault) -> None:
        """Change the tree: what is built from now on behaves so."""
        app = self.copy.folder / "tree" / "app"
        app.mkdir(exist_ok=True)
        (app / "sitecustomize.py").write_bytes(Path(misbehaving.__file__).read_bytes())
        (app / misbehaving.FAULT).write_text(faulty.described(fault))

    def edit(self, **fields: object) -> None:
        """Edit the catalogue entry's service."""
        file = self.copy.folder / "catalog" / f"{self.copy.name}.yaml"
        file.write_text(yaml.safe_dump(entry(self.copy.name, self.strategy, **fields), sort_keys=False))

    def release(self) -> Commanded:
        """Release what the tree is now."""
        return self.driven.slipway("release")

    def live(self) -> Json:
        """What the live slot runs, as the stack's outputs say."""
        found = self.copy.output(SERVICE)
        return cast("Json", found["slots"][found["live"]])

    def container(self) -> Json:
        """The live slot's container, as the API server has it."""
        slot = self.copy.output(SERVICE)["live"]
        deployment = self.copy.found("deployment", f"{SERVICE}-{slot}")
        return cast("Json", deployment["spec"]["template"]["spec"]["containers"][0])


def entry(name: str, strategy: Json, **fields: object) -> Json:
    """The catalogue entry; its image is built from a folder of the project."""
    said = content(name, strategy)
    said["images"]["server"] = {"context": "tree"}
    said["services"][SERVICE].update(fields)
    return said


@contextmanager
def building(stack: Stack, folder: Path, name: str, strategy: Json) -> Generator[Building]:
    """Have the system up, built from a tree that is in order."""
    project = project_elsewhere(folder, entry(name, strategy))
    (project / "tree").mkdir()
    (project / "tree" / "Dockerfile").write_text(_DOCKERFILE.format(original=image("server")))
    with initialised(stack, project, name) as copy:
        del copy.settings["slipway:images"]["server"]
        dev = config_of("dev")["slipway:image"]
        copy.settings["slipway:image"] = {key: dev[key] for key in ("registry", "buildx")}
        made = Building(copy, strategy)
        made.change(faulty.good(0))
        copy.up()
        yield made
