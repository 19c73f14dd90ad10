"""Bisection for the highest rate that a server bears, in a fixed number of steps."""

from collections.abc import Callable

CAUTIOUS, BOLD = 0.75, 1.15
"""Where the search begins, and where it ends at most, as parts of what the server does in a closed loop: what it bears
lies between them."""


def highest(held: Callable[[int], bool], most: float, steps: int) -> int:
    """The highest rate, requests/s, of those tried that was held; 0 if none was.

    With `most` right, each step after the first halves 40 % of it: five leave 2.5 %.
    """
    good, bad = 0, round(BOLD * most)
    rate = round(CAUTIOUS * most)
    for _ in range(steps):
        if held(rate):
            good = rate
        else:
            bad = rate
        rate = (good + bad) // 2
        if rate in {good, bad}:
            break
    return good
