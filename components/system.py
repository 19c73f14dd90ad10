"""The composer: a whole system, from its images to its routes."""

from dataclasses import dataclass
from typing import Any

import pulumi

from components.cluster import cluster_provider
from components.diagnosis import ApiServer, explain_failures
from components.foundation import Foundation, FoundationArgs
from components.image import ModelImage, ModelImageArgs
from components.slot import Slot, SlotArgs
from components.traffic import Traffic, TrafficArgs
from models.system import DeployedService, SystemSpec
from models.vocabulary import SlotName


@dataclass(frozen=True, kw_only=True)
class SystemArgs:
    """What the system is."""

    spec: SystemSpec


class System(pulumi.ComponentResource):
    """Everything that one stack deploys."""

    services: dict[str, Any]
    """Per service: url, host (the Host header), image (live, by digest), live (slot), and what each slot runs."""

    def __init__(self, name: str, args: SystemArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:components:System", name, None, opts)
        spec = args.spec
        self._images = self._build(spec)
        # The provider is no child: Pulumi's tree shows it beside the system that it serves.
        self._cluster = cluster_provider(f"{name}-cluster", spec.cluster)
        self._explain = explain_failures(ApiServer(spec.cluster.context))
        below = pulumi.ResourceOptions(parent=self, providers=[self._cluster])
        self._foundation = Foundation(name, FoundationArgs(system=spec), below)
        self.services = {service: self._service(service, content, spec) for service, content in spec.services.items()}
        self.register_outputs({"services": self.services})

    def _build(self, spec: SystemSpec) -> dict[str, pulumi.Output[str]]:
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

    def _service(self, service: str, content: DeployedService, spec: SystemSpec) -> dict[str, Any]:
        below = pulumi.ResourceOptions(parent=self, providers=[self._cluster])
        images: dict[SlotName, pulumi.Output[str]] = {
            slot: self._image_of(slot, content) for slot in content.release.slots
        }
        slots: dict[SlotName, Slot] = {
            slot: Slot(
                f"{service}-{slot}",
                SlotArgs(
                    system=spec.name,
                    namespace=self._foundation.namespace,
                    service=service,
                    slot=slot,
                    spec=content.spec,
                    release=release,
                    image=images[slot],
                    explain=self._explain,
                ),
                below,
            )
            for slot, release in content.release.slots.items()
        }
        traffic = TrafficArgs(
            system=spec.name,
            namespace=self._foundation.namespace,
            service=service,
            spec=content.spec,
            release=content.release,
            cluster=spec.cluster,
            ready={slot: filled.ready for slot, filled in slots.items()},
        )
        Traffic(service, traffic, below)
        configs: dict[SlotName, str] = {slot: filled.settings.content_hash for slot, filled in slots.items()}
        return _summary(content, spec, images, configs)

    def _image_of(self, slot: SlotName, content: DeployedService) -> pulumi.Output[str]:
        given = content.release.slots[slot].image
        return pulumi.Output.from_input(given) if given is not None else self._images[content.spec.image]


def _summary(
    content: DeployedService,
    spec: SystemSpec,
    images: dict[SlotName, pulumi.Output[str]],
    configs: dict[SlotName, str],
) -> dict[str, Any]:
    route, release = content.spec.route, content.release
    slots = {
        slot: {"image": images[slot], "config": configs[slot], "weight": release.weight_of(slot)} for slot in images
    }
    summary: dict[str, Any] = {"image": images[release.live], "live": release.live, "slots": slots}
    if route is not None:
        summary["url"] = (spec.cluster.ingress_url or f"http://{route.host}") + route.path
        summary["host"] = route.host
    return summary
