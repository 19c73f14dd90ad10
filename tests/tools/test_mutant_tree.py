"""A mutant is applied to one place of the syntax tree, or it says why it cannot be."""

import pytest

from tests.mutants.mutant import Mutant
from tests.mutants.tree import Mismatch, mutated

SOURCE = """
LIMIT = 3


class Gate:
    def judge(self, bad: int) -> str:
        # a comment, and a layout, that no mutant names
        if (
            bad > LIMIT
            and bad
        ):
            return "fail"
        self.told = bad
        return "pass"


def judge(bad: int) -> str:
    return "pass" if bad > LIMIT else "pass"
"""


def result(scope: str, old: str, new: str) -> str:
    return mutated(SOURCE, Mutant("gate.py", scope, old, new, "why"))


@pytest.mark.parametrize(
    ("scope", "old", "new", "seen"),
    [
        ("", "LIMIT = 3", "LIMIT = 4", "LIMIT = 4"),
        ("Gate.judge", "bad > LIMIT and bad", "False", "if False:"),
        ("Gate.judge", "bad>LIMIT", "bad >= LIMIT", "if bad >= LIMIT and bad:"),
        ("Gate.judge", "self.told = bad", "", "pass"),
        ("Gate.judge", "self.told = bad\nreturn 'pass'", "return 'fail'", "return 'fail'\n\ndef judge"),
    ],
)
def test_a_part_of_a_scope_is_replaced(scope: str, old: str, new: str, seen: str) -> None:
    assert seen in result(scope, old, new)


@pytest.mark.parametrize(
    ("scope", "old", "said"),
    [
        ("judge", "'pass'", "there are 2 classes or functions judge"),
        ("Gate.told", "bad", "there are 0 classes or functions told"),
        ("Gate.judge", "bad", "stands 3 times in Gate.judge, not once"),
        ("Gate.judge", "bad < LIMIT", "stands 0 times in Gate.judge, not once"),
        ("Gate.judge", "bad >", "is no Python"),
    ],
)
def test_what_does_not_fit_says_why(scope: str, old: str, said: str) -> None:
    with pytest.raises(Mismatch, match=said):
        result(scope, old, "False")


def test_the_kind_of_a_change_is_told() -> None:
    kinds = [Mutant("a.py", "", "x", new, "why").kind for new in ("False", "True", "", "pass", "y")]
    assert kinds == ["never", "always", "dropped", "dropped", "replaced"]
