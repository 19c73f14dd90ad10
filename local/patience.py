"""How much longer than usual everything may take: SLIPWAY_PATIENCE, a factor, for slow machines such as emulators.

Every limit of this package is generous for a machine of two processors. An emulated one is 15 times slower, and a limit
that is not multiplied would end what works.
"""

import math
import os

from local.errors import LocalError

VARIABLE = "SLIPWAY_PATIENCE"


def limit(seconds: float) -> float:
    """Return a limit, multiplied by SLIPWAY_PATIENCE where it is set; raises LocalError if that is no number from 1."""
    given = os.environ.get(VARIABLE, "1")
    try:
        factor = float(given)
    except ValueError:
        factor = math.nan
    if not 1 <= factor < math.inf:
        raise LocalError(
            f"{VARIABLE}: {given!r} is no factor of at least 1: unset it, or say how many times slower this machine is"
        )
    return seconds * factor
