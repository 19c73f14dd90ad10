"""A catalogue entry: one system described once, with what differs per environment."""

from typing import Self

from pydantic import Field, model_validator

from models import references
from models.base import Model
from models.errors import Faults
from models.image import ImageBuild
from models.jobs import JobSpec
from models.secrets import SecretSpec
from models.service import ServiceOverlay, ServiceSpec
from models.storage import Volume
from models.stores import StoreOverlay, StoreSpec
from models.vocabulary import Name


class Environment(Model):
    """What one environment changes, and the Jobs that it runs."""

    services: dict[Name, ServiceOverlay] = Field(default_factory=dict)
    stores: dict[Name, StoreOverlay] = Field(default_factory=dict)
    volumes: dict[Name, Volume] = Field(default_factory=dict, description="each replaces the entry's volume whole")
    jobs: dict[Name, JobSpec] = Field(default_factory=dict, description="such as the training of a model")
    protect: bool = Field(default=False, strict=True, description="refuse to delete volumes and stores")


class CatalogueEntry(Model):
    """``catalog/<system>.yaml``. Environments are in promotion order: the first one builds, the others take digests."""

    name: Name
    images: dict[Name, ImageBuild] = Field(min_length=1)
    secrets: dict[Name, SecretSpec] = Field(default_factory=dict)
    volumes: dict[Name, Volume] = Field(default_factory=dict)
    stores: dict[Name, StoreSpec] = Field(default_factory=dict)
    services: dict[Name, ServiceSpec] = Field(min_length=1)
    environments: dict[Name, Environment] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_resolve(self) -> Self:
        if faults := list(references.faults(self)):
            raise Faults(faults)
        return self

    @property
    def building_environment(self) -> str:
        """The only environment that builds images."""
        return next(iter(self.environments))

    def service_in(self, environment: str, service: str) -> ServiceSpec:
        """Apply an environment's overlay to a service, block by block, and validate the result.

        Raises:
            pydantic.ValidationError: the overlay breaks a rule together with the entry's other blocks.
        """
        changes = _changes(self.overlay(environment, service))
        return ServiceSpec.model_validate({**dict(self.services[service]), **changes})

    def overlay(self, environment: str, service: str) -> ServiceOverlay:
        """Give what an environment changes of a service."""
        return self.environments[environment].services.get(service, ServiceOverlay())

    def store_in(self, environment: str, store: str) -> StoreSpec:
        """Apply an environment's overlay to a store; no rule spans two of its blocks."""
        overlay = self.environments[environment].stores.get(store, StoreOverlay())
        return self.stores[store].model_copy(update=_changes(overlay))

    def volumes_in(self, environment: str) -> dict[str, Volume]:
        """Give the volumes as an environment has them."""
        return {**self.volumes, **self.environments[environment].volumes}


def _changes(overlay: Model) -> dict[str, object]:
    return {field: getattr(overlay, field) for field in overlay.model_fields_set}
