"""Compose a whole system, from its images to its routes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pulumi

from components import admission, secrets
from components.api_server import ApiServer
from components.cluster import cluster_provider
from components.diagnosis import explain_conflicts, explain_failures
from components.image import ModelImage, ModelImageArgs
from components.manifests.manifest import Given, Later, Text
from components.manifests.render import image_of, render
from components.manifests.settings import settings_file
from components.registration import Registration, RegistrationArgs
from components.replicas import replica_hooks
from components.rollout import Rollouts
from models.system import DeployedService, SystemSpec
from models.vocabulary import SlotName


@dataclass(frozen=True, kw_only=True)
class SystemArgs:
    """The arguments of :class:`System`."""

    spec: SystemSpec
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    """The current time, for the soak and freshness of evidence."""
    formerly: str | None = None
    """The entry's name at the last update, if it was different: its resources are carried over."""
    delivered: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The output ``delivery`` of the last update. Slots that ran then need no new evidence."""


class System(pulumi.ComponentResource):
    """Everything that one stack deploys."""

    services: dict[str, Any]
    """Per service: url, host (the Host header), image (live, by digest), live (slot), and what each slot runs."""
    delivery: dict[str, Any]
    """Per service: what runs, with this stack's verdicts and holds. The next environment's stack reads it."""

    def __init__(self, name: str, args: SystemArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        # The names of children start with this name, so Pulumi derives their aliases from this alias.
        renamed = pulumi.ResourceOptions(aliases=[pulumi.Alias(name=args.formerly)] if args.formerly else None)
        super().__init__("slipway:components:System", name, None, pulumi.ResourceOptions.merge(opts, renamed))
        spec = args.spec
        built = self._build(spec)
        # The provider is not a child: Pulumi's tree shows it next to the system that it serves.
        formerly = f"{args.formerly}-cluster" if args.formerly else None
        cluster = cluster_provider(f"{name}-cluster", spec.cluster, formerly)
        server = ApiServer(spec.cluster.context)
        allowed = admission.admitted(spec, args.delivered, args.now, pulumi.ResourceOptions(parent=self))
        given = Given(
            images={**spec.images, **{key: Later(key) for key in built}},
            secrets=secrets.values(spec),
            stack=pulumi.get_stack(),
        )
        registered = RegistrationArgs(
            images=built,
            namespace=allowed,
            protect=spec.protect,
            formerly=args.formerly,
            failed=explain_failures(server),
            taken=explain_conflicts(),
            replicas=replica_hooks(server),
            rollouts=Rollouts(server),
        )
        below = pulumi.ResourceOptions(parent=self, providers=[cluster])
        Registration(name, registered, below).add(render(spec, given))
        self.services, self.delivery = {}, {}
        for service, content in spec.services.items():
            images: dict[SlotName, pulumi.Output[str]] = {
                slot: self._output(image_of(spec, given, service, slot), built) for slot in content.release.slots
            }
            self.services[service] = _summary(content, spec, images)
            self.delivery[service] = admission.published(spec, service, images, allowed)
        self.register_outputs({"services": self.services, "delivery": self.delivery})

    def _build(self, spec: SystemSpec) -> dict[str, pulumi.Output[str]]:
        """Return the reference of each image that this stack builds, by the image's key in the entry."""
        if spec.image is None:
            return {}
        return {
            key: ModelImage(
                f"{spec.name}-{key}",
                ModelImageArgs(
                    system=spec.name, environment=spec.environment, key=key, build=build, settings=spec.image
                ),
                pulumi.ResourceOptions(parent=self),
            ).reference
            for key, build in spec.builds.items()
        }

    @staticmethod
    def _output(image: Text, built: Mapping[str, pulumi.Output[str]]) -> pulumi.Output[str]:
        return built[image.image] if isinstance(image, Later) else pulumi.Output.from_input(image)


def _summary(
    content: DeployedService,
    spec: SystemSpec,
    images: Mapping[SlotName, pulumi.Output[str]],
) -> dict[str, Any]:
    route, release = content.spec.route, content.release
    slots = {
        slot: {
            "image": image,
            **({"config": settings.content_hash} if (settings := settings_file(content.runs(slot))) else {}),
            "weight": release.weight_of(slot),
        }
        for slot, image in images.items()
    }
    summary: dict[str, Any] = {"image": images[release.live], "live": release.live, "slots": slots}
    if route is not None:
        scheme = "https" if route.tls else "http"
        summary["url"] = (spec.cluster.ingress_url or f"{scheme}://{route.host}") + route.path
        summary["host"] = route.host
    return summary
