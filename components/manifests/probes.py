"""The probes of a container."""

from collections.abc import Mapping

from components.manifests.manifest import Json
from models.checks import AnyCheck, as_check
from models.lifecycle import Health
from models.ports import WEB


def of_server(health: Health, port: int, ports: Mapping[str, int]) -> Json:
    """Return the three probes of a server. Readiness and liveness begin when the startup probe has succeeded.

    Args:
        health: The checks and their pace.
        port: The service's port, which a check without a port asks.
        ports: The container's further ports by name.
    """
    numbers, alive = {WEB: port, **ports}, health.liveness or health
    # Probe every second: a server that is ready after three seconds serves after three, not after a whole period.
    period = health.starting.period if health.starting else 1
    return {
        "startupProbe": probe(
            health.startup_check, numbers, period=period, timeout=health.timeout, failures=-(-health.startup // period)
        ),
        "readinessProbe": probe(
            health.ready, numbers, period=health.period, timeout=health.timeout, failures=health.failures
        ),
        "livenessProbe": probe(
            health.live, numbers, period=alive.period, timeout=alive.timeout, failures=alive.failures
        ),
    }


def probe(given: AnyCheck, numbers: Mapping[str, int], *, period: int, timeout: int, failures: int) -> Json:
    """Return a probe that asks a container with these ports."""
    pace = {"periodSeconds": period, "timeoutSeconds": timeout, "failureThreshold": failures}
    return {**_handler(given, numbers), **pace}


def _handler(given: AnyCheck, numbers: Mapping[str, int]) -> Json:
    check = as_check(given)
    port = check.port or WEB
    if check.http:
        asked: Json = {"path": check.http.path, "port": port}
        if check.http.headers:
            asked["httpHeaders"] = [{"name": name, "value": value} for name, value in check.http.headers.items()]
        return {"httpGet": asked}
    if check.grpc:
        # The API server takes no name here.
        named = {"service": check.grpc.service} if check.grpc.service else {}
        return {"grpc": {"port": numbers[port], **named}}
    if check.tcp:
        return {"tcpSocket": {"port": port}}
    return {"exec": {"command": list(check.exec or ())}}
