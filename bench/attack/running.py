"""Run attacks against a server, each in a process of its own."""

import multiprocessing
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from dataclasses import dataclass

from bench.attack.outcome import Outcome
from bench.attack.target import Normal, Target
from bench.attack.wire import Answers, Attack

MOST_SECONDS = 120.0


class AttackError(RuntimeError):
    """The server ended, or an attack did not; the message is one line."""


@dataclass(frozen=True, kw_only=True)
class Form:
    """How long is measured.

    quiet: Seconds before an attack.
    least: Seconds of an attack; what it leaves of them is measured too.
    once: Measure before the first attack only.
    """

    quiet: float = 4.0
    least: float = 2.0
    once: bool = False


def attacked(server: Target, attack: Attack, expected: set[str], quiet: Normal, form: Form) -> Outcome:
    """Run one attack.

    Raises:
        AttackError: the server ended, or the attack did not.
    """
    server.forget()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, initializer=os.nice, initargs=(10,)) as process:
        process.submit(os.getpid).result()  # imports are not part of the attack
        with Normal(server.port, server.role) as during:
            begun = time.monotonic()
            try:
                answers: Answers = process.submit(attack, server.port).result(MOST_SECONDS)
            except TooLate as error:
                raise AttackError(f"{attack.__name__} did not end in {MOST_SECONDS:g} s") from error
            time.sleep(max(form.least / 2, form.least - (time.monotonic() - begun)))
    if server.process.poll() is not None:
        raise AttackError(f"{attack.__name__}: {server.ended()}")
    return Outcome(attack, expected, answers, server.peak(), quiet, during)


def measured_quiet(server: Target, seconds: float) -> Normal:
    """Return the other client's times without an attack."""
    with Normal(server.port, server.role) as quiet:
        time.sleep(seconds)
    return quiet


def all_of(server: Target, attacks: dict[Attack, set[str]], form: Form, show: Callable[[Outcome], None]) -> None:
    """Run attacks one after another, and show each outcome.

    Raises:
        AttackError: as `attacked`.
    """
    quiet: Normal | None = None
    for attack, expected in attacks.items():
        if quiet is None or not form.once:
            quiet = measured_quiet(server, form.quiet)
        show(attacked(server, attack, expected, quiet, form))
