"""SLIPWAY_PATIENCE: a factor for every time limit, for slow machines such as emulators.

Every limit of this package is generous for a machine with two processors. An emulated machine is 15 times slower, and a
limit without the factor would end commands that work.
"""

import math
import os

from local.errors import LocalError

VARIABLE = "SLIPWAY_PATIENCE"


def limit(seconds: float) -> float:
    """Return a limit times SLIPWAY_PATIENCE, if that is set; raise LocalError if it is not a number of at least 1."""
    given = os.environ.get(VARIABLE, "1")
    try:
        factor = float(given)
    except ValueError:
        factor = math.nan
    if not 1 <= factor < math.inf:
        raise LocalError(
            f"{VARIABLE}: {given!r} must be a factor of at least 1: unset it, or set how much slower this machine is"
        )
    return seconds * factor
