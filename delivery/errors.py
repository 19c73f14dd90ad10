"""What ends a command, each with the exit code that CI reads."""

import re

POD_REASON = re.compile(r"\bpod \S+: ")
_LOST = re.compile(
    "cluster is unreachable|connection refused|connection reset|i/o timeout|TLS handshake timeout|"
    "unexpected EOF|unable to handle the request"
)
"""As client-go and Go's net package word it."""


class DeliveryError(Exception):
    """One line for a person: where, what was given, the rule, what to do. Nothing was written."""

    exit_code = 1


class Refused(DeliveryError):
    """A rule of releases forbids it: evidence, hold, tag instead of digest."""


class Unchanged(Refused):
    """What is asked for is so already. No failure: a pipeline whose commit changes no byte of the image stays green."""

    exit_code = 0


class Busy(DeliveryError):
    """Somebody else works on the stack."""

    exit_code = 6


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
