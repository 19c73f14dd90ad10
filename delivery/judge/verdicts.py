"""One verdict on one proportion (errors, slow answers): the new slot against the live one, asked again every second.

A test for a fixed sample, asked every second, would sooner or later condemn any release. Flagger and Argo Rollouts
compare a number with a threshold at each interval and count failures; Kayenta asks a Mann-Whitney test once, when the
time is over; Spotify plans its looks (group sequential tests), which needs the final sample beforehand. Netflix asks
always-valid tests of counts, which is what a gate needs that looks whenever there is news. So does this one.

**Method.** An e-process: the likelihood of all counts so far under a mixture of hypotheses, divided by the *greatest*
likelihood that the opposite can give them. As the latter is never below the true one, the quotient is at most a
martingale of mean 1 while the opposite is true, and by Ville's inequality the chance that it *ever* reaches 100, say,
is 1 % at most: at any number of looks, any sizes of the arms, any share of bad answers of the live slot, and exactly
so, without a normal approximation (a tiny count cannot mislead it). Sources:

- Robbins, *Statistical methods related to the law of the iterated logarithm*, Ann. Math. Stat. 41 (1970): the mixture.
- Wasserman, Ramdas, Balakrishnan, *Universal inference*, PNAS 117 (2020): the quotient, and its running form.
- Turner, Ly, Grünwald, *Generic E-variables for exact sequential k-sample tests*, J. Stat. Plan. Inference 230 (2024),
  arXiv 2106.02693: two proportions.
- Lindon, Malek, *Anytime-valid inference for multinomial count data*, NeurIPS 2022: Netflix's canaries.
- Schultzberg, Ankargren, *Choosing a sequential testing framework*, engineering.atspotify.com (2023), a choice.

What it assumes: within a window the requests of an arm are independent and alike. Bad answers that come in heaps (one
lost node) make either verdict likelier than stated, unless both slots suffer alike.
"""

from functools import cache
from math import exp, inf, lgamma, log, log1p

from delivery.judge.samples import requests_per_arm
from models.delivery import Arm, Result

FALSE_PASS = 0.01
"""Of one check at one step. A release that is bad by the margin must pass that check at every step: 1 % in all."""
FALSE_FAIL = 0.02 / 6
"""Of one check at one step: 2 % over three steps with two checks each."""
_PASS, _FAIL = -log(FALSE_PASS), -log(FALSE_FAIL)

_A, _B = 0.5, 2.0
"""Beta prior of a share of bad answers: shares are small, but none is ruled out. It costs or saves samples alone: the
error rates hold under any."""
_HANDFUL = 5
"""Bad answers without which nobody is blamed: one client that asks again, or one cold start, is no release."""
_USUAL = Arm(bad=1, total=100)
"""What a live slot is taken for before it has answered enough: one bad answer in a hundred."""
_NOBODY = Arm(bad=0, total=0)
_NONE = 0.0
"""No evidence: where the opposite fits best of all, no mixture can be likelier than that."""
_TOLERATED = 0.25
"""Part of the margin by which a version may be worse without being to blame. With more of it, a release that is worse
by just the margin ends inconclusive instead of failed: of 200 simulated ones 22 failed at a half, 177 at a quarter."""
_PRECISION = 1e-4
"""Bad answers by which the best-fitting share may be off, in the larger arm: any fixed precision of the *share* would
be worth whole nats of evidence in a billion requests."""


def judge(candidate: Arm, live: Arm, margin: float, *, final: bool) -> Result | None:
    """Judge the counts of a window up to now; None = go on, and at the deadline (``final``) inconclusive.

    ``fail``: strong evidence that the candidate's share of bad answers exceeds the live slot's by more than a quarter
    of ``margin`` percentage points: two pods of the same version on a busy node are never quite alike, and whoever
    allows 20 points must not be sent back for 4. ``pass``: strong evidence that it does not exceed it by ``margin``,
    and both arms have the minimum sample. Between the two either may come first, or neither.

    A *small* live arm is compared, and simply shows little: it grows with the window. Where no live slot answers beside
    the candidate, ask :func:`judge_alone`.

    ``final`` does not lower what is asked: without evidence there is no verdict.
    """
    step = margin / 100
    if _evidence_of_harm(candidate, live, step) >= _FAIL:
        return "fail"
    if _enough(candidate, live, margin) and _evidence_of_safety(candidate, live, step) >= _PASS:
        return "pass"
    return "inconclusive" if final else None


