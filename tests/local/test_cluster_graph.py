import threading

import pytest

from local.graph import Task, run_all


def nothing() -> None:
    """What most of these tasks do."""


def test_a_task_runs_after_what_it_needs() -> None:
    order: list[str] = []
    tasks = [
        Task("kubelet", lambda: order.append("kubelet"), ("apiserver", "containerd")),
        Task("apiserver", lambda: order.append("apiserver"), ("etcd",)),
        Task("containerd", nothing),
        Task("etcd", lambda: order.append("etcd")),
    ]
    run_all(tasks, on_failure=nothing)
    assert order == ["etcd", "apiserver", "kubelet"]


def test_independent_tasks_run_at_the_same_time() -> None:
    meeting = threading.Barrier(2, timeout=5)  # breaks if one had to end before the other starts
    run_all([Task("a", meeting.wait), Task("b", meeting.wait)], on_failure=nothing)


def test_the_first_failure_is_raised_and_what_needs_it_never_runs() -> None:
    ran: list[str] = []

    def fail() -> None:
        raise RuntimeError("port taken")

    with pytest.raises(RuntimeError, match="port taken"):
        run_all([Task("a", fail), Task("b", lambda: ran.append("b"), ("a",))], on_failure=nothing)
    assert ran == []


def test_a_failure_wakes_tasks_that_wait_for_something() -> None:
    stopped = threading.Event()

    def wait() -> None:
        assert stopped.wait(5)
        raise RuntimeError("the build was stopped")

    def fail() -> None:
        raise RuntimeError("first")

    with pytest.raises(RuntimeError, match="first"):
        run_all([Task("build", wait), Task("bad", fail)], on_failure=stopped.set)


def test_a_need_that_is_no_task_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="task a requires b"):
        run_all([Task("a", nothing, ("b",))], on_failure=nothing)
