"""The live view of a release: stages, the split, sampled and required requests, and both slots' numbers."""

from collections.abc import Mapping
from dataclasses import dataclass

from rich.box import ROUNDED
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from delivery import formatting
from delivery.report.journal import Entry, Journal
from models.delivery import CheckResult, Finding

_BAR_WIDTH = 24

_SIGNS = {"done": ("✔", "green"), "left": ("✘", "red"), "to come": ("·", "bright_black"), "now": ("●", "cyan")}
_COLORS = {"blue": "blue", "green": "green"}
RESULTS: dict[Finding, str] = {"pass": "green", "fail": "red", "inconclusive": "yellow", "unjudged": "yellow"}


@dataclass(frozen=True, kw_only=True)
class Heading:
    """The release that the view shows."""

    stack: str
    service: str
    what: str
    """What is released, such as `server@sha256:9be19be19be1`."""
    strategy: str


class View:
    """Draws a journal; Rich renders it for each frame."""

    def __init__(self, heading: Heading, journal: Journal) -> None:
        self._heading, self._journal = heading, journal
        self._spinner = Spinner("dots", style="cyan")

    def __rich__(self) -> RenderableType:
        """Draw one frame."""
        heading, journal = self._heading, self._journal
        elapsed = formatting.duration(journal.now - journal.began)
        title = f"[bold]{escape(heading.service)}[/] · {escape(heading.stack)} · {escape(heading.strategy)} · {elapsed}"
        parts: list[RenderableType] = [Text(heading.what, style="bold"), *self._split(), "", self._stages()]
        if journal.judged:
            parts += ["", checks_table(journal.judged)]
        if journal.reason:
            parts += ["", Text(f"going back: {journal.reason}", style="red")]
        if journal.tail and not journal.said:
            parts += [
                "",
                *(Text(line, style="bright_black", no_wrap=True, overflow="ellipsis") for line in journal.tail),
            ]
        if journal.said and journal.said != journal.reason:
            parts += ["", Text(journal.said)]
        return Panel(
            Group(*parts),
            title=title,
            title_align="left",
            subtitle="[bright_black]^C interrupts the release; nothing is lost[/]",
            subtitle_align="right",
            box=ROUNDED,
            border_style=_border(journal),
        )

    def _split(self) -> list[RenderableType]:
        """Draw each slot's share of the requests, as declared and as observed."""
        entry = self._journal.current or _last(self._journal)
        if entry is None:
            return []
        release = entry.stage.release
        grid = Table.grid(padding=(0, 2))
        for slot in release.slots:
            weight = release.weight_of(slot)
            role = "live" if slot == release.live else "new"
            seen = f"observed {entry.share:.1f} %" if slot == release.canary and entry.share is not None else ""
            bar = ProgressBar(total=100, completed=weight, width=_BAR_WIDTH, complete_style=_COLORS[slot])
            image = formatting.digest(release.slots[slot].image)
            grid.add_row(Text(slot, style=_COLORS[slot]), role, f"{weight:>3} %", bar, image, Text(seen, style="dim"))
        return ["", grid]

    def _stages(self) -> Table:
        table = Table.grid(padding=(0, 2))
        for entry in self._journal.entries:
            if entry.state == "skipped":
                continue
            sign, style = _SIGNS[entry.state]
            mark = self._spinner if entry.state == "now" else Text(sign, style=style)
            title = Text(entry.stage.title, style="bold" if entry.state == "now" else style if entry.back else "")
            table.add_row(mark, title, self._took(entry), self._progress(entry), Text(self._remaining(entry), "dim"))
        return table

    def _took(self, entry: Entry) -> Text:
        seconds = entry.seconds(self._journal.now)
        return Text("" if seconds is None else formatting.duration(seconds), style="cyan", justify="right")

    def _progress(self, entry: Entry) -> RenderableType:
        """Draw the sampled requests out of those that a verdict requires."""
        if not entry.samples and not (entry.state == "now" and entry.wanted):
            return Text("judged" if entry.stage.gate and entry.state == "to come" else "", style="bright_black")
        asked = f" of {formatting.count(entry.wanted)}" if entry.wanted else ""
        said = Text(f"{formatting.count(entry.samples)}{asked} requests")
        if entry.state != "now":
            return said
        line = Table.grid(padding=(0, 1))
        bar = ProgressBar(total=max(entry.wanted, 1), completed=min(entry.samples, entry.wanted), width=_BAR_WIDTH)
        line.add_row(bar, said)
        return line

    def _remaining(self, entry: Entry) -> str:
        """Describe what the stage still waits for: the remaining hold time, an approval, or both."""
        if entry.state not in ("now", "to come"):
            return ""
        passed = entry.seconds(self._journal.now) or 0
        left = entry.stage.hold - passed
        held = f"held {formatting.duration(left)}{' more' if passed else ''}" if left > 0 else ""
        return ", then ".join(part for part in (held, "approval" if entry.stage.approval else "") if part)


def _last(journal: Journal) -> Entry | None:
    reached = [entry for entry in journal.entries if entry.state in ("done", "left")]
    return reached[-1] if reached else next(iter(journal.entries), None)


def _border(journal: Journal) -> str:
    return "red" if journal.reason else "cyan" if journal.current else "green"


def checks_table(checks: Mapping[str, CheckResult]) -> Table:
    """Return a table of the checks with the numbers of both slots."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bright_black")
    for column in ("check", "new slot", "live slot", "verdict", ""):
        table.add_column(column)
    for name, check in checks.items():
        found = formatting.bad_of(check.candidate) if check.value is None else f"{check.value:g}"
        live = formatting.bad_of(check.live) if check.live else "-"
        table.add_row(name, found, live, Text(check.result, style=RESULTS[check.result]), Text(check.said, style="dim"))
    return table
