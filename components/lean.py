"""Turn off two costs of Pulumi's Python SDK that grow with the stack (ADR 0005, `make bench-preview`)."""

import gc
import os

import pulumi

_YOUNG_OBJECTS = 100_000
"""Allocations between two garbage collections (Python's default: 700). A run makes hundreds of thousands of futures
that live until it ends, so a collection frees almost nothing."""
DEBUG_VARIABLE = "SLIPWAY_DEBUG"


def run_lean() -> None:
    """Collect garbage rarely, and drop the SDK's debug messages unless SLIPWAY_DEBUG is set.

    The SDK sends about five debug messages per resource to the engine and waits for each one (0.7 ms), even if debug
    output is off. In a preview of 100 services, this takes a quarter of the time.
    """
    gc.set_threshold(_YOUNG_OBJECTS)
    if not os.environ.get(DEBUG_VARIABLE):
        pulumi.log.debug = _dropped


def _dropped(
    msg: str, resource: pulumi.Resource | None = None, stream_id: int | None = None, ephemeral: bool | None = None
) -> None:
    """Accept the arguments of ``pulumi.log.debug``, and do nothing."""
