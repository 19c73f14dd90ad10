"""Slipway: from the stack's configuration and one catalogue entry to a running system."""

# ruff: noqa: E402 -- run lean from the start: collecting garbage while importing costs more than reading the stack
from components.lean import run_lean

run_lean()

from pathlib import Path

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env

import catalog
from components.survey import surveyed
from components.system import System, SystemArgs
from models.entry import CatalogueEntry
from models.errors import ConfigurationError
from models.parsing import below, parse
from models.stack import StackSettings
from models.system import SystemSpec, resolve
from planning.sizing_line import advice


def specification() -> SystemSpec:
    """Validate everything before the first resource is registered."""
    # The whole `slipway:` namespace: pulumi.Config gives only keys that one knows to ask for.
    stack = parse(StackSettings, below("slipway:", {**get_config_env(), **CONFIG.get()}), "slipway:")
    entry = parse(CatalogueEntry, catalog.read(stack.system.entry), f"catalog/{stack.system.entry}.yaml: ")
    return resolve(stack, entry)


try:
    found = surveyed(spec := specification(), Path(__file__).parent)
except ConfigurationError as error:
    raise pulumi.RunError(str(error)) from None
for line, lacking in advice(spec.services) if pulumi.runtime.is_dry_run() else ():
    (pulumi.log.warn if lacking else pulumi.log.info)(line)
system = System(spec.name, SystemArgs(spec=spec, formerly=found.formerly))
for name, value in (("services", system.services), ("delivery", system.delivery), ("cluster", found.cluster)):
    pulumi.export(name, value)
