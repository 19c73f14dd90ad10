"""What slots run instead of the current catalogue entry."""

from pydantic import Field

from models.base import Model
from models.revision import Revision
from models.vocabulary import SlotName


class Ran(Model):
    """What a slot ran at the stack's last update."""

    image: str
    revision: Revision | None = None
    """None = the state was written by a version of Slipway without revisions."""


class Pins(Model):
    """The sources of what slots run, besides the catalogue entry."""

    revisions: dict[str, Revision] = Field(default_factory=dict)
    """By hash: the files that the stack names."""
    ran: dict[str, dict[SlotName, Ran]] = Field(default_factory=dict)
    """By service: what each slot ran at the last update."""


NO_PINS = Pins()
