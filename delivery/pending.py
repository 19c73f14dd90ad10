"""What the live slot runs, beside what the working tree would have it run: what a release would bring."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from delivery.session import Session
from models import evidence
from models.errors import enumerated
from models.release import TREE
from models.revision import changes
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
        many = len(self.changes) > 1
        differ = f"{enumerated(list(self.changes))} {'differ' if many else 'differs'} from what {self.slot} runs"
        return f"{differ}; `{self.command}` {'applies' if self.follows else 'releases'} {'them' if many else 'it'}"

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
    """Compare; ``outputs`` are the stack's, as of its last update."""
    spec, release = session.service_spec(service), session.release(service)
    content = release.slots[release.live]
    ran = evidence.ran(outputs, service).get(release.live)
    tree = session.revision(service, content.model_copy(update={"revision": None}))
    if content.pinned is not None:
        live = session.revision(service, content)
    else:
        live = ran.revision if ran and ran.revision else tree
    own = {"model": live.model, "server": live.server, "files": live.files}
    settings = session.settings()
    return Pending(
        stack=session.stack,
        service=service,
        slot=release.live,
        image=content.image or settings.images.get(spec.image) or (ran.image if ran else None),
        builds=settings.image is not None and spec.image not in settings.images,
        follows=content.pinned is None and (isinstance(spec.release, Rolling) or content.revision == TREE),
        changes=changes(live.whole, tree.model_copy(update=own).whole),
    )
