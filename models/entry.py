"""A catalogue entry: one system described once, with what differs per environment."""

from typing import Self

from pydantic import Field, model_validator

from models.base import Model
from models.errors import Faults
from models.image import ImageBuild
from models.service import ServiceOverlay, ServiceSpec
from models.vocabulary import Name

RESERVED_ENDINGS = ("-blue", "-green", "-canary", "-stable")
"""Suffixes of our own resource names: a service called x-blue would collide with slot blue of x."""


class Environment(Model):
    """What one environment changes."""

    services: dict[Name, ServiceOverlay] = Field(default_factory=dict)


class CatalogueEntry(Model):
    """``catalog/<system>.yaml``. Environments are in promotion order: the first one builds, the others take digests."""

    name: Name
    images: dict[Name, ImageBuild] = Field(min_length=1)
    services: dict[Name, ServiceSpec] = Field(min_length=1)
    environments: dict[Name, Environment] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_resolve(self) -> Self:
        faults = [
            f"services.{name}.image: {spec.image!r} is not among images ({', '.join(self.images)})"
            for name, spec in self.services.items()
            if spec.image not in self.images
        ]
        faults += [
            f"services.{name}: names ending in {', '.join(RESERVED_ENDINGS)} are kept for slots; rename the service"
            for name in self.services
            if name.endswith(RESERVED_ENDINGS)
        ]
        faults += [
            f"environments.{name}.services.{service}: no such service ({', '.join(self.services)})"
            for name, environment in self.environments.items()
            for service in environment.services
            if service not in self.services
        ]
        if faults:
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
        spec, overlay = self.services[service], self.environments[environment].services.get(service, ServiceOverlay())
        blocks = {field: getattr(spec, field) for field in ServiceSpec.model_fields}
        blocks |= {field: getattr(overlay, field) for field in overlay.model_fields_set}
        return ServiceSpec.model_validate(blocks)
