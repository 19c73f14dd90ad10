"""The windows of a run in its record: the period in which each stage is judged, and the results.

Every look reads a window's counts from the metrics source again, so no look adds anything up. The record keeps only
what later stages need: that the gate passed, the webhook's answer, and the live slot's counts.
"""

from collections.abc import Mapping
from datetime import datetime

from delivery.release.records import note, under_way
from delivery.release.service import Service
from models.delivery import Arm, CheckResult, Run, Window


def begun(service: Service, began: datetime, *, compared: bool) -> Window:
    """Return the window of the current stage; if the stage has no window yet, record one.

    Args:
        service: The service; its stack is held exclusively.
        began: When the stage's split first acted.
        compared: Whether the live slot answers beside the new one, in the same window.
    """
    _, run = under_way(service)
    if (window := run.window(run.stage)) is not None:
        return window
    window = Window(stage=run.stage, began=began)
    changes: dict[str, object] = {"windows": (*run.windows, window)}
    if run.reached and compared:  # an older program without windows counted this stage at every look
        changes["baseline"] = {}
    note(service, **changes)
    return window


def judged(service: Service, checks: Mapping[str, CheckResult], *, passed: datetime | None, compared: bool) -> None:
    """Record the results of the last gate.

    When a stage passes for the first time, also add the live slot's counts to the baseline, because the live slot
    answers nothing at 100 %. A stage that is judged again counts only once.

    Args:
        service: The service; its stack is held exclusively.
        checks: The results of the gate.
        passed: When the gate passed; None = it did not.
        compared: Whether the live slot answered beside the new one, in the same window.
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
    """Record the webhook's pass, so that a driver that resumes this stage does not ask again."""
    _, run = under_way(service)
    if (window := run.window(run.stage)) is not None:
        note(service, windows=_replaced(run, window.model_copy(update={"webhook": answer})))


def compared_with(service: Service, baseline: Mapping[str, Arm]) -> None:
    """Record the baseline from before the release."""
    note(service, baseline=dict(baseline))
