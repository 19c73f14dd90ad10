"""Mutants of evidence, holds and promotion: versions that run where nobody has vouched for them."""

from tests.mutants.mutant import Mutant

RULES = "models/evidence.py"
RECORD = "delivery/release/evidence.py"
HOLDS = "delivery/release/holds.py"
SERVICE = "delivery/release/service.py"
PROMOTION = "delivery/release/promotion.py"
SOURCES = "delivery/release/source.py"
ADMISSION = "components/admission.py"
FOUNDATION = "components/foundation.py"

RULED = "delivery/release/test_evidence.py"
HELD = "delivery/release/test_holds.py"
PROMOTED = "delivery/release/test_promotion.py"
ASKED = "delivery/release/test_source.py"
ADMITTED = "program/test_admission.py"

MUTANTS = [
    Mutant(RULES, "if held := record.holding(version):", "if False:", "a held version goes on", RULED),
    Mutant(RULES, "if verdict.revoked:", "if False:", "evidence that was taken back counts", RULED),
    Mutant(RULES, "if old < evidence.soak:", "if False:", "no soak", RULED),
    Mutant(RULES, "if old < evidence.soak:", "if old <= evidence.soak:", "a soak that never ends on time", RULED),
    Mutant(RULES, "if old > evidence.fresh:", "if False:", "evidence of last year", RULED),
    Mutant(RULES, "if other := _judged_otherwise(verdict, evidence, entry, wanted):", "if False:",
           "a changed catalogue goes on unjudged", RULED),
    Mutant(RULES, 'if name not in own.get("files", {})}', "}", "a file that the slot replaces undoes a verdict", RULED),
    Mutant("delivery/commands/promote.py", 'if report.document["promotions"][-1]["result"] != "promoted":',
           "if True:", "a promotion ends with its first target", "delivery/commands/test_cli_commands.py"),
    Mutant("delivery/run/recheck.py", "and standing.revision == verdict.revision", "",
           "a check after a changed catalogue leaves the old verdict", "delivery/run/test_recheck.py"),
    Mutant(RULES, "value.is_integer() else value", "False else value", "no verdict survives the engine", RULED),
    Mutant(
        RULES, 'return self.content.model_copy(update={"image": self.image})', "return self.content",
        "another environment builds its own", PROMOTED,
    ),
    Mutant(RECORD, "needed = {*kept, *promoted_last(delivery), ", "needed = {*kept, ", "no way back", RULED),
    Mutant(RECORD, "needed = {*kept, ", "needed = {", "the live version loses its evidence", RULED),
    Mutant(RECORD, "or newest[v.image, v.config] != p", "", "a file that grows for ever", RULED),
    Mutant(RECORD, "if place not in promoted[-2:]", "if True", "a rollback to nowhere", RULED),
    Mutant(RECORD, "v.covers(version) and v.revoked is None", "v.revoked is None",
           "all evidence is gone", RULED),
    Mutant(RECORD, "v.covers(version) and v.revoked is None", "v.covers(version)",
           "another reason", RULED),
    Mutant(
        "delivery/release/records.py", "override=run.override,\n    )\n    return", ")\n    return",
        "no verdict says that somebody went past", "delivery/run/test_driver.py",
    ),
    Mutant(SERVICE, "            **found,\n", "            **(found | {'override': None}),\n",
           "who went past it is forgotten",
           "delivery/release/test_service.py"),
    Mutant(HOLDS, "if held := record.holding(version):", "if False:",
           "the bad digest comes back", HELD),
    Mutant(HOLDS, "if held.image != image)", "if held.image == image)", "letting one go lets all others go", HELD),
    Mutant(
        HOLDS, "return hold(left, ", "return hold(delivery, ",
        "the next environment takes what was rolled back", HELD,
    ),
    Mutant(
        PROMOTION, "if order.index(source.environment) >= order.index(target.environment):", "if False:",
        "prod to dev", PROMOTED,
    ),
    Mutant(PROMOTION, "if theirs != ours:", "if False:", "one system's version in another", PROMOTED),
    Mutant(PROMOTION, "if wanted != source.name:", "if False:", "past the environment between", PROMOTED),
    Mutant(PROMOTION, "if len(environments) > 1:", "if False:", "prod follows before staging is judged", PROMOTED),
    Mutant(
        PROMOTION, '(run.kind == "back" or run.warm_until is None)', 'run.kind == "back"',
        "half-judged bytes go on", PROMOTED,
    ),
    Mutant(PROMOTION, "if override is None:", "if True:", "no way past in an emergency", PROMOTED),
    Mutant(
        PROMOTION, "holds.refuse_held(target.record(), version, **target.named)", "pass",
        "one cluster's hold is found after the other cluster", PROMOTED,
    ),
    Mutant(SOURCES, 'if past.outcome == "promoted")', "if past)", "what was rolled back comes back unasked", ASKED),
    Mutant(SOURCES, "if image is None:", "if False:", "nobody knows what a build will be", ASKED),
    Mutant(ADMISSION, "if _ran(own, one):", "if False:", "a running prod cannot be deployed", ADMITTED),
    Mutant(ADMISSION, 'if run.kind == "forward":', "if True:", "the way back is refused", ADMITTED),
    Mutant(ADMISSION, " if v.counts}", "}", "a failure lets in", ADMITTED),
    Mutant(
        ADMISSION, 'for p in delivery.history if p.outcome == "promoted" or p.override', "for p in ()",
        "what was promoted is asked about again", ADMITTED,
    ),
    Mutant(ADMISSION, "run.override is not None or ", "", "an override is written down and not obeyed", ADMITTED),
    Mutant(ADMISSION, "began = run.began if run and ", "began = now if run and ", "a slow release stops", ADMITTED),
    Mutant(ADMISSION, "if refused := list(", "if not list(", "nothing is ever refused", ADMITTED),
    Mutant(ADMISSION, 'stack if "/" in stack else f"', 'f"', "the wrong organisation's evidence", ADMITTED),
    Mutant(
        FOUNDATION, '"name": args.namespace,', '"name": system.namespace,', "the refusal comes after the first write",
        ADMITTED,
    ),
]  # fmt: skip
