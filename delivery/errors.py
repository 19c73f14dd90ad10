"""Errors that end a command, each with the exit code that CI reads."""

import re
from enum import IntEnum

POD_REASON = re.compile(r"\bpod \S+: |: FailedCreate: ")
"""A line that says why a pod is not ready, or why the API server refuses to create it."""
_LOST = re.compile(
    "cluster is unreachable|connection refused|connection reset|i/o timeout|TLS handshake timeout|"
    "unexpected EOF|unable to handle the request"
)
"""Connection errors, in the wording of client-go and Go's net package."""


class ExitCode(IntEnum):
    """Every exit code of ``slipway``. docs/runbook-releases.md has a section for each."""

    DONE = 0
    REFUSED = 1
    USAGE = 2
    ROLLED_BACK = 3
    INCONCLUSIVE = 4
    WAITING = 5
    BUSY = 6
    INTERRUPTED = 130


MEANINGS = {
    ExitCode.DONE: "done",
    ExitCode.REFUSED: "refused or failed",
    ExitCode.USAGE: "usage",
    ExitCode.ROLLED_BACK: "rolled back",
    ExitCode.INCONCLUSIVE: "inconclusive",
    ExitCode.WAITING: "waiting for a person",
    ExitCode.BUSY: "another slipway process holds the stack",
    ExitCode.INTERRUPTED: "interrupted",
}
OF_OUTCOME = {
    "promoted": ExitCode.DONE,
    "done": ExitCode.DONE,
    "aborted": ExitCode.DONE,
    "superseded": ExitCode.DONE,
    "rolled back": ExitCode.ROLLED_BACK,
    "inconclusive": ExitCode.INCONCLUSIVE,
    "waiting": ExitCode.WAITING,
}
"""Exit code of the command for each outcome of a release."""


class DeliveryError(Exception):
    """An error with a one-line message: where, what was given, the rule, the remedy. Nothing was written."""

    exit_code = ExitCode.REFUSED


class Refused(DeliveryError):
    """A release rule forbids the command: missing evidence, a hold, or a tag instead of a digest."""


class Unchanged(Refused):
    """The requested state is already in place. Exits with 0, so a pipeline whose image does not change stays green."""

    exit_code = ExitCode.DONE


class Busy(DeliveryError):
    """Another ``slipway`` process works on the stack."""

    exit_code = ExitCode.BUSY


class Conflict(DeliveryError):
    """Somebody else changed the same keys of the stack file as the driver. Neither change is overwritten."""


class Unreadable(DeliveryError):
    """The stack file is not valid YAML, or has content that a stack file must not have."""


class Lost(Busy):
    """Another driver has taken over the stack, so this driver writes nothing more."""


class UpdateFailed(DeliveryError):
    """``pulumi up`` failed. The message includes the reasons that the pods report."""

    @property
    def lost_the_cluster(self) -> bool:
        """Whether Pulumi could not reach the API server. Pods report similar errors about services that they call."""
        return bool(_LOST.search(str(self))) and not POD_REASON.search(str(self))


class ClusterUnavailable(DeliveryError):
    """The API server does not answer, or reports that it cannot serve the request. A release waits until it can."""


class UpdatePutOff(UpdateFailed):
    """The update was not started: the API server does not answer, so nothing confirms which driver holds the stack."""

    @property
    def lost_the_cluster(self) -> bool:
        """Always True: this error means that the API server did not answer."""
        return True


class StaleObject(DeliveryError):
    """The object already exists, or it changed after it was read."""


class Forbidden(DeliveryError):
    """The account is not allowed to make the request."""


class MetricsUnavailable(DeliveryError):
    """The metrics source does not answer, or does not return the number that a query needs."""


class MetricsForbidden(MetricsUnavailable):
    """The account may not list the pods, or not read their metrics."""
