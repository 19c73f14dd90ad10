"""`python -m local.toolchain`: build every program of the embedded default, or list them."""

import json
from pathlib import Path
from typing import Annotated

import typer

from local.errors import LocalError
from local.paths import Paths
from local.progress import Progress
from local.toolchain.build import Toolchain
from local.toolchain.groups import ALL, GROUPS, Group
from local.toolchain.resolve import resolve

app = typer.Typer(add_completion=False, help=__doc__)


@app.callback(invoke_without_command=True)
def build(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="List the programs and build nothing.")] = False,
    only: Annotated[
        list[str] | None, typer.Option(help="Build this group, one of those that `up` does not need included.")
    ] = None,
) -> None:
    """Build every program that is missing from the cache ($SLIPWAY_CACHE), in order. A second run does nothing."""
    if context.invoked_subcommand is not None:
        return
    groups = chosen(only)
    toolchain = Toolchain(Paths.from_environment().cache, Progress(), ALL if as_json else groups)
    if as_json:
        print(json.dumps({name: entry(toolchain, name) for group in ALL for name in group.binaries}, indent=2))
        return
    try:
        for group in groups:
            for name in group.binaries:
                print(toolchain.wait(name))
    finally:
        toolchain.stop()


def chosen(names: list[str] | None) -> tuple[Group, ...]:
    """Return the groups with these names, or those that `up` needs if none is given; raise LocalError if unknown."""
    if not names:
        return GROUPS
    known = {group.name: group for group in ALL}
    for name in names:
        if name not in known:
            raise LocalError(f"--only {name}: unknown group; choose one of: {', '.join(known)}")
    return tuple(known[name] for name in names)


@app.command("resolve")
def resolve_module(module: Annotated[str, typer.Argument(help="A folder below local/toolchain/modules.")]) -> None:
    """Rewrite a module's go.mod and go.sum after a manual version change in its go.mod."""
    changed = resolve(module, Paths.from_environment().cache, Progress())
    print("\n".join(map(str, changed)))


def entry(toolchain: Toolchain, name: str) -> dict[str, str | None]:
    """Return what `--json` prints for a program; `path` is null until the program is built."""
    group = next(group for group in ALL if name in group.binaries)
    path: Path | None = toolchain.found(name)
    return {"group": group.name, "version": group.version, "path": None if path is None else str(path)}


if __name__ == "__main__":
    try:
        app(standalone_mode=True)
    except LocalError as error:
        raise SystemExit(str(error)) from error
