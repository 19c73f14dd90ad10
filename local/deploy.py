"""Deploy on a running cluster: set up Pulumi, bring a stack up, and send a few test pictures."""

import json
import os
import shutil
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import psutil
import yaml

from local import configs, kube, patience, pki, stack_file, storage
from local.commands import run
from local.errors import LocalError
from local.paths import Paths
from local.progress import Progress
from local.toolchain.build import Toolchain
from local.toolchain.groups import PULUMI_DOCKER_BUILD_VERSION, PULUMI_KUBERNETES_VERSION

PROJECT, STACK = "slipway", "dev"
PLUGINS = {"kubernetes": PULUMI_KUBERNETES_VERSION, "docker-build": PULUMI_DOCKER_BUILD_VERSION}
# On the PATH of `make env`: the programs that a user types or that Pulumi starts.
PROGRAMS = ("pulumi", "pulumi-language-python", "pulumi-language-python-exec", "kubectl", "ctr")
_PICTURES = 5
_ROUTE_LIMIT_SECONDS = 15
_NO_ROUTE_YET = (404, 503)
_DIAGNOSTICS_LINES = 40


@dataclass(frozen=True)
class Answer:
    """The service's answer to one test picture."""

    expected: str
    label: str
    slot: str


def exports(paths: Paths) -> dict[str, str]:
    """Return the environment variables with which plain `pulumi` and `kubectl` work on the local cluster."""
    return {
        "KUBECONFIG": str(paths.kubeconfig),
        "KUBECACHEDIR": str(paths.state / "kube-cache"),  # kubectl's own; `down` removes it
        "PATH": f"{paths.project}/.venv/bin:{paths.bin}:{os.environ.get('PATH', '/usr/bin:/bin')}",
        "PULUMI_HOME": str(paths.pulumi_home),
        "PULUMI_BACKEND_URL": paths.pulumi_backend_url,
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(paths.pulumi_passphrase),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",  # there is no host to download plugins from
        "BUILDX_CONFIG": str(paths.buildx),
        **storage.s3_exports(paths),
        **_token_exports(paths),
    }


def _token_exports(paths: Paths) -> dict[str, str]:
    """Return the token for services that ask their clients for one; a cluster of an older version has none yet."""
    file = paths.etc / configs.SERVICE_TOKEN
    return {"SLIPWAY_SERVICE_TOKEN": file.read_text("utf-8")} if file.exists() else {}


def prepare_pulumi(paths: Paths, toolchain: Toolchain, progress: Progress) -> None:
    """Wait for the programs' builds, put them on `make env`'s PATH, install the plugins and create the passphrase."""
    if not paths.pulumi_passphrase.exists():
        pki.write_private(paths.pulumi_passphrase, pki.random_token().encode())
    paths.bin.mkdir(exist_ok=True)
    for name in PROGRAMS:
        place(paths.bin / name, toolchain.wait(name), paths.cache)
    for name, version in PLUGINS.items():
        binary = toolchain.wait(f"pulumi-resource-{name}")
        if not (paths.pulumi_home / f"plugins/resource-{name}-v{version}").is_dir():
            with progress.step(f"install the {name} plugin", 3):
                _pulumi(paths, "plugin", "install", "resource", name, version, "--file", str(binary))


def deploy(paths: Paths, progress: Progress, stack: str = STACK) -> Mapping[str, Any]:
    """Bring a stack up and return its output `services`; raises LocalError with Pulumi's own diagnostics."""
    log = paths.logs / "pulumi-up.log"
    settings = stack_settings(paths, stack)
    if stack_file.drop_stale_salt(settings, stack_exists=checkpoint(paths, stack).exists()):
        progress.note(f"{settings.name}: removed the encryption salt of an earlier local cluster")
    free_stale_locks(paths, progress, stack)
    _pulumi(paths, "stack", "select", stack, "--create")
    with progress.step(f"pulumi up -s {stack}", 60):
        try:
            _pulumi(paths, "up", "--stack", stack, "--yes", "--skip-preview", "--color=never", log=log)
        except LocalError as failure:
            raise LocalError(f"{failure}\n{diagnostics(log.read_text('utf-8'))}") from failure
    return json.loads(_pulumi(paths, "stack", "output", "--stack", stack, "--json"))["services"]


def stack_settings(paths: Paths, stack: str = STACK) -> Path:
    """Return the path of a stack's file, which Pulumi edits."""
    return paths.project / f"Pulumi.{stack}.yaml"


def require_stack(paths: Paths, stack: str) -> None:
    """Raise LocalError, which lists the known stacks, unless the project has this stack's file."""
    if not stack_settings(paths, stack).is_file():
        shipped = sorted(file.stem.removeprefix("Pulumi.") for file in paths.project.glob("Pulumi.*.yaml"))
        raise LocalError(f"--stack {stack}: Pulumi.{stack}.yaml does not exist; known stacks: {', '.join(shipped)}")


