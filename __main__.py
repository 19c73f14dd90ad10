"""Deploy a system from the stack's configuration and one catalogue entry."""

# ruff: noqa: E402 -- run lean from the start: collecting garbage while importing costs more than reading the stack
from components.lean import run_lean

run_lean()

from pathlib import Path

import pulumi
from pulumi.runtime.config import CONFIG

from catalog.loading import Given
from components import environment, recorded
from components.survey import surveyed
from components.system import System, SystemArgs
from models.errors import ConfigurationError
from models.parsing import below
from models.pins import Pins
from models.resolve import resolve
from models.system import notices
from sizing.summary import advice

PROJECT = Path(__file__).parent
# Read the whole `slipway:` namespace: pulumi.Config returns only keys that are requested by name.
given = Given(below("slipway:", {**environment.configuration(), **CONFIG.get()}), PROJECT, pulumi.get_stack())
try:  # validate everything before the first resource is registered
    stack, entry, revisions = given.load()
    state = recorded.read()
    spec = resolve(stack, entry, Pins(revisions=revisions, ran=state.ran(entry)))
    found = surveyed(spec, PROJECT, state)
except ConfigurationError as error:
    raise pulumi.RunError("\n".join(given.located(error))) from None
if pulumi.runtime.is_dry_run():
    for line, lacking in (*notices(spec, pulumi.get_stack()), *advice(spec.services)):
        (pulumi.log.warn if lacking else pulumi.log.info)(line)
system = System(spec.name, SystemArgs(spec=spec, formerly=found.formerly, delivered=state.delivery))
for name, value in (("services", system.services), ("delivery", system.delivery), ("cluster", found.cluster)):
    pulumi.export(name, value)
