"""Which proxy series belongs to which slot (see :mod:`components.manifests.proxy_series`)."""

import re
from collections.abc import Callable

from components import names
from components.manifests.pod import PORT_NAME
from components.manifests.proxy_series import Proxied
from components.manifests.selectors import Matcher, Selector
from delivery.metrics.series import Labels
from models.vocabulary import OTHER_SLOT, SlotName

SlotOf = Callable[[Labels], SlotName | None]


def selectors(proxied: Proxied, metric: str, *more: Matcher) -> tuple[Selector, ...]:
    """Return selectors for a metric of both slots. They are alternatives, one of which has series."""
    if proxied.proxy == "ingress-nginx":
        return (Selector((Matcher("ingress", proxied.service), *more), metric),)
    patterns = "|".join(proxied.traefik)
    own = (Matcher(label, patterns, "=~") for label in ("service", "exported_service"))
    return tuple(Selector((one, *more), metric) for one in own)


def mentions(proxied: Proxied) -> re.Pattern[str]:
    """Return a pattern that is found in each line of the proxy's text about the service."""
    if proxied.proxy == "ingress-nginx":
        return re.compile(re.escape(f'ingress="{proxied.service}"'))
    return re.compile("|".join(proxied.traefik))


def slot_of(proxied: Proxied) -> SlotOf:
    """Return the function that returns the slot of a series."""
    return _of_ingress_nginx(proxied) if proxied.proxy == "ingress-nginx" else _of_traefik(proxied)


def _of_traefik(proxied: Proxied) -> SlotOf:
    """Scraped through a Kubernetes Service, Traefik's label ``service`` is renamed."""
    compiled: dict[re.Pattern[str], SlotName] = {re.compile(pattern): slot for pattern, slot in proxied.traefik.items()}

    def found(series: Labels) -> SlotName | None:
        name = series.get("exported_service", series.get("service", ""))
        return next((slot for pattern, slot in compiled.items() if pattern.fullmatch(name)), None)

    return found


def _of_ingress_nginx(proxied: Proxied) -> SlotOf:
    """The main Ingress also counts the canary's requests.

    The label ``canary`` names the upstream that answered instead, and is empty otherwise. Labels that conflict with
    Prometheus' own are named ``exported_…``.
    """
    privates: dict[str, SlotName] = {names.slot_name(proxied.service, slot): slot for slot in OTHER_SLOT}
    upstreams: dict[str, SlotName] = {
        f"{proxied.namespace}-{private}-{PORT_NAME}": slot for private, slot in privates.items()
    }

    def found(series: Labels) -> SlotName | None:
        if series.get("exported_namespace", series.get("namespace")) != proxied.namespace:
            return None
        canary = series.get("canary", "")
        if canary not in ("", "-"):
            return upstreams.get(canary)
        return privates.get(series.get("exported_service", series.get("service", "")))

    return found