def namespace_of(paths: Paths, stack: str) -> str:
    """Return the namespace into which a stack's file deploys."""
    system = yaml.safe_load(stack_settings(paths, stack).read_text("utf-8"))["config"]["slipway:system"]
    return system.get("namespace") or f"{system['entry']}-{system['environment']}"


def checkpoint(paths: Paths, stack: str = STACK) -> Path:
    """Return where the file backend keeps a stack's state."""
    return paths.pulumi_backend / f".pulumi/stacks/{PROJECT}/{stack}.json"


def stacks(paths: Paths) -> list[str]:
    """Return the stacks that the local cluster's backend has."""
    return sorted(file.stem for file in checkpoint(paths).parent.glob("*.json"))


def diagnostics(output: str) -> str:
    """Return the part of Pulumi's output that says what went wrong."""
    _, found, after = output.partition("Diagnostics:")
    lines = (after if found else output).strip().splitlines()
    return "\n".join(lines[:_DIAGNOSTICS_LINES] if found else lines[-_DIAGNOSTICS_LINES:])


def try_out(paths: Paths, services: Mapping[str, Any]) -> list[Answer]:
    """Send a few held-out pictures through the Ingress to each service of the dev stack.

    Raises:
        LocalError: a picture was not answered.
    """
    from serving.payloads.digits.data import held_out  # noqa: PLC0415  (scikit-learn takes a second to load)

    pictures = held_out()[:_PICTURES]
    picture_file(paths).write_bytes(pictures[0][0])
    with httpx.Client(trust_env=False, timeout=patience.limit(10)) as client:
        exposed = [service for service in services.values() if "url" in service]
        return [ask(client, service, *picture) for service in exposed for picture in pictures]


def picture_file(paths: Paths) -> Path:
    """Return the path of a picture that the user can send with curl."""
    return paths.state / "picture.png"


def ask(client: httpx.Client, service: Mapping[str, Any], picture: bytes, expected: str) -> Answer:
    """Send one picture. Retry after a 404 or 503: the route of a new Ingress takes up to a second to appear."""
    deadline = time.monotonic() + patience.limit(_ROUTE_LIMIT_SECONDS)
    while True:
        headers = {"Host": service["host"], "Content-Type": "image/png"}
        answer = client.post(service["url"], content=picture, headers=headers)
        if answer.is_success:
            body = answer.json()
            return Answer(str(expected), str(body["predictions"][0]["label"]), str(body["served_by"]["slot"]))
        if answer.status_code not in _NO_ROUTE_YET or time.monotonic() > deadline:
            raise LocalError(
                f"test picture: {service['url']} (Host: {service['host']}) answered {answer.status_code} "
                f"{answer.text.strip()[:200]!r}: see `kubectl get pods -A` and logs/traefik.log"
            )
        time.sleep(0.2)


def pods_of(paths: Paths, stack: str, service: str, slot: str) -> list[str]:
    """Return `namespace/name` of the ready pods of a service's slot."""
    namespace = namespace_of(paths, stack)
    selector = quote(f"app.kubernetes.io/name={service},slipway.dev/slot={slot}")
    found = kube.get(paths, f"/api/v1/namespaces/{namespace}/pods?labelSelector={selector}") or {"items": []}
    return [f"{namespace}/{pod['metadata']['name']}" for pod in found["items"] if kube.condition(pod, "Ready")]


def free_stale_locks(paths: Paths, progress: Progress, stack: str = STACK) -> None:
    """Release the locks of a `pulumi` that was killed: the file backend's locks never expire.

    A lock stays if its owner is alive or on another machine; Pulumi then names the owner.
    """
    locks = paths.pulumi_backend / f".pulumi/locks/organization/{PROJECT}/{stack}"
    for file in locks.glob("*.json"):
        owner = json.loads(file.read_text("utf-8"))
        if owner["hostname"] == socket.gethostname() and not psutil.pid_exists(owner["pid"]):
            file.unlink(missing_ok=True)
            progress.note(f"released the lock of a killed pulumi process (pid {owner['pid']})")


def place(link: Path, program: Path, cache: Path) -> None:
    """Make a program available as `link`.

    A built program is hard-linked (or copied): Pulumi looks for its language host beside its own real path, and warns
    twice per run if it finds the host only on PATH. A program of another installation is symlinked, because its parts
    are beside it.
    """
    if link.exists() and link.samefile(program):
        return
    link.unlink(missing_ok=True)
    if not program.is_relative_to(cache):
        link.symlink_to(program)
        return
    try:
        link.hardlink_to(program.resolve())
    except OSError:  # another file system
        shutil.copy2(program, link)


def _pulumi(paths: Paths, *arguments: str, log: Path | None = None) -> str:
    program = shutil.which("pulumi", path=str(paths.bin)) or "pulumi"
    environment = os.environ | exports(paths)
    return run([program, *arguments, "--non-interactive"], environment=environment, cwd=paths.project, log=log)
