"""The fields of a catalogue entry, without the rules that span several of them."""

from pydantic import Field

from models.base import Model
from models.image import ImageBuild
from models.jobs import JobSpec
from models.secrets import SecretSpec
from models.service import ServiceOverlay, ServiceSpec
from models.storage import Volume
from models.stores import StoreOverlay, StoreSpec
from models.vocabulary import Name


class Environment(Model):
    """The changes of one environment, and the Jobs that it runs."""

    services: dict[Name, ServiceOverlay] = Field(default_factory=dict)
    stores: dict[Name, StoreOverlay] = Field(default_factory=dict)
    volumes: dict[Name, Volume] = Field(
        default_factory=dict, description="each replaces the entry's volume of the same name"
    )
    jobs: dict[Name, JobSpec] = Field(default_factory=dict, description="for example, the training of a model")
    protect: bool = Field(default=False, strict=True, description="refuse to delete volumes and stores")


class Declarations(Model):
    """The fields of a catalogue entry. :class:`models.entry.CatalogueEntry` adds the rules."""

    name: Name
    images: dict[Name, ImageBuild] = Field(min_length=1)
    secrets: dict[Name, SecretSpec] = Field(default_factory=dict)
    volumes: dict[Name, Volume] = Field(default_factory=dict)
    stores: dict[Name, StoreSpec] = Field(default_factory=dict)
    services: dict[Name, ServiceSpec] = Field(min_length=1)
    environments: dict[Name, Environment] = Field(min_length=1)
