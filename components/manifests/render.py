"""Everything that a stack declares in Kubernetes, as plain data.

Nothing here imports pulumi. The program calls :func:`render` and registers what it returns; tests call it alone.
"""

from collections.abc import Iterator
from typing import TypeVar

from components import names
from components.manifests import secrets
from components.manifests.accounts import accounts
from components.manifests.claims import claims
from components.manifests.container import BoundSecret, WorkloadArgs
from components.manifests.foundation import claim_id, foundation, quota
from components.manifests.job import job, job_id
from components.manifests.manifest import Given, Manifest, Text
from components.manifests.slot import SlotArgs, scaled, slot
from components.manifests.store import server_id, store
from components.manifests.traffic import TrafficArgs, traffic
from models.jobs import JobSpec
from models.service import ServiceSpec
from models.stores import StoreSpec
from models.system import DeployedService, SystemSpec
from models.vocabulary import SlotName

S = TypeVar("S", StoreSpec, JobSpec)


def render(system: SystemSpec, given: Given) -> tuple[Manifest, ...]:
    """Return every object that a stack declares. An object comes after all those that must be ready before it."""
    return tuple(_Renderer(system, given).manifests())


def image_of(system: SystemSpec, given: Given, service: str, slot: SlotName) -> Text:
    """Return the reference of the image that a slot runs."""
    content = system.services[service]
    return content.release.slots[slot].image or given.images[content.revisions[slot].spec.image]


class _Renderer:
    """Renders one system; later parts name the objects of earlier ones."""

    def __init__(self, system: SystemSpec, given: Given) -> None:
        self._system, self._given = system, given
        self._bound: dict[str, BoundSecret] = secrets.bound(system, given)
        self._made_secrets = tuple(secrets.secrets(system, given, self._bound))
        self._secrets = tuple(one.id for one in self._made_secrets)
        self._claims = tuple(claims(system))

    def manifests(self) -> Iterator[Manifest]:
        system = self._system
        yield from foundation(system, self._given.stack)
        yield from accounts(system)
        yield from self._made_secrets
        for name, spec in system.stores.items():
            volume = self._claim_ids({names.data_claim(name)})
            yield from store(self._workload(name, spec, (*self._secrets, *volume)))
        for name, spec in system.jobs.items():
            called = (server_id(callee) for callee in spec.calls if callee in system.stores)
            yield job(self._workload(name, spec, (*self._secrets, *called)))
        pods: list[str] = []
        for name, content in system.services.items():
            slots: dict[SlotName, SlotArgs] = {
                filled: self._slot(name, filled, content) for filled in content.release.slots
            }
            yield from (one for args in slots.values() for one in slot(args))
            ready: dict[SlotName, tuple[str, ...]] = {filled: args.ready for filled, args in slots.items()}
            pods += (one for filled in ready.values() for one in filled)
            live = content.runs(content.release.live)
            yield from traffic(
                TrafficArgs(system=system, service=name, spec=live, release=content.release, ready=ready)
            )
        yield from quota(system, tuple(pods))

    def _workload(self, name: str, spec: S, after: tuple[str, ...]) -> WorkloadArgs[S]:
        return WorkloadArgs(
            system=self._system,
            name=name,
            spec=spec,
            image=self._given.images[spec.image],
            secrets=self._bound,
            after=after,
        )

    def _slot(self, service: str, filled: SlotName, content: DeployedService) -> SlotArgs:
        runs = content.runs(filled)
        before = (job_id(name) for name, spec in self._system.jobs.items() if service in spec.before)
        return SlotArgs(
            system=self._system,
            service=service,
            slot=filled,
            spec=scaled(runs, content.release.slots[filled]),
            image=image_of(self._system, self._given, service, filled),
            loader=self._given.images[runs.model.loader] if runs.model and runs.model.loader else None,
            secrets=self._bound,
            after=(*self._secrets, *self._volumes(runs), *before),
        )

    def _volumes(self, spec: ServiceSpec) -> tuple[str, ...]:
        """Return the claims of the volumes that a slot mounts."""
        used = set(spec.mounts)
        if spec.model:
            used |= {spec.model.cache.volume} if spec.model.cache else set()
            used |= {spec.model.claim[0]} if spec.model.scheme == "pvc" else set()
        return self._claim_ids(used)

    def _claim_ids(self, names: set[str]) -> tuple[str, ...]:
        """Return the ids of these claims, without those that the stack does not declare."""
        return tuple(claim_id(self._system, name) for name in self._claims if name in names)
