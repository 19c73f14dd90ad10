"""A catalogue entry: one system, described once, with the differences between its environments."""

import posixpath
from typing import Self

from pydantic import ValidationError, model_validator

from models import entry_rules
from models.base import Model
from models.declarations import Declarations
from models.errors import ConfigurationError, Faults, faults_of
from models.image import ImageBuild
from models.profile import NOTHING, PROXY, MetricsProfile
from models.service import ServiceOverlay, ServiceSpec
from models.storage import Volume
from models.stores import StoreOverlay, StoreSpec


class CatalogueEntry(Declarations):
    """``catalog/<system>.yaml``. Environments are in promotion order: the first builds, the others use its digests."""

    @model_validator(mode="after")
    def _names_resolve(self) -> Self:
        if faults := list(entry_rules.faults(self)):
            raise Faults(faults)
        return self

    @property
    def building_environment(self) -> str:
        """The only environment that builds images."""
        return next(iter(self.environments))

    def service_in(self, environment: str, service: str) -> ServiceSpec:
        """Apply an environment's overlay to a service, block by block, and validate the result.

        Raises:
            ConfigurationError: the overlay breaks a rule together with the entry's other blocks.
        """
        changes = _changes(self.overlay(environment, service))
        try:
            spec = ServiceSpec.model_validate({**dict(self.services[service]), **changes})
        except ValidationError as error:
            where = f"catalog/{self.name}.yaml: environments.{environment}.services.{service}."
            raise ConfigurationError(faults_of(error, ServiceSpec, where)) from error
        return spec.model_copy(update={"metrics_profile": self._profile_of(spec)})

    def _profile_of(self, spec: ServiceSpec) -> MetricsProfile:
        """Return the profile that a service names or contains, or the default for its image."""
        if isinstance(spec.metrics_profile, MetricsProfile):
            return spec.metrics_profile
        if spec.metrics_profile is not None:
            return self.profiles[spec.metrics_profile]
        image = self.images[spec.image]
        if isinstance(image, ImageBuild):
            context = posixpath.normpath(image.context)
            ours = (profile for profile in self.profiles.values() if context in profile.contexts)
        else:  # an image by digest: without `server: other`, it contains a server that the stack could also build
            ours = (profile for profile in self.profiles.values() if spec.owned and profile.contexts)
        return next(ours, PROXY if spec.route else NOTHING)

    def overlay(self, environment: str, service: str) -> ServiceOverlay:
        """Return an environment's overlay of a service; empty if there is none."""
        return self.environments[environment].services.get(service, ServiceOverlay())

    def store_in(self, environment: str, store: str) -> StoreSpec:
        """Apply an environment's overlay to a store. No rule spans two blocks, so the result is not validated again."""
        overlay = self.environments[environment].stores.get(store, StoreOverlay())
        return self.stores[store].model_copy(update=_changes(overlay))

    def volumes_in(self, environment: str) -> dict[str, Volume]:
        """Return the volumes of an environment."""
        return {**self.volumes, **self.environments[environment].volumes}


def _changes(overlay: Model) -> dict[str, object]:
    return {field: getattr(overlay, field) for field in overlay.model_fields_set}
