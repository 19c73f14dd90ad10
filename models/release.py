"""What each slot of a service runs, and how requests are split between the slots."""

import re
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from models.base import Model
from models.files import Files
from models.model import ModelVersion
from models.pattern import Pattern
from models.server import ServerSettings
from models.vocabulary import DigestReference, HeaderName, Percent, Positive, SlotName, Text

TREE = "tree"
"""The revision of a slot that follows the working tree: the catalogue entry, and the image if the stack builds it."""
Revised = Annotated[str, Field(pattern=r"^([0-9a-f]{16}|tree)$")]


class SlotRelease(Model):
    """One filled slot. Its pods never start with the settings of the other slot."""

    image: DigestReference | None = Field(
        default=None, description="none = the image under slipway:images, or the one that the stack builds"
    )
    revision: Revised | None = Field(
        default=None,
        description="hash of revisions/<hash>.yaml, which holds everything that the slot runs besides its image; "
        "tree = follow the catalogue entry in the working tree; none = what the last update ran or, with strategy "
        "rolling, the catalogue entry",
    )
    model: ModelVersion | None = Field(default=None, description="none = the entry's model")
    server: ServerSettings | None = Field(default=None, description="none = the entry's settings")
    files: Files | None = Field(default=None, description="each replaces the entry's file of the same name")
    min_replicas: Positive | None = Field(default=None, description="minimum number of pods during a release")
    max_replicas: Positive | None = Field(default=None, description="maximum number of pods during a release")

    @property
    def pinned(self) -> str | None:
        """The hash of the slot's revision, or None if the slot is not pinned."""
        return None if self.revision == TREE else self.revision

    @property
    def travelling(self) -> "SlotRelease":
        """The model, settings and files, which a promotion carries to the next environment along with the image."""
        return SlotRelease(model=self.model, server=self.server, files=self.files)

    @property
    def settled(self) -> "SlotRelease":
        """The slot without the replica bounds that a release sets while it is in progress."""
        return self.model_copy(update={"min_replicas": None, "max_replicas": None})

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        own = [name for name in ("model", "server", "files") if getattr(self, name) is not None]
        if self.pinned and own:
            raise ValueError(
                f"revision {self.revision} already contains model, server and files; remove {', '.join(own)}"
            )
        if self.min_replicas and self.max_replicas and self.min_replicas > self.max_replicas:
            raise ValueError(f"minReplicas {self.min_replicas} exceeds maxReplicas {self.max_replicas}; lower it")
        return self


_NEVER_MATCHED = re.compile(
    r"host|connection|content-length|keep-alive|proxy-connection|te|trailer|transfer-encoding|upgrade|x-real-ip"
    r"|x-forwarded-.*",
    re.IGNORECASE,
)
"""Headers that describe the connection (RFC 9110), and those that proxies write themselves."""


def _chosen_name(value: str) -> str:
    if _NEVER_MATCHED.fullmatch(value):
        raise ValueError("proxies remove or replace this header before they match it; choose another name")
    return value


def _chosen_value(value: str) -> str:
    if value != value.strip() or any(sign in value for sign in "\n\r"):
        raise ValueError("a header's value contains no line break and no space at its ends; remove them")
    return value


class HeaderMatch(Model):
    """A header that selects a slot.

    With neither value nor pattern, ``always`` selects the other slot, and ``never`` the live slot.
    """

    name: Annotated[HeaderName, AfterValidator(_chosen_name)] = Field(
        description="name of the header", examples=["X-Canary"]
    )
    value: Annotated[Text, AfterValidator(_chosen_value)] | None = Field(
        default=None, description="exact value that selects the other slot"
    )
    pattern: Pattern | None = Field(
        default=None, description="regular expression (RE2), found anywhere in the value, that selects the other slot"
    )

    @model_validator(mode="after")
    def _at_most_one(self) -> Self:
        if self.value is not None and self.pattern is not None:
            raise ValueError("set value or pattern, not both; the proxy honors only one of them")
        return self


class Match(Model):
    """Requests that reach the other slot whatever the weight is. Precedence: header, then cookie, then weight."""

    header: HeaderMatch | None = Field(default=None, description="none = no header selects a slot")
    cookie: HeaderName | None = Field(
        default=None, description="cookie that selects the other slot (always) or the live slot (never)"
    )


class ServiceRelease(Model):
    """The declared slots of one service, and the split of requests between them."""

    live: SlotName = Field(default="blue", description="slot that answers all requests that do not go to a canary")
    slots: dict[SlotName, SlotRelease] = Field(min_length=1, description="what each filled slot runs")
    weight: Percent = Field(default=0, description="percent of requests that the other slot answers")
    match: Match = Match()

    @model_validator(mode="after")
    def _targets_exist(self) -> Self:
        if self.live not in self.slots:
            raise ValueError(
                f"live is {self.live}, but slots contains only {', '.join(self.slots)}; fill slots.{self.live}"
            )
        if len(self.slots) == 1 and (self.weight or self.match != Match()):
            raise ValueError("weight and match require the other slot, which is not filled; fill it, or remove them")
        return self

    @property
    def canary(self) -> SlotName | None:
        """The filled slot that is not live, if there is one."""
        return next((slot for slot in self.slots if slot != self.live), None)

    def weight_of(self, slot: SlotName) -> int:
        """Return the percentage of requests without a match that this slot answers."""
        return 100 - self.weight if slot == self.live else self.weight


BUILT = ServiceRelease(slots={"blue": SlotRelease()})
"""The release of a stack without a release section: the built image runs in the live slot."""
