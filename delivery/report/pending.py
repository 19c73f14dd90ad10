"""How the live slot differs from the working tree: what a release or an update would change."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from delivery.release.service import Service
from models.errors import differ
from models.release import TREE
from models.strategy import Rolling
from models.vocabulary import SlotName


@dataclass(frozen=True, kw_only=True)
class Pending:
    """The difference for one service."""

    stack: str
    service: str
    slot: SlotName
    image: str | None
    """Image of the live slot by digest, as of the last update; None = never deployed."""
    builds: bool
    """Whether a release without --image builds the image from the tree."""
    follows: bool
    """Whether `pulumi up` applies the changes, because the slot follows the tree."""
    changes: Mapping[str, tuple[object, object]]
    """Dotted path → (live value, value in the tree); None = not set."""

    @property
    def command(self) -> str:
        """The command that applies the changes."""
        return f"pulumi up -s {self.stack}" if self.follows else f"slipway release {self.stack} {self.service}"

    @property
    def line(self) -> str:
        """The changes in one line; empty = none."""
        if not self.changes:
            return ""
        return differ(list(self.changes), self.slot, self.command, "applies" if self.follows else "releases")

    def document(self) -> dict[str, Any]:
        """Return the difference as JSON data."""
        return {
            "slot": self.slot,
            "image": self.image,
            "builds": self.builds,
            "changes": {path: {"live": live, "tree": tree} for path, (live, tree) in self.changes.items()},
            "command": self.command if self.changes else None,
        }


def pending(service: Service, outputs: Mapping[str, Any]) -> Pending:
    """Compare the live slot with the working tree; ``outputs`` are the stack's outputs from its last update."""
    spec, release = service.spec, service.release()
    declared, live = release.slots[release.live], service.live(outputs)
    return Pending(
        stack=service.stack.name,
        service=service.name,
        slot=release.live,
        image=live.image if live else None,
        builds=service.builds,
        follows=declared.pinned is None and (isinstance(spec.release, Rolling) or declared.revision == TREE),
        changes=service.revision(live).changes(spec.of_slot) if live else {},
    )
