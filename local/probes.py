"""Health probes of daemons. Each function returns a probe, which raises ProbeError with what it saw."""

import socket
import ssl
from http import HTTPStatus
from pathlib import Path

import httpx

from local import patience
from local.daemon import Probe, ProbeError

_TIMEOUT_SECONDS = 3.0


def http(url: str, identity: Path | None = None, *, authority: Path | None = None) -> Probe:
    """Return a probe of an endpoint that answers 200 when the daemon is ready.

    Args:
        url: The endpoint.
        identity: A client certificate and its key, without the suffixes `.crt` and `.key`.
        authority: The certificate of the authority that signed the server's certificate. Without one, the server's
            certificate is not verified, because the daemon made it itself, on loopback.
    """

    def probe() -> None:
        try:
            answer = httpx.get(
                url, verify=_context(identity, authority), timeout=patience.limit(_TIMEOUT_SECONDS), trust_env=False
            )
        except (httpx.HTTPError, OSError) as failure:
            raise ProbeError(f"{url}: {failure}") from failure
        if answer.status_code != HTTPStatus.OK:
            raise ProbeError(f"{url}: answered {answer.status_code} {answer.text.strip()[:200]!r}")

    return probe


def unix_socket(path: Path) -> Probe:
    """Return a probe of a daemon that accepts connections on a unix socket as soon as it is ready.

    If only root may open the socket, the probe passes for other users. `make status` without sudo then reports what it
    can see: the process runs, and the kubelet, which needs this daemon, answers.
    """

    def probe() -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(patience.limit(_TIMEOUT_SECONDS))
            try:
                client.connect(str(path))
            except PermissionError:
                return
            except OSError as failure:
                raise ProbeError(f"{path}: {failure.strerror or failure}") from failure

    return probe


def _context(identity: Path | None, authority: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=authority)
    if authority is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if identity is not None:
        context.load_cert_chain(identity.with_suffix(".crt"), identity.with_suffix(".key"))
    return context
