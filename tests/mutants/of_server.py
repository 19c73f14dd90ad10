"""Mutants of the model server's batching and of its benchmark: answers that get lost or mixed, figures that flatter."""

from tests.mutants.mutant import Mutant

BATCHING, WORKERS = "serving/work/batching.py", "serving/work/workers.py"
LOGS = "serving/telemetry/logs.py"
SEARCH, LOAD, FIGURES = (f"bench/server/{name}.py" for name in ("search", "load", "figures"))

BATCHED = "../serving/tests/test_batching.py"
WORKED = "../serving/tests/test_workers.py"
CASED = "../serving/tests/nlu/test_files.py::test_in_lower_case_a_word_has_the_same_features_however_it_is_written"
LOGGED = "../serving/tests/test_logs.py"
BENCHED = "bench/test_server.py"

MUTANTS = [
    Mutant(
        "serving/payloads/nlu/features.py",
        "word[:24] if cased else low[:24]",
        "word[:24]",
        "in lower case, a word that is shouted is another word",
        CASED,
    ),
    Mutant(BATCHING, "or total + size > self.fit.most", "", "a batch without a limit", BATCHED),
    Mutant(BATCHING, "own != kind or ", "", "tensors of two shapes in one inference", BATCHED),
    Mutant(BATCHING, "if len(answers) != len(batch):", "if False:", "an answer too few, and a request waits", BATCHED),
    Mutant(BATCHING, "if len(batch) == 1:", "if True:", "one faulty request fails a whole batch", BATCHED),
    Mutant(WORKERS, "if job.state is not State.WAITING:", "if False:", "a running job is withdrawn", WORKED),
    Mutant(WORKERS, "if self._busy == self.count:", "if self._busy:", "one thread does all the work", WORKED),
    Mutant(WORKERS, "self._busy -= else_leave", "pass", "a thread that left is counted for ever: nothing runs", WORKED),
    Mutant(WORKERS, "job = None if full else self._take()", "job = None", "nothing is ever computed together", WORKED),
    Mutant(WORKERS, "if not self.answer.done():", "if True:", "a client that left leaves a place taken", WORKED),
    Mutant(WORKERS, "self.context.run(pending.result, found)", "pending.result(found)", "a trace ends halfway", WORKED),
    Mutant(LOGS, "self._waiting.clear()", "pass", "every line is written again and again", LOGGED),
    Mutant(LOGS, "if not scheduled:", "if False:", "lines are written when the process ends", LOGGED),
    Mutant(LOAD, "self.success == 1 and ", "", "errors count as throughput", BENCHED),
    Mutant(LOAD, " and self.rate >= KEPT_UP * self.wanted", "", "a rate that was never sent was held", BENCHED),
    Mutant(
        LOAD, "_NANOSECONDS_PER_MS = 1e6", "_NANOSECONDS_PER_MS = 1e9", "seconds are taken for milliseconds", BENCHED
    ),
    Mutant(SEARCH, "return good", "return bad", "a rate that was not held is shown", BENCHED),
    Mutant(FIGURES, 'pick = max if figure == "throughput" else min', "pick = min", "the worst peer is beaten", BENCHED),
    Mutant(FIGURES, "statistics.median(", "max(", "the luckiest round is shown", BENCHED),
]
