"""A small system whose stack builds its image from a tree, which tests change as a developer would."""

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
        """The system as commands and checks of releases use it."""
        return Releasing(self.copy, "")

    def change(self, fault: Fault) -> None:
        """Change the tree, so that images built from now on have this fault."""
        app = self.copy.folder / "tree" / "app"
        app.mkdir(exist_ok=True)
        (app / "sitecustomize.py").write_bytes(Path(misbehaving.__file__).read_bytes())
        (app / misbehaving.FAULT).write_text(faulty.described(fault))

    def edit(self, **fields: object) -> None:
        """Edit the catalogue entry's service."""
        file = self.copy.folder / "catalog" / f"{self.copy.name}.yaml"
        file.write_text(yaml.safe_dump(entry(self.copy.name, self.strategy, **fields), sort_keys=False))

    def release(self) -> Commanded:
        """Release the current tree."""
        return self.driven.slipway("release")

    def live(self) -> Json:
        """Return the live slot's part of the stack's outputs."""
        found = self.copy.output(SERVICE)
        return cast("Json", found["slots"][found["live"]])

    def container(self) -> Json:
        """Return the live slot's container from the API server."""
        slot = self.copy.output(SERVICE)["live"]
        deployment = self.copy.found("deployment", f"{SERVICE}-{slot}")
        return cast("Json", deployment["spec"]["template"]["spec"]["containers"][0])


def entry(name: str, strategy: Json, **fields: object) -> Json:
    """Return the catalogue entry, whose image is built from a folder of the project."""
    said = content(name, strategy)
    said["images"]["server"] = {"context": "tree"}
    said["services"][SERVICE].update(fields)
    return said


@contextmanager
def building(stack: Stack, folder: Path, name: str, strategy: Json) -> Generator[Building]:
    """Deploy the system, built from a tree without faults; destroy it at the end."""
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
