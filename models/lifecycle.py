"""Health checks, rollout and drain of a service's pods, and the time limits that must fit together."""

from typing import Self

from pydantic import Field, model_validator

from models.base import Model
from models.checks import AnyCheck, StartProbe
from models.share import AnyShare, Share, pods_of
from models.vocabulary import Positive, Seconds


class ProbePace(Model):
    """How often a probe runs, and when it fails."""

    period: Seconds = Field(ge=1, description="interval between two probes")
    timeout: Seconds = Field(ge=1, description="time limit for one probe's answer")
    failures: Positive = Field(default=3, description="consecutive failed probes before the probe counts as failed")


class Health(Model):
    """The health endpoints of the server, and how often they are probed."""

    ready: AnyCheck = Field(
        default="/health",
        description="a path that answers 200 only when the model is loaded and warm, or another check",
        examples=["/health", {"grpc": {"port": "grpc"}}],
    )
    live: AnyCheck = Field(
        default="/v2/health/live",
        description="a path that answers 200 while the process can still serve, or another check",
    )
    startup: Seconds = Field(
        default=60, description="time limit from container start to ready; the container is killed after it"
    )
    period: Seconds = Field(default=5, ge=1, description="interval between two readiness or liveness probes")
    timeout: Seconds = Field(default=3, ge=1, description="time limit for one probe's answer")
    failures: Positive = Field(default=3, description="consecutive failed probes before the probe counts as failed")
    liveness: ProbePace | None = Field(default=None, description="none = the same pace as readiness")
    starting: StartProbe | None = Field(default=None, description="none = the check of readiness, every second")


class Rollout(Model):
    """How pods are replaced within a slot, and how long Pulumi waits for the rollout."""

    max_unavailable: Share = Field(
        default=0, description="pods that may be missing during a rollout, as a number or a percentage, rounded down"
    )
    max_surge: AnyShare = Field(
        default=1,
        description="pods above the desired number during a rollout, as a number or a percentage, rounded up",
    )
    progress_deadline: Seconds = Field(
        default=120, description="time without a new ready pod after which the rollout has failed"
    )
    timeout: Seconds = Field(default=600, description="how long Pulumi waits for the whole rollout")

    @model_validator(mode="after")
    def _moves(self) -> Self:
        if not pods_of(self.max_unavailable, 100) and not pods_of(self.max_surge, 100):
            raise ValueError("maxUnavailable and maxSurge are both 0, so no pod could be replaced; raise one")
        return self

    def surge(self, pods: int) -> int:
        """Return how many pods a rollout may add to a slot that has ``pods``."""
        return pods_of(self.max_surge, pods)


class Drain(Model):
    """The time limits between the decision to stop a pod and its end."""

    pre_stop: Seconds = Field(default=5, description="time for which the pod still serves while proxies remove it")
    drain: Seconds = Field(default=30, ge=1, le=3600, description="time to finish requests in flight after SIGTERM")
    grace: Seconds = Field(default=40, description="terminationGracePeriodSeconds: SIGKILL after this")
    request_timeout: Seconds = Field(default=30, ge=1, le=3600, description="longest time that one request may take")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        used = self.pre_stop + self.drain
        if self.grace < used:
            raise ValueError(
                f"grace {self.grace}s is shorter than preStop + drain = {used}s, so requests would be killed; "
                "raise grace"
            )
        if used < self.request_timeout:
            raise ValueError(
                f"preStop + drain = {used}s is shorter than requestTimeout {self.request_timeout}s, "
                "so a request may be cut off; raise drain or lower requestTimeout"
            )
        return self
