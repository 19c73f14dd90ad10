"""What slots run that the catalogue entry does not say."""

from pydantic import Field

from models.base import Model
from models.revision import Revision
from models.vocabulary import SlotName


class Ran(Model):
    """What a slot ran at the stack's last update."""

    image: str
    revision: Revision | None = None
    """None = written by a version of the program that knew none."""


class Pins(Model):
    """What a stack pins its slots to."""

    revisions: dict[str, Revision] = Field(default_factory=dict)
    """By hash: the stack's files."""
    ran: dict[str, dict[SlotName, Ran]] = Field(default_factory=dict)
    """By service: the last update."""


NO_PINS = Pins()
