"""Avoid three costs of Pulumi's Python SDK that grow with the stack (ADR 0005, `make bench-preview`)."""

import asyncio
import gc
import os
from typing import Any, cast

import pulumi
from pulumi.runtime.settings import _get_rpc_manager  # pyright: ignore[reportPrivateUsage]

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


def begin_registrations() -> None:
    """Let all registrations begin before the SDK waits for the end of the program.

    The SDK (3.259, ``runtime/stack.py``) first waits for the calls that have begun, one after another, and then for all
    outputs together, again and again until each is known. When a program ends, no call has begun, so the second wait
    takes a time that is quadratic in the number of outputs: in a preview of 100 services, more than half of the
    program's processor time. One finished task among the calls gives the event loop the turn in which all calls begin.
    """
    cast("Any", _get_rpc_manager()).rpcs.append(asyncio.ensure_future(asyncio.sleep(0)))


def _dropped(
    msg: str, resource: pulumi.Resource | None = None, stream_id: int | None = None, ephemeral: bool | None = None
) -> None:
    """Accept the arguments of ``pulumi.log.debug``, and do nothing."""
