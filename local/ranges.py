"""Choose the cluster's networks and ports: what the user set, else the default if it is free, else the next free."""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from ipaddress import AddressValueError, IPv4Network, NetmaskValueError

from local.addresses import Addresses, Ports
from local.errors import LocalError

# In this order: the private ranges, then the one for benchmarks of network devices (RFC 2544), which no VPN routes.
_CANDIDATES = tuple(
    IPv4Network(network)
    for network in (
        *(f"10.{second}.0.0/16" for second in (88, *range(89, 96), *range(112, 128))),
        *(f"172.{second}.0.0/16" for second in range(24, 32)),
        "192.168.0.0/16",
        "198.18.0.0/16",
    )
)
_SERVICE_CANDIDATES = tuple(
    IPv4Network(network)
    for network in (
        *(f"10.{second}.0.0/16" for second in range(96, 112)),
        *(f"172.{second}.0.0/16" for second in range(20, 24)),
        "198.19.0.0/16",
    )
)
_PODMAN = IPv4Network("10.88.0.0/16")  # the network that rootful Podman creates with its first container
_LARGEST, _SMALLEST = 12, 22  # prefix lengths: a smaller network has too few addresses beside the node's own 256
_PORT_LIMIT = 65535


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the user set. None and an empty mapping leave the choice to `choose`."""

    pods: IPv4Network | None = None
    services: IPv4Network | None = None
    ports: Mapping[str, int] = field(default_factory=dict[str, int])

    @classmethod
    def parse(cls, pods: str, services: str, ports: str) -> "Asked":
        """Parse the options; raise LocalError, with one line, for an invalid one.

        Args:
            pods: A network such as `10.90.0.0/16`, or an empty string.
            services: The same for services.
            ports: `NAME=NUMBER`, several with spaces or commas between them.
        """
        return cls(
            pods=_network("--network", pods) if pods else None,
            services=_network("--services", services) if services else None,
            ports=dict(_port(word) for word in ports.replace(",", " ").split()),
        )


def port_names() -> list[str]:
    """Return the names of the ports that can be set."""
    return [one.name.replace("_", "-") for one in fields(Ports)]


def _network(option: str, text: str) -> IPv4Network:
    rule = f"set a private IPv4 network with a prefix from /{_LARGEST} to /{_SMALLEST}, for example 10.90.0.0/16"
    try:
        network = IPv4Network(text)
    except (AddressValueError, NetmaskValueError, ValueError) as wrong:
        raise LocalError(f"{option} {text}: {wrong}: {rule}") from wrong
    if not network.is_private or network.is_loopback or network.is_link_local:
        raise LocalError(f"{option} {text}: these addresses are public, loopback or link-local: {rule}")
    if not _LARGEST <= network.prefixlen <= _SMALLEST:
        raise LocalError(f"{option} {text}: the prefix is /{network.prefixlen}: {rule}")
    return network


def _port(word: str) -> tuple[str, int]:
    name, _, number = word.partition("=")
    if name not in port_names():
        raise LocalError(f"--ports {word}: unknown port {name!r}; choose one of: {', '.join(port_names())}")
    if not number.isdecimal() or not 1 <= int(number) <= _PORT_LIMIT:
        raise LocalError(f"--ports {word}: set a number from 1 to {_PORT_LIMIT}, for example {name}=18080")
    return name.replace("-", "_"), int(number)


def choose(asked: Asked, routed: Mapping[IPv4Network, str], *, podman: bool | None = None) -> Addresses:
    """Return the cluster's networks and ports. Raises LocalError if a network that the user set is in use.

    Args:
        asked: What the user set.
        routed: The networks that this machine reaches, with their devices (`network.routed`).
        podman: Whether Podman is installed, whose network may not exist yet; looked up if None.
    """
    taken = dict(routed)
    if shutil.which("podman") is not None if podman is None else podman:
        taken.setdefault(_PODMAN, "Podman's default network")
    for option, network in (("--network", asked.pods), ("--services", asked.services)):
        for other, holder in taken.items():
            if network is not None and network.overlaps(other):
                raise LocalError(f"{option} {network}: it overlaps {other} ({holder}): choose another network")
    pods = asked.pods or _free(_CANDIDATES, {*taken, *([asked.services] if asked.services else [])}, "--network")
    services = asked.services or _free(_SERVICE_CANDIDATES, {*taken, pods}, "--services")
    if pods.overlaps(services):
        raise LocalError(f"--network {pods}: it overlaps --services {services}: choose networks that do not overlap")
    ports = replace(Ports(), **asked.ports)
    _refuse_doubles(ports)
    return Addresses(pods=pods, services=services, ports=ports)


def _free(candidates: tuple[IPv4Network, ...], taken: set[IPv4Network], option: str) -> IPv4Network:
    for candidate in candidates:
        if not any(candidate.overlaps(other) for other in taken):
            return candidate
    listed = ", ".join(map(str, sorted(taken)))
    raise LocalError(f"network: every default range is in use ({listed}): set a free one with {option}")


def _refuse_doubles(ports: Ports) -> None:
    names: dict[int, str] = {}
    for name, number in _numbers(ports):
        if number in names:
            raise LocalError(f"--ports: {names[number]} and {name} are both {number}: set a different port for each")
        names[number] = name


def _numbers(ports: Ports) -> Iterator[tuple[str, int]]:
    return ((one.name.replace("_", "-"), getattr(ports, one.name)) for one in fields(ports))


def kept(asked: Asked, standing: Addresses, routed: Mapping[IPv4Network, str]) -> Addresses:
    """Return the addresses of an existing cluster.

    Raises:
        LocalError: the user now asks for others, or another network now overlaps them (after a reboot).
    """
    for network, device in routed.items():
        for ours in (standing.pods, standing.services):
            if network.overlaps(ours):
                raise LocalError(
                    f"the cluster's range {ours} overlaps {network} ({device}): "
                    "remove that network, or run `make down` and then `make up`, which chooses a free range"
                )
    wanted = Addresses(
        pods=asked.pods or standing.pods,
        services=asked.services or standing.services,
        ports=replace(standing.ports, **asked.ports),
    )
    if wanted != standing:
        raise LocalError(
            f"the cluster keeps its networks ({standing.pods}, {standing.services}) and ports until `make down`: "
            "run it first, or omit --network, --services and --ports"
        )
    return standing
