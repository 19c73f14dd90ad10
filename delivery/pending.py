"""What the live slot runs, beside what the working tree would have it run: what a release would bring."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from delivery.session import Session
from models.errors import differ
from models.release import TREE
from models.strategy import Rolling
from models.vocabulary import SlotName


@dataclass(frozen=True, kw_only=True)
class Pending:
    """One service."""

    stack: str
    service: str
    slot: SlotName
    image: str | None
    """By digest, as of the last update; none = never deployed."""
    builds: bool
    """Whether a release without --image builds another image from the tree."""
    follows: bool
    """Whether an update applies the edits at once: the slot follows the tree."""
    changes: Mapping[str, tuple[object, object]]
    """By dotted path: what is live, and what the tree says; none = not given."""

    @property
    def command(self) -> str:
        """What applies the edits."""
        return f"pulumi up -s {self.stack}" if self.follows else f"slipway release {self.stack} {self.service}"

    @property
    def line(self) -> str:
        """Say it in one line; empty = the slot runs what the tree says."""
        if not self.changes:
            return ""
        return differ(list(self.changes), self.slot, self.command, "applies" if self.follows else "releases")

    def document(self) -> dict[str, Any]:
        """Give it for a program."""
        return {
            "slot": self.slot,
            "image": self.image,
            "builds": self.builds,
            "changes": {path: {"live": live, "tree": tree} for path, (live, tree) in self.changes.items()},
            "command": self.command if self.changes else None,
        }


def pending(session: Session, service: str, outputs: Mapping[str, Any]) -> Pending:
    """Compare the live slot with the working tree; ``outputs`` are the stack's, as of its last update."""
    spec, release = session.service_spec(service), session.release(service)
    declared, live = release.slots[release.live], session.live(service, outputs)
    return Pending(
        stack=session.stack,
        service=service,
        slot=release.live,
        image=live.image if live else None,
        builds=builds(session, service),
        follows=declared.pinned is None and (isinstance(spec.release, Rolling) or declared.revision == TREE),
        changes=session.revision(service, live).changes(spec.of_slot) if live else {},
    )


def builds(session: Session, service: str) -> bool:
    """Whether this stack builds the service's image itself."""
    settings = session.settings()
    return settings.image is not None and session.service_spec(service).image not in settings.images
