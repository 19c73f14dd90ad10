"""Compose a whole system, from its images to its routes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pulumi

from components import admission, names
from components.accounts import Accounts, AccountsArgs
from components.api_server import ApiServer
from components.cluster import cluster_provider
from components.diagnosis import explain_conflicts, explain_failures
from components.foundation import Foundation, FoundationArgs
from components.image import ModelImage, ModelImageArgs
from components.job import Job, JobArgs
from components.manifests.job import JobPodArgs
from components.manifests.store import StorePodArgs
from components.secrets import Secrets, SecretsArgs
from components.slot import Slot, SlotArgs
from components.store import Store, StoreArgs
from components.traffic import Traffic, TrafficArgs
from models.service import ServiceSpec
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
        self._spec = spec
        self._images = self._build(spec)
        # The provider is not a child: Pulumi's tree shows it next to the system that it serves.
        formerly = f"{args.formerly}-cluster" if args.formerly else None
        self._cluster = cluster_provider(f"{name}-cluster", spec.cluster, formerly)
        self._server = ApiServer(spec.cluster.context)
        self._explain = explain_failures(self._server)
        self._below = pulumi.ResourceOptions(parent=self, providers=[self._cluster])
        self._allowed = admission.admitted(spec, args.delivered, args.now, pulumi.ResourceOptions(parent=self))
        shared = FoundationArgs(system=spec, namespace=self._allowed, taken=explain_conflicts())
        self._foundation = Foundation(name, shared, self._below)
        namespace = self._foundation.namespace
        Accounts(name, AccountsArgs(system=spec, namespace=namespace), self._below)
        kept = SecretsArgs(
            system=spec.name,
            namespace=namespace,
            namespace_name=spec.namespace,
            secrets=spec.secrets,
            formerly=args.formerly,
        )
        self._secrets = Secrets(name, kept, self._below)
        stores = {store: self._store(store) for store in spec.stores}
        jobs = {job: self._job(job, stores) for job in spec.jobs}
        self.services, self.delivery = {}, {}
        self._up: list[pulumi.Input[pulumi.Resource]] = []
        for service, content in spec.services.items():
            self._service(service, content, jobs)
        if self._foundation.quota_waits:
            self._foundation.quota(name, spec, self._up)
        self.register_outputs({"services": self.services, "delivery": self.delivery})

    def _build(self, spec: SystemSpec) -> dict[str, pulumi.Output[str]]:
        given = {key: pulumi.Output.from_input(reference) for key, reference in spec.images.items()}
        if spec.image is None:
            return given
        built = {
            key: ModelImage(
                f"{spec.name}-{key}",
                ModelImageArgs(
                    system=spec.name, environment=spec.environment, key=key, build=build, settings=spec.image
                ),
                pulumi.ResourceOptions(parent=self),
            ).reference
            for key, build in spec.builds.items()
        }
        return {**given, **built}

    def _store(self, store: str) -> Store:
        spec = self._spec.stores[store]
        pod = StorePodArgs(
            system=self._spec, name=store, spec=spec, image=self._images[spec.image], secrets=self._secrets.names
        )
        claim = self._foundation.claims.get(names.data_claim(store))
        args = StoreArgs(
            pod=pod,
            namespace=self._foundation.namespace,
            after=[*self._secrets.ready, *([claim] if claim else [])],
            explain=self._explain,
            cluster=self._server,
        )
        return Store(store, args, self._below)

    def _job(self, job: str, stores: dict[str, Store]) -> pulumi.Resource:
        spec = self._spec.jobs[job]
        pod = JobPodArgs(
            system=self._spec, name=job, spec=spec, image=self._images[spec.image], secrets=self._secrets.names
        )
        called = [stores[name].ready for name in spec.calls if name in stores]
        args = JobArgs(
            pod=pod,
            namespace=self._foundation.namespace,
            needs=[*self._secrets.ready, *called],
            explain=self._explain,
        )
        return Job(job, args, self._below).done

    def _service(self, service: str, content: DeployedService, jobs: dict[str, pulumi.Resource]) -> None:
        spec = self._spec
        images: dict[SlotName, pulumi.Output[str]] = {
            slot: self._image_of(slot, content) for slot in content.release.slots
        }
        slots: dict[SlotName, Slot] = {
            slot: Slot(
                f"{service}-{slot}",
                SlotArgs(
                    system=spec,
                    namespace=self._foundation.namespace,
                    service=service,
                    slot=slot,
                    spec=content.runs(slot),
                    release=release,
                    image=images[slot],
                    secrets=self._secrets.names,
                    after=[*self._secrets.ready, *self._claims(content.runs(slot)), *_before(service, spec, jobs)],
                    explain=self._explain,
                    cluster=self._server,
                ),
                self._below,
            )
            for slot, release in content.release.slots.items()
        }
        traffic = TrafficArgs(
            system=spec,
            namespace=self._foundation.namespace,
            service=service,
            spec=content.runs(content.release.live),
            release=content.release,
            ready={slot: filled.ready for slot, filled in slots.items()},
        )
        Traffic(service, traffic, self._below)
        self._up += [resource for filled in slots.values() for resource in filled.ready]
        configs: dict[SlotName, str] = {slot: filled.config.content_hash for slot, filled in slots.items()}
        self.services[service] = _summary(content, spec, images, configs)
        self.delivery[service] = admission.published(spec, service, images, self._allowed)

    def _claims(self, spec: ServiceSpec) -> list[pulumi.Resource]:
        used = set(spec.mounts)
        if spec.model:
            used |= {spec.model.cache.volume} if spec.model.cache else set()
            used |= {spec.model.claim[0]} if spec.model.scheme == "pvc" else set()
        return [claim for name, claim in self._foundation.claims.items() if name in used]

    def _image_of(self, slot: SlotName, content: DeployedService) -> pulumi.Output[str]:
        given = content.release.slots[slot].image
        return pulumi.Output.from_input(given) if given is not None else self._images[content.runs(slot).image]


def _before(service: str, spec: SystemSpec, jobs: dict[str, pulumi.Resource]) -> list[pulumi.Resource]:
    return [jobs[name] for name, job in spec.jobs.items() if service in job.before]


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
        scheme = "https" if route.tls else "http"
        summary["url"] = (spec.cluster.ingress_url or f"{scheme}://{route.host}") + route.path
        summary["host"] = route.host
    return summary
