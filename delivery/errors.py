"""What ends a command, each with the exit code that CI reads."""

import re
from enum import IntEnum

POD_REASON = re.compile(r"\bpod \S+: ")
_LOST = re.compile(
    "cluster is unreachable|connection refused|connection reset|i/o timeout|TLS handshake timeout|"
    "unexpected EOF|unable to handle the request"
)
"""As client-go and Go's net package word it."""


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
    ExitCode.WAITING: "waits for somebody",
    ExitCode.BUSY: "another slipway works on the stack",
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
"""How a release can end, and the code of the command that carried it out."""


class DeliveryError(Exception):
    """One line for a person: where, what was given, the rule, what to do. Nothing was written."""

    exit_code = ExitCode.REFUSED


class Refused(DeliveryError):
    """A rule of releases forbids it: evidence, hold, tag instead of digest."""


class Unchanged(Refused):
    """What is asked for is so already. No failure: a pipeline whose commit changes no byte of the image stays green."""

    exit_code = ExitCode.DONE


class Busy(DeliveryError):
    """Somebody else works on the stack."""

    exit_code = ExitCode.BUSY


class Conflict(DeliveryError):
    """Somebody else changed in the stack file what a driver was about to change: neither is overwritten."""


class Unreadable(DeliveryError):
    """The stack file is no YAML, or says what a stack file may not."""


class Lost(Busy):
    """Another driver has taken the stack over: this one writes nothing more."""


class UpdateFailed(DeliveryError):
    """``pulumi up`` failed; the text holds the pods' own reasons."""

    @property
    def lost_the_cluster(self) -> bool:
        """Whether Pulumi says that it could not talk to the API server; pods may say the same of whatever they call."""
        return bool(_LOST.search(str(self))) and not POD_REASON.search(str(self))


class ClusterUnavailable(DeliveryError):
    """The API server does not answer now, or says that it cannot: a release waits for it."""


class UpdatePutOff(UpdateFailed):
    """The update was not begun: the API server does not answer, and does not say whose the stack is."""

    @property
    def lost_the_cluster(self) -> bool:
        """It did."""
        return True


class StaleObject(DeliveryError):
    """The object is there already, or was changed since it was read."""


class Forbidden(DeliveryError):
    """The account may not do this."""


class MetricsUnavailable(DeliveryError):
    """Prometheus does not answer, or says nothing about the service."""
