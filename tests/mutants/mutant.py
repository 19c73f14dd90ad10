"""One way to break the program."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """A change that no test may let pass."""

    file: str
    """Relative to the project's root."""
    old: str
    """Must occur in the file exactly once."""
    new: str
    why: str
    """What would go wrong in a cluster, in a few words."""
