"""Which mutants a run takes: those that a change touches, and a seeded sample of the others."""

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tests.mutants.mutant import Mutant


@dataclass(frozen=True)
class Known:
    """A mutant and the file that describes it."""

    mutant: Mutant
    described_in: str
    """Relative to the project's root."""

    def touched(self, changed: Collection[str]) -> bool:
        """Return whether a change reaches the mutated source, the tests that must notice, or the description."""
        tests = (path.partition("::")[0] for path in self.mutant.tests)
        return not {self.mutant.file, self.described_in, *tests}.isdisjoint(changed)


@dataclass(frozen=True)
class Choice:
    """The mutants of a run, in the order in which they are known."""

    touched: Sequence[Known]
    sampled: Sequence[Known]
    left_out: Sequence[Known]
    """Touched by the change, but more than the limit allows."""

    @property
    def mutants(self) -> list[Mutant]:
        """All mutants of the run."""
        return [known.mutant for known in (*self.touched, *self.sampled)]


def chosen(known: Sequence[Known], changed: Collection[str], *, sample: int, most: int, seed: int) -> Choice:
    """Choose the mutants of a run; the same arguments always give the same choice.

    Args:
        known: every mutant.
        changed: files, relative to the project's root.
        sample: number of mutants to draw from those that the change does not touch.
        most: upper limit of touched mutants, so that a change of a central file cannot make the run unbounded.
        seed: of the sample, and of the draw where more mutants are touched than ``most``.
    """
    drawn = random.Random(seed)  # noqa: S311 -- a sample, no secret
    touched = [number for number, one in enumerate(known) if one.touched(changed)]
    others = [number for number, one in enumerate(known) if not one.touched(changed)]
    kept = set(touched if len(touched) <= most else drawn.sample(touched, most))
    picked = set(drawn.sample(others, min(sample, len(others))))
    return Choice(
        touched=[known[number] for number in touched if number in kept],
        sampled=[known[number] for number in others if number in picked],
        left_out=[known[number] for number in touched if number not in kept],
    )
