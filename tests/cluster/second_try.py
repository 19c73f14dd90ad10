"""Runs a failed cluster test once more from the beginning; if it then passes, it is reported as flaky.

Only the session's fixtures stay. Everything else is torn down and created again, so that the second try has fresh
stacks and namespaces. No other tests get a second try: without a cluster, a test that fails by chance is defective.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol

from tests.cluster import flaky

ORDERED = "ordered"
"""Marker of a file whose tests build on each other: a second try would begin without the earlier ones."""

ROWS = "rows for {}: commit them with an owner"
"""Heading that `.ci/steps.py` looks for."""


@dataclass(frozen=True)
class Flake:
    """A test that passed in its second try."""

    row: flaky.Row
    first: str
    """Output of the try that failed."""
    second: str


class SecondTry:
    """The pytest plugin."""

    def __init__(self, folder: Path, listed: Path, commit: str, renew: Callable[[], None]) -> None:
        """Give second tries to the tests below a folder.

        Args:
            folder: Folder of the cluster tests.
            listed: File with the list of flaky tests.
            commit: The tested commit.
            renew: Called between the tries, after all fixtures except the session's are torn down.
        """
        self._folder, self._listed, self._commit, self._renew = folder, listed, commit, renew
        self._failed: dict[str, str] = {}
        self._flakes: list[Flake] = []
        self._begun: set[Path] = set()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        """Run a test, and run it again after a failure if that is allowed."""
        if not item.path.is_relative_to(self._folder):
            return None
        if item.nodeid in self._failed:
            self._again(item, nextitem)
            return True
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        allowed = self._allowed(item)
        self._begun.add(item.path)
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
        if allowed and any(report.failed for report in reports):
            self._failed[item.nodeid] = _output(reports)
            # Through the hook, so that other plugins take part: pytest-timeout restarts its timer.
            item.ihook.pytest_runtest_protocol(item=item, nextitem=nextitem)
        else:
            _publish(item, reports)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    def _allowed(self, item: pytest.Item) -> bool:
        builds_on_others = item.get_closest_marker(ORDERED) is not None and item.path in self._begun
        return not builds_on_others and flaky.times(self._listed, item.nodeid) < flaky.MOST

    def _again(self, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        _say(item, f"{self._failed[item.nodeid]}\n{item.nodeid}: failed; a second try from the beginning")
        first = self._failed[item.nodeid] + self._begin_anew(item)
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
        failed = [report for report in reports if report.failed]
        if failed:
            failed[0].sections.append(("first try", first))
        else:
            row = flaky.Row.now(self._commit, item.nodeid)
            flaky.append(self._listed, row)
            self._flakes.append(Flake(row, first, _output(reports)))
        _publish(item, reports)

    def _begin_anew(self, item: pytest.Item) -> str:
        """Tear down everything except the session's fixtures; return errors of that, which fail no test."""
        troubles: list[str] = []
        for step in (lambda: _tear_down(item.session), self._renew):
            try:
                step()
            except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 -- the second try decides
                troubles.append(f"before the second try: {type(error).__name__}: {error}")
        return "".join(f"\n{trouble}" for trouble in troubles)

    @pytest.hookimpl
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Show both outputs of each flaky test, and the rows for the list."""
        if not self._flakes:
            return
        terminalreporter.section("flaky", yellow=True)
        for flake in self._flakes:
            terminalreporter.section(f"first try of {flake.row.test}", sep="_")
            terminalreporter.write_line(flake.first)
            terminalreporter.section(f"second try of {flake.row.test}", sep="_")
            terminalreporter.write_line(flake.second)
        terminalreporter.section(ROWS.format(self._listed.name), sep="_")
        for flake in self._flakes:
            terminalreporter.write_line(str(flake.row))


def _tear_down(session: pytest.Session) -> None:
    """Tear down all fixtures except the session's."""
    setup = session._setupstate  # pyright: ignore[reportPrivateUsage] -- as pytest's own runner does
    setup.teardown_exact(session)  # pyright: ignore[reportArgumentType] -- asks it for its list of collectors only


def _publish(item: pytest.Item, reports: list[pytest.TestReport]) -> None:
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)


def _output(reports: list[pytest.TestReport]) -> str:
    """Return the output of a try: how each phase ended, its failures, and what it printed."""
    lines = [f"{report.when}: {report.outcome} in {report.duration:.1f} s" for report in reports]
    lines += [report.longreprtext for report in reports if report.longreprtext]
    sections = {title: text for report in reports for title, text in report.sections}
    lines += [f"{title}:\n{text.rstrip()}" for title, text in sections.items()]
    return "\n".join(lines)


def _say(item: pytest.Item, line: str) -> None:
    reporter = item.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        reporter.ensure_newline()
        reporter.write_line(line)
