"""Mutants of verdicts, stages and sizing: wrong verdicts, samples that are too small, peaks that are understated."""

from tests.mutants.mutant import Mutant

SAMPLES, VERDICTS = "delivery/judge/samples.py", "delivery/judge/verdicts.py"
PEAK, STAGES = "delivery/plan/peak.py", "delivery/plan/stages.py"
QUEUEING, SPLIT, SIZING, SIMULATION = (f"sizing/{name}.py" for name in ("queueing", "split", "sizing", "simulation"))


def _near(file: str, old: str, new: str, why: str) -> Mutant:
    folder, _, name = file.rpartition("/")
    return Mutant(file, old, new, why, f"{folder}/test_{name}")


MUTANTS = [
    _near(SAMPLES, "FALSE_ALARM, POWER = 0.05, 0.8", "FALSE_ALARM, POWER = 0.1, 0.8", "too small a minimum sample"),
    _near(SAMPLES, "min(max(base, 0.0), 1 - margin)", "base", "a live slot that always fails ends in a traceback"),
    _near(SAMPLES, "share = weight if weight == _ALL else", "share =", "a plan that says 100 % never gets its sample"),
    _near(
        SAMPLES, "if traffic > 0 and share > 0 else None", "", "a plan of a service without traffic ends in a traceback"
    ),
    _near(VERDICTS, "_PASS, _FAIL = -log(FALSE_PASS), -log(FALSE_FAIL)", "_PASS, _FAIL = 0.5, 0.5", "any luck decides"),
    _near(VERDICTS, "if _enough(candidate, live, margin) and", "if", "a pass on less than the minimum sample"),
    _near(
        VERDICTS, "min(candidate.total, live.total) if", "candidate.total if", "a pass by a live slot of few requests"
    ),
    _near(
        VERDICTS,
        'return "pass"\n    return "inconclusive" if final else None\n\n\ndef judge_alone',
        'return "pass"\n    return "pass" if final else None\n\n\ndef judge_alone',
        "patience is rewarded with a pass",
    ),
    _near(
        VERDICTS,
        "step = margin / 100\n    if _evidence_of_harm(candidate, live, step)",
        "step = margin\n    if _evidence_of_harm(candidate, live, step)",
        "points are taken for shares: everything passes",
    ),
    _near(VERDICTS, "_TOLERATED if live.total else step", "_TOLERATED", "without a live slot any share fails"),
    _near(VERDICTS, "_TOLERATED = 0.25", "_TOLERATED = 0.0", "the noise of a busy node is the version's fault"),
    _near(
        VERDICTS,
        "at = _best_share(candidate, live, allowed) if live.total else 0.0",
        "at = _share(live)",
        "a few good answers of the live slot are taken for certain",
    ),
    _near(VERDICTS, "_likelihood(candidate, at + step)", "_likelihood(candidate, at)", "the margin is ignored"),
    _near(VERDICTS, "apart = _mixed(candidate.bad, candidate.total) + ", "apart = ", "evidence out of nothing"),
    _near(
        VERDICTS, "> _odds(live_good, 1 - at) else", "< _odds(live_good, 1 - at) else", "the opposite is fitted badly"
    ),
    _near(VERDICTS, "candidate.bad < _HANDFUL or", "", "one client's four retries condemn a release"),
    _near(VERDICTS, "(known.bad + _USUAL.bad)", "known.bad", "the sample forgets what is usual"),
    _near(PEAK, "max(pods.get(slot, 0), after.get(slot, 0))", "after.get(slot, 0)", "what goes is gone at once"),
    _near(PEAK, "surge=spec.rollout.max_surge *", "surge=0 *", "a rolling update takes no more than before"),
    _near(PEAK, "return old is not None and", "return old is None or", "every fill surges"),
    _near(PEAK, "ceil(run.pods * weight / _ALL)", "0", "an autoscaled slot is taken to run at its floor"),
    _near(PEAK, ", scaling.ceiling)", ", 99)", "more pods than the autoscaler makes"),
    _near(PEAK, "before = run.left or run.stable", "before = run.stable", "the way back from where it is not"),
    _near(PEAK, "for name, pieces in resources.devices.items()", "for name, pieces in ()", "GPUs are not counted"),
    _near(
        STAGES, "max(1, min(round(size * weight / ALL), size - 1))", "round(size * weight / ALL)", "a slot of no pods"
    ),
    _near(
        STAGES,
        "release=shrunk if self._constant else whole",
        "release=whole",
        "a slot grows into devices that are not free yet",
    ),
    _near(
        STAGES,
        '"live": self._new, "weight": 0, "match": Match()',
        '"live": self._new, "weight": 100, "match": Match()',
        "the promotion sends every request back to the old slot",
    ),
    _near(
        STAGES,
        "and not self._run.express,\n                waits",
        "and True,\n                waits",
        "a way back waits for an approval",
    ),
    _near(QUEUEING, "(busy + offered * blocked)", "(busy + blocked)", "Erlang B is not Erlang B"),
    _near(QUEUEING, "servers - offered * (1 - blocked)", "servers - offered * blocked", "hardly anybody waits"),
    _near(QUEUEING, "free = servers - offered - 1", "free = servers - offered", "the tail of M/M/n is understated"),
    _near(QUEUEING, "return (arrivals + service) / 2", "return arrivals + service", "constant service waits as any"),
    _near(QUEUEING, "    if arrivals >= 1:\n        return 1.0\n", "", "Poisson arrivals are taken for even ones"),
    _near(SPLIT, "pods * concurrency, rate, 1, service)", "pods, rate, 1, service)", "a pod works on one at a time"),
    _near(SPLIT, 'if split == "in turn" else 1', 'if split == "at random" else 1', "turns are taken for chance"),
    _near(SPLIT, "(1 + spread) - self.phases", "(1 - spread) - self.phases", "uneven service makes nobody wait"),
    _near(SPLIT, "sum(1 / root for root in self._roots).real", "0.0", "the mean wait forgets that turns are even"),
    _near(
        SPLIT, "+ waits * (1 - reach + reach * served)", "+ waits * reach * served", "the longest waits are forgotten"
    ),
    _near(SIZING, "max((1 - RESERVED) * allowed, (alone + allowed) / 2)", "2 * allowed", "sized to miss the objective"),
    _near(SIZING, "if station.utilization > busy", "if station.utilization > 1", "pods are planned to be always busy"),
    _near(SIZING, "while high - low > 1:", "while False:", "not the fewest pods"),
    _near(SIZING, "METRICS_AGE + HPA_SYNC + self.cold_start", "self.cold_start", "the HPA is taken to see at once"),
    _near(SIZING, "return lowest / (1 + HPA_TOLERANCE)", "return lowest", "the HPA does nothing until it is too late"),
    _near(SIZING, "if needed > self.least:", "if False:", "the HPA comes too late on a ramp"),
    _near(SIZING, "if scaling.ceiling < self.most:", "if scaling.ceiling < self.pods:", "a peak beyond maxReplicas"),
    Mutant("models/load.py", "if late >= allowed:", "if late > 1:", "an objective that no pods can hold is accepted"),
    Mutant("models/load.py", "if self.highest < self.rate:", "if False:", "a peak below the usual rate is accepted"),
    Mutant(
        "models/gamma.py", "if x < shape + 1 else", "if x < 0 else", "the fraction is used where it does not converge"
    ),
    Mutant(
        "__main__.py",
        "if pulumi.runtime.is_dry_run():",
        "if True:",
        "an update repeats every line of its preview",
        "program/test_sizing.py",
    ),
    _near(SIZING, "if kept < self.pods:", "if False:", "too high a target is taken for growth"),
    _near(SIMULATION, "heapreplace(self.free, start + takes)", "heapreplace(self.free, now + takes)", "nobody waits"),
    _near(SIMULATION, "(self._turn + 1) % len(self._ready)", "self._turn % len(self._ready)", "one pod gets it all"),
    _near(SIMULATION, "yield self.env.timeout(cold_start)", "yield self.env.timeout(0)", "pods start at once"),
    _near(SIMULATION, "max(one for _, one in self._proposals)", "asked", "pods go at the first quiet look"),
    _near(
        SIMULATION, "max(SCALE_UP_FACTOR * here, here + SCALE_UP_PODS)", "asked", "any number of pods is added at once"
    ),
    _near(SIMULATION, "if one.start <= now < one.end", "if False", "nothing is there ahead of the peak"),
    _near(SIMULATION, "if env.now >= plan.warm_up:", "if True:", "idle pods at the start flatter the figures"),
    _near(SIMULATION, "len(self.free) + queue_limit", "10**9", "no request is ever refused"),
    _near(SIMULATION, "self.within(objective.within) >= objective.share", "True", "every seed holds its objective"),
    Mutant(
        "delivery/commands/size.py",
        "    if lacking:\n        report.fail(",
        "    if not found:\n        report.fail(",
        "a pipeline does not learn that the entry has too few pods",
        "delivery/commands/test_size.py",
    ),
    Mutant(
        "sizing/size_report.py",
        "held >= SEEDS_THAT_HOLD",
        "held >= 0",
        "a missed objective passes",
        "delivery/commands/test_size.py",
    ),
]
