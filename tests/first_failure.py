"""The first failed test: its name and the end of its output, printed last but for the counts."""

from collections.abc import Generator

import pytest

TITLE = "first failure"
"""`.ci/steps.py` looks for this heading."""
LINES = 40


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Generator[None]:
    """Print after every other summary."""
    yield
    failed = [*terminalreporter.stats.get("failed", ()), *terminalreporter.stats.get("error", ())]
    if failed:
        first = failed[0]
        terminalreporter.section(f"{TITLE}: {first.nodeid}", red=True)
        for line in end_of(first):
            terminalreporter.write_line(line)


def end_of(report: pytest.TestReport | pytest.CollectReport) -> list[str]:
    """Return the last lines of a report: what was captured, then the error itself, for that is read first."""
    captured = [line for title, text in report.sections for line in (f"{title}:", *text.splitlines())]
    return [*captured, *report.longreprtext.splitlines()][-LINES:]
