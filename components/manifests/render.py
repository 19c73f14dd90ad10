"""Everything that a stack declares in Kubernetes, as plain data.

Nothing here imports pulumi. Whoever wants to know what a stack declares calls :func:`render`: the program, which
registers the manifests, and the tests.
"""

from collections.abc import Iterator

from components import names
from components.manifests import secrets
from components.manifests.accounts import accounts
from components.manifests.claims import claims
from components.manifests.container import BoundSecret
from components.manifests.foundation import claim_id, foundation, quota
from components.manifests.job import JobArgs, job, job_id
from components.manifests.manifest import Given, Manifest, Text
from components.manifests.slot import SlotArgs, scaled, slot
from components.manifests.store import StoreArgs, server_id, store
from components.manifests.traffic import TrafficArgs, traffic
from models.service import ServiceSpec
from models.system import DeployedService, SystemSpec
from models.vocabulary import SlotName


def render(system: SystemSpec, given: Given) -> tuple[Manifest, ...]:
    """Return every object that a stack declares. An object comes after all those that must be ready before it."""
    return tuple(_Renderer(system, given).manifests())


def image_of(system: SystemSpec, given: Given, service: str, slot: SlotName) -> Text:
    """Return the reference of the image that a slot runs."""
    content = system.services[service]
    return content.release.slots[slot].image or given.images[content.runs(slot).image]


class _Renderer:
    """Renders one system; later parts name the objects of earlier ones."""

    def __init__(self, system: SystemSpec, given: Given) -> None:
        self._system, self._given = system, given
        self._bound: dict[str, BoundSecret] = secrets.bound(system, given)
        self._claims = set(claims(system))

    def manifests(self) -> Iterator[Manifest]:
        system = self._system
        yield from foundation(system, self._given.stack)
        yield from accounts(system)
        made = tuple(secrets.secrets(system, self._given, self._bound))
        yield from made
        self._secrets = tuple(one.id for one in made)
        yield from (one for name in system.stores for one in self._store(name))
        yield from (self._job(name) for name in system.jobs)
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

    def _store(self, name: str) -> Iterator[Manifest]:
        spec, claim = self._system.stores[name], names.data_claim(name)
        return store(
            StoreArgs(
                system=self._system,
                name=name,
                spec=spec,
                image=self._given.images[spec.image],
                secrets=self._bound,
                after=(*self._secrets, *([claim_id(self._system, claim)] if claim in self._claims else [])),
            )
        )

    def _job(self, name: str) -> Manifest:
        spec = self._system.jobs[name]
        called = (server_id(callee) for callee in spec.calls if callee in self._system.stores)
        return job(
            JobArgs(
                system=self._system,
                name=name,
                spec=spec,
                image=self._given.images[spec.image],
                secrets=self._bound,
                after=(*self._secrets, *called),
            )
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
            secrets=self._bound,
            after=(*self._secrets, *self._volumes(runs), *before),
        )

    def _volumes(self, spec: ServiceSpec) -> Iterator[str]:
        """Yield the claims of the volumes that a slot mounts."""
        used = set(spec.mounts)
        if spec.model:
            used |= {spec.model.cache.volume} if spec.model.cache else set()
            used |= {spec.model.claim[0]} if spec.model.scheme == "pvc" else set()
        yield from (claim_id(self._system, name) for name in claims(self._system) if name in used)
