"""What slots run instead of the current catalogue entry."""

from pydantic import Field

from models.base import Model
from models.revision import Revision
from models.vocabulary import SlotName


class Ran(Model):
    """What a slot ran at the stack's last update."""

    image: str
    revision: Revision | None = None
    """None if the state was written by a version of Slipway without revisions."""


class Pins(Model):
    """The sources, other than the catalogue entry, of what slots run."""

    revisions: dict[str, Revision] = Field(default_factory=dict)
    """The revision files that the stack names, by hash."""
    ran: dict[str, dict[SlotName, Ran]] = Field(default_factory=dict)
    """What each slot ran at the last update, by service."""


NO_PINS = Pins()
