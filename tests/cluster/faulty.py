"""Variants of an image, each with its own digest: good ones, and bad ones that fail in one way each.

Each variant is the classifier's image with one small layer on top, pushed in a tenth of a second.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.cluster import misbehaving, registry

_APP = "app"
"""The image's PYTHONPATH: Python itself imports ``sitecustomize`` from there at every start."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """The fault of an image; by default none."""

    every: int = 0
    """Every n-th prediction is answered with 500; 0 = none. Counted, not random, so that every run is the same."""
    delay: float = 0.0
    """Seconds by which each prediction takes longer without occupying the worker thread."""
    busy: float = 0.0
    """Seconds by which the model takes longer for each prediction, so that others wait for the worker thread."""
    first: int = 0
    """Number of bad predictions, after which all are good; 0 = all are bad."""
    when_told: bool = False
    """Whether predictions are bad only while the pod has the file `misbehaving.TOLD`."""
    exits: bool = False
    """Whether the process ends at each start."""
    ready: bool = True
    """Whether the server ever becomes ready."""
    variant: int = 0
    """Distinguishes images that behave alike."""

    @property
    def answers(self) -> bool:
        """Whether the server ever answers a request."""
        return self.ready and not self.exits


FIFTH_FAILS, FIFTH_FAILS_TOO = Fault(every=5), Fault(every=5, variant=1)
TWO_PERCENT = Fault(every=50)
SLOW = Fault(delay=0.3)
CRASHES = Fault(exits=True)
NEVER_READY = Fault(ready=False)


def good(variant: int) -> Fault:
    """Return no fault; each number gives an image with another digest."""
    return Fault(variant=variant)


def image(original: str, fault: Fault) -> str:
    """Push an image with this fault and return it by digest, which is always the same for one original and fault.

    Args:
        original: The good image by digest.
        fault: The fault of the new image.
    """
    repository, _, digest = original.partition("@")
    return registry.pushed_with(repository, digest, layer(fault))


def layer(fault: Fault) -> bytes:
    """Return the layer that causes this fault, as a tar archive."""
    files = {
        "sitecustomize.py": Path(misbehaving.__file__).read_bytes(),
        misbehaving.FAULT: described(fault).encode(),
    }
    return registry.layer_of(_APP, files)


def described(fault: Fault) -> str:
    """Return the fault as `misbehaving` reads it."""
    return json.dumps(asdict(fault))
