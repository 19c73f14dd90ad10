"""The windows of a run: in which time each stage is judged, and what they have shown, kept in the record.

A look reads a window's counts from the metrics source again, so nothing is added up by looking. What is kept is what
the next stages need: that the gate passed, what the webhook said, and what the live slot answered meanwhile.
"""

from collections.abc import Mapping
from datetime import datetime

from delivery.release.records import note, under_way
from delivery.release.service import Service
from models.delivery import Arm, CheckResult, Run, Window


def begun(service: Service, began: datetime, *, compared: bool) -> Window:
    """Return the window of the stage that the record names; where it has none yet, note that it began.

    Args:
        service: Whose release; its stack is held exclusively.
        began: When the stage's split first acted.
        compared: Whether a live slot answers beside the new one, in the same window.
    """
    _, run = under_way(service)
    if (window := run.window(run.stage)) is not None:
        return window
    window = Window(stage=run.stage, began=began)
    changes: dict[str, object] = {"windows": (*run.windows, window)}
    if run.reached and compared:  # by a program without windows, which had counted this stage at every look
        changes["baseline"] = {}
    note(service, **changes)
    return window


def judged(service: Service, checks: Mapping[str, CheckResult], *, passed: datetime | None, compared: bool) -> None:
    """Keep the numbers of the last gate.

    Of one that passed for the first time also the live slot's, which answers nothing at 100 %. A stage at which
    somebody looks again counts once.

    Args:
        service: Whose release; its stack is held exclusively.
        checks: What the gate found.
        passed: When; None = it did not.
        compared: Whether a live slot answered beside the new one, in the same window.
    """
    _, run = under_way(service)
    window, changes = run.window(run.stage), dict[str, object]()
    if passed is not None and window is not None and window.passed is None:
        changes["windows"] = _replaced(run, window.model_copy(update={"passed": passed}))
        if compared:
            changes["baseline"] = _added(run.baseline, checks)
    note(service, checks=dict(checks), **changes)


def _added(baseline: Mapping[str, Arm], checks: Mapping[str, CheckResult]) -> dict[str, Arm]:
    seen = {name: check.live for name, check in checks.items() if check.live is not None and check.live.total}
    return {**baseline, **{name: baseline[name].plus(arm) if name in baseline else arm for name, arm in seen.items()}}


def _replaced(run: Run, window: Window) -> tuple[Window, ...]:
    return (*(other for other in run.windows if other.stage != window.stage), window)


def answered(service: Service, answer: CheckResult) -> None:
    """Keep the webhook's pass: its question is settled for this stage, whoever resumes it."""
    _, run = under_way(service)
    if (window := run.window(run.stage)) is not None:
        note(service, windows=_replaced(run, window.model_copy(update={"webhook": answer})))


def compared_with(service: Service, baseline: Mapping[str, Arm]) -> None:
    """Keep what was answered before the release."""
    note(service, baseline=dict(baseline))