def judge_alone(candidate: Arm, before: Arm, margin: float, *, final: bool) -> Result | None:
    """Judge a candidate beside which no live slot answers, against what was answered ``before``: that arm never grows.

    Where it has the minimum sample, it is compared as a live slot is. Where it is smaller (a service that few ask, a
    first deployment), waiting would not help, so the candidate is judged by itself: it passes on strong evidence that
    its share of bad answers is below the margin, which is below "anything + margin" too. It fails on strong evidence
    that its share exceeds the margin *and* what little was seen before by as much.
    """
    if ample(before, margin):
        return judge(candidate, before, margin, final=final)
    step = margin / 100
    if _evidence_of_harm(candidate, _NOBODY, _share(before) + step) >= _FAIL:
        return "fail"
    if _enough(candidate, _NOBODY, margin) and _evidence_of_safety(candidate, _NOBODY, step) >= _PASS:
        return "pass"
    return "inconclusive" if final else None


def ample(before: Arm, margin: float, *, times: int = 1) -> bool:
    """Return whether the requests before are at least ``times`` the minimum sample of a comparison."""
    return before.total >= times * wanted(before, margin)


def wanted(live: Arm | None, margin: float) -> int:
    """Return the minimum sample per arm, from the live slot's share if it is known."""
    known = live or _NOBODY
    base = (known.bad + _USUAL.bad) / (known.total + _USUAL.total)
    return requests_per_arm(base, margin / 100)


def _enough(candidate: Arm, live: Arm, margin: float) -> bool:
    smaller = min(candidate.total, live.total) if live.total else candidate.total
    return smaller >= wanted(live, margin)


def _evidence_of_harm(candidate: Arm, live: Arm, step: float) -> float:
    """Log of the e-process against "the candidate's share exceeds the live slot's by a part of the margin at most"."""
    allowed = step * _TOLERATED if live.total else step
    if candidate.bad < _HANDFUL or _share(candidate) <= _share(live) + allowed:
        return _NONE
    mixed = _mixed(candidate.bad, candidate.total) + _mixed(live.bad, live.total)
    at = _best_share(candidate, live, allowed) if live.total else 0.0
    return mixed - _likelihood(candidate, at + allowed) - _likelihood(live, at)


def _evidence_of_safety(candidate: Arm, live: Arm, step: float) -> float:
    """Log of the e-process against "the candidate's share exceeds the live slot's by the margin or more".

    Half of the mixture says "both are alike", which is the usual case and takes fewer samples to show.
    """
    if _share(candidate) >= _share(live) + step:
        return _NONE
    apart = _mixed(candidate.bad, candidate.total) + _mixed(live.bad, live.total)
    alike = _mixed(candidate.bad + live.bad, candidate.total + live.total)
    mixed = max(apart, alike) + log1p(exp(-abs(apart - alike))) - log(2)
    at = _best_share(candidate, live, step)
    return mixed - _likelihood(candidate, at + step) - _likelihood(live, at)


def _best_share(candidate: Arm, live: Arm, step: float) -> float:
    """Return the live share at which "exactly ``step`` worse" fits best: where the slope of the likelihood is 0.

    The likelihood is concave in it, so halving finds the place: between what either arm would choose by itself.
    """
    good, live_good = candidate.total - candidate.bad, live.total - live.bad
    low, high = sorted((max(0.0, _share(candidate) - step), min(_share(live), 1 - step)))
    enough = _PRECISION / max(candidate.total, live.total, 1)
    while high - low > enough and low < (at := (low + high) / 2) < high:
        worse = _odds(candidate.bad, at + step) - _odds(good, 1 - at - step)
        low, high = (at, high) if worse + _odds(live.bad, at) > _odds(live_good, 1 - at) else (low, at)
    return (low + high) / 2


def _odds(requests: int, share: float) -> float:
    """Return the slope of one term of the likelihood; infinite where a share of 0 or 1 is impossible."""
    if not requests:
        return 0.0
    return requests / share if share > 0 else inf


def _share(arm: Arm) -> float:
    return arm.bad / arm.total if arm.total else 0.0


def _likelihood(arm: Arm, share: float) -> float:
    """Log-likelihood of one arm; 0 of nothing is certain, and something of no share impossible."""
    good = arm.total - arm.bad
    if (arm.bad and share <= 0) or (good and share >= 1):
        return -inf
    return (arm.bad * log(share) if arm.bad else 0.0) + (good * log1p(-share) if good else 0.0)


@cache
def _beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def _mixed(bad: int, total: int) -> float:
    """Log-likelihood of counts under the prior's mixture of all shares."""
    a, b = _A + bad, _B + total - bad
    return lgamma(a) + lgamma(b) - lgamma(a + b) - _beta(_A, _B)
