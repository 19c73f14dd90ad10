"""Run tasks in parallel, each as soon as the tasks that it needs have succeeded."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Task:
    """One step of `up`; it runs when all the tasks that it needs have succeeded."""

    name: str
    action: Callable[[], object]
    needs: tuple[str, ...] = ()


@dataclass
class _Run:
    """The state that the threads of one `run_all` share; `changed` guards every change."""

    changed: threading.Condition = field(default_factory=threading.Condition)
    succeeded: set[str] = field(default_factory=set[str])
    failure: BaseException | None = None


def run_all(tasks: Sequence[Task], *, on_failure: Callable[[], object]) -> None:
    """Run all tasks. After the first failure, wait for the running tasks to end, then raise it.

    Args:
        tasks: In any order. A need that names no task raises ValueError.
        on_failure: Called once at the first failure or at ^C, to make waiting tasks give up.
    """
    names = {task.name for task in tasks}
    for task in tasks:
        for need in task.needs:
            if need not in names:
                raise ValueError(f"task {task.name} requires {need}, which is not a task")
    run = _Run()
    threads = [threading.Thread(target=_work, args=(run, task), name=task.name, daemon=True) for task in tasks]
    for thread in threads:
        thread.start()
    try:
        with run.changed:
            while run.failure is None and len(run.succeeded) < len(tasks):
                run.changed.wait()
    except KeyboardInterrupt as interrupt:
        with run.changed:
            run.failure = interrupt
            run.changed.notify_all()
    if run.failure is not None:
        on_failure()
        for thread in threads:
            thread.join(timeout=30)
        raise run.failure


def _work(run: _Run, task: Task) -> None:
    with run.changed:
        run.changed.wait_for(lambda: run.failure is not None or run.succeeded.issuperset(task.needs))
        if run.failure is not None:
            return
    try:
        task.action()
    except BaseException as failure:  # noqa: BLE001  (raised again by run_all, in the caller's thread)
        with run.changed:
            run.failure = run.failure or failure
            run.changed.notify_all()
        return
    with run.changed:
        run.succeeded.add(task.name)
        run.changed.notify_all()
