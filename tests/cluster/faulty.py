"""Images with digests of their own: good ones that differ in nothing else, and bad ones that fail in one way each.

Each is the classifier's image with one small layer on top, pushed in a tenth of a second; nothing is built.
"""

import io
import json
import tarfile
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.cluster import misbehaving, registry

_APP = "app"
"""The image's PYTHONPATH: Python itself imports ``sitecustomize`` from there at every start."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What is wrong with an image; nothing, unless said."""

    every: int = 0
    """Every n-th prediction is answered 500; 0 = none. Counted, not drawn: each run sees the same."""
    delay: float = 0.0
    """Seconds that each prediction takes longer, while it waits for nothing."""
    busy: float = 0.0
    """Seconds that the model takes longer for each prediction: others wait for the worker thread meanwhile."""
    first: int = 0
    """Only so many predictions are bad, and all others are good; 0 = all are bad."""
    when_told: bool = False
    """Whether predictions are bad only while the pod has the file `misbehaving.TOLD`."""
    exits: bool = False
    """The process ends at its start, again and again."""
    ready: bool = True
    """Whether it ever says that it is ready."""
    variant: int = 0
    """Tells apart images that behave alike."""

    @property
    def answers(self) -> bool:
        """Whether it ever answers a request."""
        return self.ready and not self.exits


FIFTH_FAILS, FIFTH_FAILS_TOO = Fault(every=5), Fault(every=5, variant=1)
TWO_PERCENT = Fault(every=50)
SLOW = Fault(delay=0.3)
CRASHES = Fault(exits=True)
NEVER_READY = Fault(ready=False)


def good(variant: int) -> Fault:
    """Behave like the original, under another digest for each number."""
    return Fault(variant=variant)


def image(original: str, fault: Fault) -> str:
    """Push an image with this fault; the same original and fault give the same digest.

    Args:
        original: the good image, by digest.
        fault: what is wrong with the new one.
    """
    repository, _, digest = original.partition("@")
    return registry.pushed_with(repository, digest, layer(fault))


def layer(fault: Fault) -> bytes:
    """Return the tar of the layer that has this fault."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        _add(tar, "sitecustomize.py", Path(misbehaving.__file__).read_bytes())
        _add(tar, misbehaving.FAULT, described(fault).encode())
    return content.getvalue()


def described(fault: Fault) -> str:
    """Return the fault as `misbehaving` reads it."""
    return json.dumps(asdict(fault))


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(f"{_APP}/{name}")
    entry.size, entry.mode = len(content), 0o644
    tar.addfile(entry, io.BytesIO(content))
