"""`python -m local`: start, inspect and remove the local cluster. `make up`, `down`, `env` and `status` call this."""

import json
import os
import shlex
from collections.abc import Generator
from contextlib import contextmanager
from typing import Annotated

import typer

from local import debian, deploy, doctor, parts, ranges, status, teardown
from local import up as up_
from local.doctor import Plan
from local.errors import LocalError
from local.lock import exclusive
from local.paths import Paths
from local.progress import Progress
from local.ranges import Asked

_ROOTS_FOLDERS = ("/usr/sbin", "/sbin")  # iptables and other root programs; not on every user's PATH
_INTERRUPTED = 130

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Run a real single-node Kubernetes on this machine, for `pulumi up -s dev` and the tests.",
)


_Parts = Annotated[
    list[str] | None,
    typer.Option(
        "--with", help=f"Add an optional part, which stays until `down`; may be repeated: {', '.join(parts.PARTS)}."
    ),
]
_Network = Annotated[
    str,
    typer.Option(
        envvar="SLIPWAY_NETWORK",
        help="Network of the pods, such as 10.90.0.0/16. Default: 10.88.0.0/16, or the next free one.",
    ),
]
_Services = Annotated[
    str,
    typer.Option(
        envvar="SLIPWAY_SERVICES", help="Network of the Services. Default: 10.96.0.0/16, or the next free one."
    ),
]
_Ports = Annotated[
    str,
    typer.Option(
        envvar="SLIPWAY_PORTS",
        help=f"Ports as NAME=NUMBER, separated by commas. Names: {', '.join(ranges.port_names())}.",
    ),
]
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON document. The exit code is the same.")]


@app.command()
def up(  # noqa: PLR0913, PLR0917  (each is an option)
    deployed: Annotated[
        bool, typer.Option("--deploy/--no-deploy", help="Deploy the stack, and send test pictures if it is dev.")
    ] = True,
    stack: Annotated[str, typer.Option(help="Stack to deploy. Stacks that already run stay.")] = deploy.STACK,
    extra: _Parts = None,
    network: _Network = "",
    services: _Services = "",
    ports: _Ports = "",
) -> None:
    """Check the machine, build what is missing, start or repair the cluster, and deploy a stack.

    After ^C, run it again: it continues where it stopped.
    """
    with _one_line_errors():
        paths = Paths.from_environment()
        deploy.require_stack(paths, stack)
        _plain_path(paths)
        plan = _plan(paths, extra, network, services, ports)
        at = doctor.ready(paths, plan)
        progress = Progress()
        with exclusive(paths.cache / "lock"):
            answering = up_.up(paths, progress, stack if deployed else None, at, plan.parts)
            if answering is None:
                typer.echo(f'the cluster is running; next: eval "$(make -s env)", then pulumi up -s {stack}')
                return
            answers: list[deploy.Answer] = []
            if stack == deploy.STACK:
                with progress.step("send test pictures", 3):
                    answers = deploy.try_out(paths, answering)
        typer.echo(up_.summary(paths, stack, answering, answers))


@app.command("doctor")
def examine(
    extra: _Parts = None,
    network: _Network = "",
    services: _Services = "",
    ports: _Ports = "",
    as_json: _Json = False,
) -> None:
    """List the faults that stop `up` on this machine, each with the command that repairs it; exit code 1 if any."""
    with _one_line_errors():
        paths = Paths.from_environment()
        _plain_path(paths)
        document = doctor.report(paths, _plan(paths, extra, network, services, ports))
        typer.echo(json.dumps(document, indent=2) if as_json else doctor.table(document))
    raise typer.Exit(0 if document["ready"] else 1)


@app.command()
def down() -> None:
    """Remove the cluster: processes, pods, mounts, interfaces, routes, packet-filter rules, files. The cache stays."""
    with _one_line_errors():
        paths = Paths.from_environment()
        _require_root("down")
        _plain_path(paths)
        with exclusive(paths.cache / "lock"):
            left = teardown.down(paths, Progress())
        if left:
            raise LocalError(f"not everything could be removed; run `make down` again: {'; '.join(left)}")
        typer.echo(f"the cluster is removed; builds and downloads stay in {paths.cache}")


@app.command()
def browser() -> None:
    """Install Chromium, its driver and a font from Debian, for the tests of web pages; needs no cluster."""
    with _one_line_errors():
        paths = Paths.from_environment()
        _require_root("browser")
        paths.cache.mkdir(parents=True, exist_ok=True, mode=0o700)
        debian.install(debian.BROWSER, paths.cache / "browser.log", Progress(), expected_seconds=60)


@app.command()
def env() -> None:
    """Print shell exports. After eval "$(make -s env)", plain pulumi and kubectl use the local cluster."""
    with _one_line_errors():
        paths = Paths.from_environment()
        if not paths.is_ours():
            raise LocalError("no local cluster is running: start one with `make up`")
        _plain_path(paths)
        for name, value in deploy.exports(paths).items():
            typer.echo(f"export {name}={shlex.quote(value)}")


@app.command("status")
def show_status(as_json: _Json = False) -> None:
    """Show every part's version, process and health; exit code 1 unless all are healthy."""
    with _one_line_errors():
        document = status.report(Paths.from_environment())
        typer.echo(json.dumps(document, indent=2) if as_json else status.table(document))
    raise typer.Exit(0 if document["healthy"] else 1)


def _plan(paths: Paths, extra: list[str] | None, network: str, services: str, ports: str) -> Plan:
    """Parse the options; raise LocalError for an invalid one."""
    return Plan(
        asked=Asked.parse(network, services, ports),
        standing=paths.addresses if paths.is_ours() else None,
        parts=parts.wanted(paths, extra or ()),
    )


@contextmanager
def _one_line_errors() -> Generator[None]:
    try:
        yield
    except LocalError as error:
        typer.echo(f"local: {error}", err=True)
        raise typer.Exit(1) from None
    except OSError as error:
        typer.echo(f"local: {error.filename or 'operating system'}: {error.strerror or error}", err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        typer.echo(
            "local: interrupted; finished builds stay; continue with `make up`, or clean up with `make down`", err=True
        )
        raise typer.Exit(_INTERRUPTED) from None


def _require_root(command: str) -> None:
    if os.geteuid() != 0:
        raise LocalError(
            f"`{command}` requires root, because the kubelet, containerd and the packet filter do: run it with sudo, "
            "or use your own cluster (README.md)"
        )


def _plain_path(paths: Paths) -> None:
    """Remove the cluster's own links from PATH: after `make env` they would pass for the machine's own programs."""
    given = os.environ.get("PATH", "/usr/bin:/bin").split(os.pathsep)
    kept = [folder for folder in given if folder != str(paths.bin)]
    os.environ["PATH"] = os.pathsep.join([*kept, *(folder for folder in _ROOTS_FOLDERS if folder not in kept)])


if __name__ == "__main__":
    app(prog_name="python -m local")
