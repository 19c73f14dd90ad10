"""`python -m tests.machines`: try `make up` and `make down` on guests as people have machines. `make trial-machine`."""

import datetime as dt
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from local import debian
from local.commands import run
from local.errors import LocalError
from local.paths import Paths
from local.progress import Progress
from tests.machines import homes, qemu, report, roots
from tests.machines.firewall import FIREWALLS
from tests.machines.guests import GUESTS, Guest
from tests.machines.machine import Machine
from tests.machines.plan import PLAN
from tests.machines.report import Report
from tests.machines.trial import COMMAND_SECONDS, Trial, follow

app = typer.Typer(add_completion=False, help=__doc__)
_NAMES = [guest.name for guest in GUESTS]


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the command line says, for every guest alike."""

    where: Path
    firewall: str
    firewall_first: bool
    last: str | None
    keep: bool


@app.command()
def trial(  # noqa: PLR0913, PLR0917  (Typer calls it by name)
    guest: Annotated[list[str] | None, typer.Option(help=f"Which: {', '.join(_NAMES)}; all if not given.")] = None,
    folder: Annotated[
        Path | None, typer.Option(help="For images and logs; $SLIPWAY_CACHE/machines if not given.")
    ] = None,
    to_step: Annotated[str | None, typer.Option(help=f"Stop after it: {', '.join(PLAN)}.")] = None,
    firewall: Annotated[str, typer.Option(help=f"Of which kind: {', '.join(FIREWALLS)}.")] = "nftables",
    firewall_first: Annotated[bool, typer.Option(help="Have it from the first boot on.")] = False,
    keep: Annotated[bool, typer.Option(help="Leave the guest running, and say how to give it commands.")] = False,
) -> None:
    """Build, boot and try each guest; exit code 1 if one did not show what it must."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as ^C does, or QEMU would survive
    paths, progress = Paths.from_environment(), Progress()
    where = (folder or paths.cache / "machines").absolute()
    where.mkdir(parents=True, exist_ok=True)
    debian.install(roots.NEEDS, where / "apt.log", progress)
    options = Options(where=where, firewall=firewall, firewall_first=firewall_first, last=to_step, keep=keep)
    chosen = [known for known in GUESTS if known.name in (guest or _NAMES)]
    reports = [_try(one, paths, progress, options) for one in chosen]
    typer.echo(report.table(reports))
    raise typer.Exit(0 if reports and all(found.passed for found in reports) else 1)


def _try(guest: Guest, paths: Paths, progress: Progress, options: Options) -> Report:
    """Try one guest, and remove its disks afterwards; the logs stay."""
    runs = options.where / "runs" / f"{dt.datetime.now(dt.UTC):%m%d-%H%M%S}-{guest.name}"
    runs.mkdir(parents=True)
    root = roots.provide(guest, options.where / "roots", progress)
    home = homes.provide(guest, root, paths, options.where, progress)
    for image, disk in zip((root.image, home), qemu.DISKS, strict=True):
        roots.overlay(image, runs / disk)
    with progress.step("does KVM work here?", 2):
        accelerated = qemu.kvm_works(root.kernel)
    progress.note(f"{guest.name}: {'KVM' if accelerated else 'emulation'}; all that it says: {runs}")
    machine = Machine(root=root, folder=runs, log=runs / "commands.log", accelerated=accelerated)
    found = Report(
        guest=guest.name,
        commit=run(["git", "rev-parse", "--short", "HEAD"], cwd=paths.project).strip(),
        accelerated=accelerated,
        firewall="both boots" if options.firewall_first else "",
    )
    one = Trial(machine=machine, report=found, folder=runs, progress=progress, firewall=options.firewall)
    try:
        follow(one, PLAN, options.last)
    finally:
        if options.keep and machine.pid is not None:
            progress.note(f"the guest runs as pid {machine.pid}: python -m tests.machines shell {runs}")
        else:
            machine.kill()
            for disk in (*(runs / name for name in qemu.DISKS), home):
                disk.unlink(missing_ok=True)
    return found


@app.command()
def shell(folder: Annotated[Path, typer.Argument(help="The folder of a run that was kept.")]) -> None:
    """Run each line of standard input in a guest that was kept; `systemctl poweroff` ends it."""
    machine = Machine(root=roots.Root(folder=folder), folder=folder, log=folder / "commands.log")
    machine.connect(COMMAND_SECONDS)
    for line in sys.stdin:
        result = machine.execute(line, limit_seconds=3600, show=typer.echo)
        typer.echo(f"[exit {result.exit} after {result.seconds} s]", err=True)


if __name__ == "__main__":
    try:
        app(standalone_mode=True)
    except LocalError as error:
        raise SystemExit(str(error)) from error
