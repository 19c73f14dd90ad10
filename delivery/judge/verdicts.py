"""The verdict on one proportion (errors, slow answers): the new slot against the live one, tested at every look.

A fixed-sample test, repeated every second, would sooner or later fail any release. Flagger and Argo Rollouts compare a
number with a threshold at each interval and count failures. Kayenta runs a Mann-Whitney test once, at the end. Spotify
plans its looks (group sequential tests), which requires the final sample size in advance. Netflix uses always-valid
tests of counts, which suit a gate that looks whenever there is new data. This gate does the same.

**Method.** An e-process: the likelihood of all counts so far under a mixture of hypotheses, divided by the *greatest*
likelihood of these counts under the opposite hypothesis. The divisor is never below the true likelihood, so the
quotient is at most a martingale of mean 1 while the opposite is true. By Ville's inequality, the chance that the
quotient *ever* reaches 100, for example, is then at most 1 %. This holds for any number of looks, any sizes of the arms
and any share of bad answers of the live slot. It is exact, without a normal approximation, so a tiny count cannot
mislead it. Sources:

- Robbins, *Statistical methods related to the law of the iterated logarithm*, Ann. Math. Stat. 41 (1970): the mixture.
- Wasserman, Ramdas, Balakrishnan, *Universal inference*, PNAS 117 (2020): the quotient, and its running form.
- Turner, Ly, Grünwald, *Generic E-variables for exact sequential k-sample tests*, J. Stat. Plan. Inference 230 (2024),
  arXiv 2106.02693: two proportions.
- Lindon, Malek, *Anytime-valid inference for multinomial count data*, NeurIPS 2022: Netflix's canaries.
- Schultzberg, Ankargren, *Choosing a sequential testing framework*, engineering.atspotify.com (2023): a comparison.

Assumption: within a window, the requests of an arm are independent and identically distributed. Clustered bad answers
(one lost node) make either verdict more likely than stated, unless both slots suffer alike.
"""

from math import exp, inf, lgamma, log, log1p

from delivery.judge.samples import requests_per_arm
from models.delivery import Arm, Result

FALSE_PASS = 0.01
"""Error rate of one check at one step. A release that is bad by the margin must pass at every step: 1 % in total."""
FALSE_FAIL = 0.02 / 6
"""Error rate of one check at one step: 2 % in total over three steps with two checks each."""
_PASS, _FAIL = -log(FALSE_PASS), -log(FALSE_FAIL)

_A, _B = 0.5, 2.0
"""Beta prior of a share of bad answers: shares are usually small, but none is ruled out. The prior affects only the
number of samples; the error rates hold under any prior."""
_HANDFUL = 5
"""The fewest bad answers for a failure: one client that retries, or one cold start, does not condemn a release."""
_USUAL = Arm(bad=1, total=100)
"""Counts added to the live slot's, which dominate until it has answered enough: one bad answer in a hundred."""
NOBODY = Arm(bad=0, total=0)
"""The counts of a slot that has answered no request."""
_NONE = 0.0
"""No evidence: if the opposite hypothesis fits best, no mixture can be more likely."""
_TOLERATED = 0.25
"""Fraction of the margin by which a version may be worse without failing. With a larger fraction, a release that is
worse by exactly the margin ends inconclusive instead of failing: of 200 simulated releases, 22 failed at one half and
177 at one quarter."""
_PRECISION = 1e-4
"""Precision of the best-fitting share, in bad answers of the larger arm. With a fixed precision of the *share*, the
error would be whole nats of evidence at a billion requests."""


