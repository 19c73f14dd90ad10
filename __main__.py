"""Slipway: from the stack's configuration and one catalogue entry to a running system."""

from pathlib import Path

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env

import catalog
from components.lean import run_lean
from components.preflight import check
from components.system import System, SystemArgs
from models.entry import CatalogueEntry
from models.errors import ConfigurationError
from models.parsing import decoded, parse
from models.stack import StackSettings
from models.system import SystemSpec, resolve


def stack_values() -> dict[str, object]:
    """Read the whole ``slipway:`` namespace: ``pulumi.Config`` gives only keys that one knows to ask for."""
    values = {**get_config_env(), **CONFIG.get()}
    own = {key: str(value) for key, value in values.items() if key.startswith("slipway:")}
    return {key.removeprefix("slipway:"): decoded(value) for key, value in own.items()}


def specification() -> SystemSpec:
    """Validate everything before the first resource is registered."""
    stack = parse(StackSettings, stack_values(), "slipway:")
    entry = parse(CatalogueEntry, catalog.read(stack.system.entry), f"catalog/{stack.system.entry}.yaml: ")
    spec = resolve(stack, entry)
    check(spec, Path(__file__).parent)
    return spec


run_lean()
try:
    system = specification()
except ConfigurationError as error:
    raise pulumi.RunError(str(error)) from None
pulumi.export("services", System(system.name, SystemArgs(spec=system)).services)
