"""What ends a command, each with the exit code that CI reads."""


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


class UpdateFailed(DeliveryError):
    """``pulumi up`` failed; the text holds the pods' own reasons."""


class MetricsUnavailable(DeliveryError):
    """Prometheus does not answer, or says nothing about the service."""
