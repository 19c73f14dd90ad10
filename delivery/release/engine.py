"""Pulumi through its Automation API: updates, outputs, and recovery of the lock that a killed update left behind.

The API's ``Stack`` class is not used. It selects its stack, which would change the stack that the user's next bare
``pulumi up`` acts on. It also reads outputs and history after each update, which takes a second. This module uses the
API's command runner with ``--stack`` instead.
"""

import json
import re
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import psutil
from pulumi.automation import CommandError, ConcurrentUpdateError, PulumiCommand

from delivery.errors import POD_REASON, Busy, DeliveryError, UpdateFailed
from delivery.release.configuration import Setting

_OWNER = re.compile(r"created by \S+@(?P<host>\S+) \(pid (?P<pid>\d+)\)")
_ORPHAN_SECONDS = 900
"""Seconds to wait for the update of a killed driver, which continues by itself. Its longest wait is for a rollout."""
_POLL_SECONDS = 0.5

OnLine = Callable[[str], None]


class Engine:
    """The Pulumi CLI on one stack of a project."""

    def __init__(self, project: Path, stack: str) -> None:
        self._project, self._stack = project, stack
        try:
            self._command = PulumiCommand()
        except FileNotFoundError:
            raise DeliveryError(
                'pulumi: not found on PATH; install it or, on the embedded cluster, run eval "$(make -s env)"'
            ) from None

    def up(self, on_line: OnLine) -> None:
        """Run ``pulumi up`` so that the cluster and the Pulumi state match the stack file.

        Raises:
            UpdateFailed: the update failed; the message has the pods' own reasons if there are any.
            Busy: another update of the stack is running elsewhere.
        """
        try:
            self._run(["up", "--yes", "--skip-preview"], on_line)
        except CommandError as error:
            raise UpdateFailed(diagnostics(str(error))) from error

    def outputs(self) -> dict[str, Any]:
        """Return the stack's outputs as of its last update; raise DeliveryError if the stack does not exist."""
        try:
            shown = self._run(["stack", "output", "--json"], lambda _: None)
        except CommandError as error:
            raise DeliveryError(f"stack {self._stack}: {last_line(str(error))}") from error
        return cast("dict[str, Any]", json.loads(shown or "{}"))

    def config(self) -> dict[str, Setting]:
        """Return the configuration that an update gets, by key, with all values decrypted.

        It contains what the project file, the stack file and its ESC environments say.
        """
        try:
            shown = self._run(["config", "--json", "--show-secrets"], lambda _: None)
        except CommandError as error:
            raise DeliveryError(f"stack {self._stack}: {last_line(str(error))}") from error
        return {
            key: Setting(str(found.get("value", "")), bool(found.get("secret")))
            for key, found in json.loads(shown or "{}").items()
        }

    def _run(self, arguments: list[str], on_line: OnLine) -> str:
        deadline = time.monotonic() + _ORPHAN_SECONDS
        command = [*arguments, "--stack", self._stack, "--non-interactive", "--color", "never"]
        while True:
            try:
                return self._command.run(command, str(self._project), {}, on_line).stdout
            except ConcurrentUpdateError as error:
                self._free(str(error), deadline)

    def _free(self, said: str, deadline: float) -> None:
        """Wait for the update of a killed driver, or release the lock of a killed update."""
        owner = _OWNER.search(said)
        if owner is None or owner["host"] != socket.gethostname() or time.monotonic() > deadline:
            raise Busy(f"stack {self._stack}: {last_line(said)}; wait or, if no update is running, run pulumi cancel")
        if psutil.pid_exists(int(owner["pid"])):
            time.sleep(_POLL_SECONDS)
        else:
            self._command.run(["cancel", "--yes", "--stack", self._stack], str(self._project), {})


def diagnostics(said: str) -> str:
    """Return why an update failed: the pods' own reasons if Slipway's hook found any, else Pulumi's last error line."""
    told = said.partition("Diagnostics:")[2].partition("\nOutputs:")[0]  # outputs quote the record, with old reasons
    lines = [line.strip() for line in _MORE.sub(" ", told).splitlines()]
    pods = list(dict.fromkeys(line.removeprefix(_PREFIX) for line in lines if POD_REASON.search(line)))
    errors = [line for line in lines if "error:" in line and not any(said in line for said in _EPILOGUES)]
    return "; ".join(pods) or (errors[-1].removeprefix(_PREFIX) if errors else last_line(said))


_PREFIX = "error: "
_MORE = re.compile(r"\n\s+(?=\* )")
"""Separator of the errors of one resource: Pulumi prints their number on one line and lists them below it."""
_EPILOGUES = ("program exited with non-zero exit code", "error: update failed")


def last_line(said: str) -> str:
    """Return the last non-empty line, or ``no output``."""
    return next((line.strip() for line in reversed(said.splitlines()) if line.strip()), "no output")