def judge(candidate: Arm, live: Arm, margin: float, *, final: bool) -> Result | None:
    """Judge the counts of a window up to now; return None to continue, or at the deadline (``final``) inconclusive.

    ``fail``: strong evidence that the candidate's share of bad answers exceeds the live slot's by more than a quarter
    of ``margin`` percentage points. Two pods of the same version on a busy node always differ a little, and a margin of
    20 points must not turn a release back for 4. ``pass``: strong evidence that the share does not exceed the live
    slot's by ``margin``, and both arms have the minimum sample. Between the two bounds, either verdict may come first,
    or neither.

    A *small* live arm is compared too: it shows little at first, but grows with the window. If no live slot answers
    beside the candidate, use :func:`judge_alone`.

    ``final`` does not lower the required evidence.
    """
    step = margin / 100
    if _evidence_of_harm(candidate, live, step) >= _FAIL:
        return "fail"
    if _enough(candidate, live, margin) and _evidence_of_safety(candidate, live, step) >= _PASS:
        return "pass"
    return "inconclusive" if final else None


def judge_alone(candidate: Arm, before: Arm, margin: float, *, final: bool) -> Result | None:
    """Judge a candidate without a live slot beside it against the answers ``before``, an arm that never grows.

    If ``before`` has the minimum sample, it is compared like a live slot. If it is smaller (a service with few
    requests, a first deployment), waiting would not help, so the candidate is judged by itself. It passes on strong
    evidence that its share of bad answers is below the margin, and so below any earlier share plus the margin. It fails
    on strong evidence that its share exceeds the share in ``before`` plus the margin.
    """
    if ample(before, margin):
        return judge(candidate, before, margin, final=final)
    step = margin / 100
    if _evidence_of_harm(candidate, NOBODY, _share(before) + step) >= _FAIL:
        return "fail"
    if _enough(candidate, NOBODY, margin) and _evidence_of_safety(candidate, NOBODY, step) >= _PASS:
        return "pass"
    return "inconclusive" if final else None


def ample(before: Arm, margin: float, *, times: int = 1) -> bool:
    """Return whether ``before`` has at least ``times`` the minimum sample of a comparison."""
    return before.total >= times * wanted(before, margin)


def wanted(live: Arm | None, margin: float) -> int:
    """Return the minimum sample per arm, from the live slot's share if it is known."""
    known = live or NOBODY
    base = (known.bad + _USUAL.bad) / (known.total + _USUAL.total)
    return requests_per_arm(base, margin / 100)


def _enough(candidate: Arm, live: Arm, margin: float) -> bool:
    smaller = min(candidate.total, live.total) if live.total else candidate.total
    return smaller >= wanted(live, margin)


def _evidence_of_harm(candidate: Arm, live: Arm, step: float) -> float:
    """Return the log e-process against "the candidate's share exceeds the live slot's by at most the tolerance"."""
    allowed = step * _TOLERATED if live.total else step
    if candidate.bad < _HANDFUL or _share(candidate) <= _share(live) + allowed:
        return _NONE
    mixed = _mixed(candidate.bad, candidate.total) + _mixed(live.bad, live.total)
    at = _best_share(candidate, live, allowed) if live.total else 0.0
    return mixed - _likelihood(candidate, at + allowed) - _likelihood(live, at)


def _evidence_of_safety(candidate: Arm, live: Arm, step: float) -> float:
    """Return the log e-process against "the candidate's share exceeds the live slot's by the margin or more".

    Half of the mixture is "both shares are equal", which is the usual case and takes fewer samples to show.
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

    The likelihood is concave in the share, so bisection finds it between the shares that each arm alone would choose.
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
    """Return the log-likelihood of one arm: 0 without requests, minus infinity if the share rules the counts out."""
    good = arm.total - arm.bad
    if (arm.bad and share <= 0) or (good and share >= 1):
        return -inf
    return (arm.bad * log(share) if arm.bad else 0.0) + (good * log1p(-share) if good else 0.0)


def _mixed(bad: int, total: int) -> float:
    """Return the log-likelihood of counts under the prior's mixture of all shares."""
    return _log_beta(_A + bad, _B + total - bad) - _log_beta(_A, _B)


def _log_beta(a: float, b: float) -> float:
    """Return the logarithm of the beta function."""
    return lgamma(a) + lgamma(b) - lgamma(a + b)
