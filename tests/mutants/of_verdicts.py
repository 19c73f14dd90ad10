"""Mutants of what a verdict rests on: windows counted twice, the wrong time before, passes that nothing supports."""

from tests.mutants.mutant import Mutant

BEFORE, SPANS = "delivery/judge/baseline_spans.py", "delivery/judge/test_baseline_spans.py"
CHECKING, CHECKED = "delivery/run/recheck.py", "delivery/run/test_recheck.py"
COMPARED = "delivery/run/test_compared_before.py"
DRIVER, RETURNING, RETURNED = "delivery/run/driver.py", "delivery/run/rollback.py", "delivery/run/test_rollback.py"
EVIDENCE, RULED = "models/evidence.py", "delivery/release/test_evidence.py"
GATE, GATED, STOOD = "delivery/judge/gate.py", "delivery/judge/test_gate.py", "delivery/judge/test_baseline.py"
JUDGING, REACHING = "delivery/run/stage_judge.py", "delivery/run/stage_update.py"
RECORDS = "delivery/release/records.py"
VERDICTS, EXTREMES = "delivery/judge/verdicts.py", "sizing/test_extremes.py"
WINDOWS, COUNTED = "delivery/release/windows.py", "delivery/run/test_windows.py"

MUTANTS = [
    Mutant(BEFORE, 'if past.outcome == "promoted":', "if False:", "compared with the version before it", SPANS),
    Mutant(BEFORE, "(past.promoted or past.ended)", "past.ended", "a warm slot hides what is live since", SPANS),
    Mutant(BEFORE, "ended = past.began.timestamp()", "pass", "the bad version is compared with", SPANS),
    Mutant(BEFORE, "seconds -= ended - since", "pass", "a minute for each release that went back", SPANS),
    Mutant(CHECKING, "max(now.timestamp() - window, _live_since(delivery, now))", "now.timestamp() - window",
           "what the version before answered revokes", CHECKED),
    Mutant(CHECKING, "return delivery.run.promoted.timestamp()", "return 0.0", "a warm slot's window", CHECKED),
    Mutant(CHECKING, "before = _yardstick(delivery, Version(image, config), asked.margins)", "before = {}",
           "as good as ever fails", CHECKED),
    Mutant(CHECKING, 'if not look.checks and look.result == "pass":', "if False:", "nothing asked is a pass", CHECKED),
    Mutant(CHECKING, "standing is not None and standing.checks and", "standing is not None and",
           "a verdict about nothing keeps one about something away", CHECKED),
    Mutant(CHECKING, "return own if worse else live", "return live", "a version after a broken one may break", CHECKED),
    Mutant("delivery/release/evidence.py", 'return "unjudged"', 'return "pass"', "nothing judged is a pass", COUNTED),
    Mutant("delivery/release/evidence.py", '"inconclusive" if "inconclusive" in results else "pass"', '"pass"',
           "what somebody chose has passed", COUNTED),
    Mutant(EVIDENCE, 'if not verdict.checks and verdict.result in ("pass", "unjudged"):', "if False:",
           "a verdict about nothing vouches", RULED),
    Mutant(EVIDENCE, 'return "" if verdict.result == "pass" else', 'return "" if True else',
           "nobody knows, so it passes", RULED),
    Mutant(DRIVER, "        fresh = records.rebased(service, fresh, now())", "        pass",
           "a release that began before the way back had ended", COMPARED),
    Mutant(DRIVER, 'elif blame and run.outcome != "rolled back":', "elif False:", "rollback holds nothing", RETURNED),
    Mutant(DRIVER, 'if run.kind == "forward" and not run.express:', 'if run.kind == "forward":',
           "a release makes the version live that is left", RETURNED),
    Mutant(RECORDS, "if run is not None and run.warm_until is None:  # what",
           'if run is not None and run.kind == "forward" and run.warm_until is None:  # what',
           "a release during a way back returns to the bad version", RETURNED),
    Mutant(RECORDS, 'if run.express and run.kind == "forward":', "if False:", "the stable one is left", RETURNED),
    Mutant(RECORDS, "(held(delivery) if held else delivery).model_copy", "delivery.model_copy",
           "no hold with the way back", RETURNED),
    Mutant(RETURNING, 'if run is None or run.kind == "back" or not run.express:', "if True:",
           "a second rollback turns the first one round", RETURNED),
    Mutant(RETURNING, "            holds.refuse_held(", "            str(", "back to what is held", RETURNED),
    Mutant(GATE, "        if self._answered is not None:\n", "        if False:\n", "asked again and again", GATED),
    Mutant(GATE, "verdicts.judge_alone if arms.alone else verdicts.judge", "verdicts.judge",
           "a service that few ask is never released", COMPARED),
    Mutant(GATE, "for length in LENGTHS if found else ():", "for length in LENGTHS[:1]:", "a minute is all", STOOD),
    Mutant(JUDGING, "self._run.began)\n", "datetime.now(UTC))\n", "the time before is that of the resume", COMPARED),
    Mutant(JUDGING, "            return silent(error)\n", "            before = {}\n",
           "a silent source is a service that nobody asked", COMPARED),
    Mutant(JUDGING, "            windows.answered(", "            str(", "a pass that dies with its driver", COUNTED),
    Mutant(JUDGING, "max((began if passed else since) + deadline", "max(since + deadline",
           "the deadline runs while somebody is waited for", COUNTED),
    Mutant(JUDGING, "self._stage.hold, began + min(deadline, _LEAST_SECONDS))", "self._stage.hold, 0)",
           "one silent look ends it", COUNTED),
    Mutant(JUDGING, "        return self.look(since, deadline)\n", "        return found\n",
           "whoever comes late passes by what came later", COUNTED),
    Mutant(JUDGING, "if passed and self._open(found)", "if passed", "an approval while nobody can look", COUNTED),
    Mutant(JUDGING, "ceil(1000 * moved)", "int(1000 * moved)", "the old split is in the window", COUNTED),
    Mutant(REACHING, "            moved = judge.begin(moved)\n", "            pass\n", "a killed step is new", COUNTED),
    Mutant(WINDOWS, "        return window\n    window = Window(", "        pass\n    window = Window(",
           "whoever resumes begins anew", COUNTED),
    Mutant(WINDOWS, "window is not None and window.passed is None:", "window is not None:",
           "counted again at each look", COUNTED),
    Mutant(WINDOWS, "        if compared:\n", "        if True:\n", "what was before is counted twice", COMPARED),
    Mutant(WINDOWS, "    if run.reached and compared:", "    if False:", "an old record's double counts", COUNTED),
    Mutant(VERDICTS, "    if ample(before, margin):\n", "    if True:\n", "few before, never a verdict", COMPARED),
    Mutant(VERDICTS, "_NOBODY, _share(before) + step)", "_NOBODY, step)", "better than before, and blamed", COMPARED),
    Mutant(VERDICTS, "enough = _PRECISION / max(candidate.total, live.total, 1)", "enough = 1e-8",
           "evidence out of a billion requests", EXTREMES),
    Mutant(VERDICTS, "(good and share >= 1)", "(good and share > 2)", "margin 100 ends the driver", EXTREMES),
    Mutant("models/delivery.py", "total: Requests", "total: Count", "a busy hour ends the driver", EXTREMES),
    Mutant("sizing/split.py", "return -expm1(-low) / scale", "return low / scale", "queues end too soon",
           "sizing/test_split.py"),
]  # fmt: skip
