"""A monitored service in one stack: what its alerts and panels are made from."""

from dataclasses import dataclass

from components.manifests import selectors
from components.manifests.proxy_series import Proxied
from components.manifests.rates import Rates
from models.cluster import ClusterSettings
from models.offer import Offer, proxy_of
from models.release import Match, ServiceRelease
from models.scaling import Scaling, within
from models.service import ServiceSpec
from models.vocabulary import SlotName


@dataclass(frozen=True, kw_only=True)
class Watched:
    """A monitored service, in one stack."""

    service: str
    namespace: str
    spec: ServiceSpec
    release: ServiceRelease
    cluster: ClusterSettings

    @property
    def series(self) -> str:
        """Matchers for the series of both slots."""
        return selectors.written(selectors.of_service(self.service, self.namespace))

    def series_in(self, slot: SlotName) -> str:
        """Return matchers for the series of one slot that do not depend on the series' slot label."""
        return selectors.written(selectors.of_slot(self.service, slot, self.namespace))

    @property
    def rates(self) -> Rates:
        """The rates of the service's requests and times."""
        offer, proxy = Offer.of(self.spec, self.cluster), proxy_of(self.spec, self.cluster)
        proxied = None
        if proxy is not None:
            proxied = Proxied(namespace=self.namespace, service=self.service, driver=self.cluster.traffic, proxy=proxy)
        return Rates(offer=offer, servers=self.series, proxied=proxied)

    def scaling(self, slot: SlotName) -> Scaling:
        """Return the scaling, narrowed in the same way as the slot's own HPA (``components/manifests/slot.py``)."""
        filled = self.release.slots[slot]
        return within(self.spec.scaling, filled.min_replicas, filled.max_replicas)

    def gets_requests(self, slot: SlotName) -> bool:
        """Return whether requests may reach the slot now. A slot that is only kept warm gets none."""
        return slot == self.release.live or self.release.weight > 0 or self.release.match != Match()
