"""Turns off two costs of Pulumi's Python SDK that grow with the stack (ADR 0005, `make bench-preview`)."""

import gc
import os

import pulumi

_YOUNG_OBJECTS = 100_000
"""Allocations between two garbage collections (Python's default: 700). A run makes hundreds of thousands of futures
that live until it ends, so collecting finds next to nothing."""
DEBUG_VARIABLE = "SLIPWAY_DEBUG"


def run_lean() -> None:
    """Collect garbage rarely, and keep the SDK's debug messages at home unless SLIPWAY_DEBUG is set.

    The SDK sends about five debug messages for each resource to the engine and waits for every one (0.7 ms), whether
    anybody asked for debug output or not: a quarter of the preview of 100 services.
    """
    gc.set_threshold(_YOUNG_OBJECTS)
    if not os.environ.get(DEBUG_VARIABLE):
        pulumi.log.debug = _dropped


def _dropped(
    msg: str, resource: pulumi.Resource | None = None, stream_id: int | None = None, ephemeral: bool | None = None
) -> None:
    """Take what ``pulumi.log.debug`` takes, and do nothing."""
