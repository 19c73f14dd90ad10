"""Mutants of the stack's lock: two drivers at once, a driver that was succeeded and writes on, a release left alone."""

from tests.mutants.mutant import Mutant

LEASE, LOCK, ASKING = "delivery/lock/lease.py", "delivery/lock/lock.py", "delivery/lock/turn_back_request.py"
TAKEOVER, TENDING, VALVE, STACK, SERVICE = (
    "delivery/release/takeover.py",
    "delivery/release/unattended.py",
    "delivery/cluster/valve.py",
    "delivery/release/stack.py",
    "delivery/release/service.py",
)
LEASED, LOCKED, ASKED = (
    "delivery/lock/test_lease.py",
    "delivery/lock/test_lock.py",
    "delivery/lock/test_turn_back_request.py",
)
TAKEN_OVER, TENDED = "delivery/release/test_takeover.py", "delivery/commands/test_tend.py"

MUTANTS = [
    Mutant(TAKEOVER, 'not known.get("space") or ', "", "a destroyed stack's first release goes on", TAKEN_OVER),
    Mutant(STACK, "return UNKNOWN_SPACE", 'return ""', "without get of namespaces nobody takes over", TAKEN_OVER),
    Mutant(LEASE, "if self.clock() - since < found.duration:", "if False:", "a live driver is succeeded", LEASED),
    Mutant(LEASE, "if observed and found.version != observed:", "if False:", "a live driver is waited for", LEASED),
    Mutant(LEASE, '("", self.holder.identity, self.past)', '("", self.holder.identity)', "a dead one waits", LEASED),
    Mutant(LEASE, "or DURATION_SECONDS)", "and DURATION_SECONDS)", "another's duration is ours", LEASED),
    Mutant(LEASE, "found.identity != expected or", "False or", "a deleted Lease of the same token is ours", LEASED),
    Mutant(
        LEASE, "(found.token if found else 0) + fresh", "found.token if found else 0", "a token that stays", LEASED
    ),
    Mutant(LEASE, "{**(found.notes if found else {}), ", "{", "a renewal drops what somebody asks", LEASED),
    Mutant(LEASE, "        self.note(request=None)", "        pass", "a successor hears an old request", ASKED),
    Mutant(
        LEASE,
        "self.confirmed = Seen(body), began\n        self._notes.clear()",
        "self.confirmed = Seen(body), began",
        "the first renewal drops a request",
        LOCKED,
    ),
    Mutant(LOCK, "        if self._lease is not None:\n            try:\n", "        if False:\n            try:\n",
           "no write is confirmed", TAKEN_OVER),
    Mutant(LOCK, "monotonic() - lease.confirmed < _SURE_SECONDS:", "True:", "a file without a Lease", LOCKED),
    Mutant(LOCK, "            except Lost:\n                raise\n", "", "a lost driver writes its file", TAKEN_OVER),
    Mutant(LOCK, "            if heard and not over.is_set():", "            if False:", "not heard", LOCKED),
    Mutant(LOCK, "            stream.truncate(0)", "            pass", "one that released is not known", LOCKED),
    Mutant(LOCK, '            self.tell(\n                f"stack {self.stack}: no lock keeps drivers',
           '            str(\n                f"stack {self.stack}: no lock keeps drivers', "a silent loss", LOCKED),
    Mutant(LOCK, "if 0 <= age < 3 * RENEW_SECONDS:", "if True:", "a lost driver works for ever", LOCKED),
    Mutant(LOCK, "return again is not None and again.version != seen.version", "return False",
           "a driver whose clock differs is not shown", LOCKED),
    Mutant(STACK, "        try:\n            self.lock.confirm()\n", "        try:\n            pass\n",
           "an update of a driver that was succeeded", TAKEN_OVER),
    Mutant(SERVICE, "        stack.lock.record(self.name, carried(release, record, stack.space_id(), running))\n", "",
           "a record that is written after a takeover", TAKEN_OVER),
    Mutant(VALVE, "        confirm()\n", "", "traffic is moved by a succeeded driver",
           "delivery/cluster/test_valve.py"),
    Mutant(VALVE, "        except StaleObject:\n            continue",
           "        except StaleObject:\n            return True",
           "a conflict is taken for a move", "delivery/cluster/test_valve.py"),
    Mutant("delivery/cluster/client.py", '("managedFields", "uid", "creationTimestamp"',
           '("managedFields", "uid", "resourceVersion", "creationTimestamp"',
           "a valve writes over its successor", "delivery/cluster/test_valve.py"),
    Mutant(ASKING, "if silent or (not taken", "if (not taken", "a driver that dies on its way back", ASKED),
    Mutant(ASKING, "PATIENCE_SECONDS):", "10_000):", "a driver that sleeps is waited for", ASKED),
    Mutant(ASKING, "                self._changed = self._clock()  #", "                pass  #", "away counts", ASKED),
    Mutant(ASKING, 'if seen is None or seen.identity in ("", gone):', 'if seen is None or seen.identity == "":',
           "the dead are asked", ASKED),
    Mutant(TAKEOVER, "    if any(past.id == run.id for past in own.history):\n        return False\n", "",
           "a release that ended is begun again", TAKEN_OVER),
    Mutant(TAKEOVER, "_place(run) > _place(ours)", "_place(run) != _place(ours)", "an older record wins", TAKEN_OVER),
    Mutant(TAKEOVER, "any(past.id == ours.id for past in theirs.history)", "False",
           "what ended elsewhere is turned back", TAKEN_OVER),
    Mutant(TAKEOVER, "*theirs.verdicts),", "),", "evidence is lost with a driver", TAKEN_OVER),
    Mutant(TENDING, "if left > 0:", "if False:", "tended while it is driven", TENDED),
    Mutant(TENDING, '    if at.phase == "waiting":', "    if False:", "a person's decision is taken", TENDED),
    Mutant(TENDING, "if driver is not None:", "if False:", "a driver is hurried", TENDED),
    Mutant(TENDING, '"resume" if run.kind == "back" else strategy.when_unattended', "strategy.when_unattended",
           "a way back is not finished", TENDED),
    Mutant(TENDING, "return max(datetime.fromisoformat(noted), run.stage_began) if noted else run.stage_began",
           "return run.stage_began", "a long hold is left alone", TENDED),
    Mutant("delivery/commands/tend.py", "if report.exit_code == ExitCode.WAITING:", "if False:", "cron fails", TENDED),
]  # fmt: skip
