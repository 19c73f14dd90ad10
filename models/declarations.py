"""The fields of a catalogue entry, without the rules that span several of them."""

from pydantic import Field

from models.base import Model
from models.image import Image, ImageBuild, NamedImage
from models.jobs import JobSpec
from models.profile import MetricsProfile
from models.secrets import SecretSpec
from models.service import ServiceOverlay, ServiceSpec
from models.storage import Volume
from models.stores import StoreOverlay, StoreSpec
from models.vocabulary import Name


class Environment(Model):
    """The changes of one environment, and the Jobs that it runs."""

    services: dict[Name, ServiceOverlay] = Field(default_factory=dict, description="changed blocks of each service")
    stores: dict[Name, StoreOverlay] = Field(default_factory=dict, description="changed blocks of each store")
    volumes: dict[Name, Volume] = Field(
        default_factory=dict, description="each replaces the entry's volume of the same name"
    )
    jobs: dict[Name, JobSpec] = Field(default_factory=dict, description="for example, the training of a model")
    protect: bool = Field(default=False, strict=True, description="refuse to delete volumes and stores")


class Declarations(Model):
    """The fields of a catalogue entry. :class:`models.entry.CatalogueEntry` adds the rules."""

    name: Name = Field(description="name of the system, and of this file")
    images: dict[Name, Image] = Field(min_length=1, description="images to build, or images by digest")
    secrets: dict[Name, SecretSpec] = Field(default_factory=dict, description="secrets; a stack names their sources")
    volumes: dict[Name, Volume] = Field(default_factory=dict, description="volumes that outlive pods")
    stores: dict[Name, StoreSpec] = Field(default_factory=dict, description="servers that keep data, such as Redis")
    services: dict[Name, ServiceSpec] = Field(min_length=1, description="services, which releases move slot by slot")
    profiles: dict[Name, MetricsProfile] = Field(
        default_factory=dict,
        description="further metrics profiles, by the name that services give as metricsProfile; those of "
        "catalog/profiles are always known",
    )
    environments: dict[Name, Environment] = Field(
        min_length=1, description="in promotion order; the first one builds the images"
    )

    @property
    def built(self) -> dict[str, ImageBuild]:
        """The images that the first environment builds."""
        return {key: image for key, image in self.images.items() if isinstance(image, ImageBuild)}

    @property
    def references(self) -> dict[str, str]:
        """The images that the entry names by digest."""
        return {key: image.reference for key, image in self.images.items() if isinstance(image, NamedImage)}
