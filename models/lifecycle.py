"""Health checks, rollout and drain of a service's pods, and the time limits that must fit together."""

import re
from typing import Self

from pydantic import Field, model_validator

from models.base import Model
from models.checks import AnyCheck, StartProbe
from models.errors import Faults, nearest
from models.limits import Arguments
from models.share import AnyShare, Share, pods_of
from models.vocabulary import FreeVariable, Positive, Seconds

_DRAIN, _GRACE = 30, 40
"""Seconds: the defaults of ``drain.drain`` and ``drain.grace`` while they are enough."""
_ENDING = 5
"""Seconds from the last answer to the end of the process."""
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


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
    starting: StartProbe | None = Field(default=None, description="none = the readiness check, every second")

    @property
    def checks(self) -> dict[str, AnyCheck]:
        """Each check that the entry may set, by its path in the service."""
        own = {"health.starting.check": self.starting.check} if self.starting and self.starting.check else {}
        return {"health.ready": self.ready, "health.live": self.live, **own}

    @property
    def startup_check(self) -> AnyCheck:
        """The check of the startup probe."""
        return (self.starting and self.starting.check) or self.ready


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
    """The longest answer, and the time limits between the decision to stop a pod and its end."""

    pre_stop: Seconds = Field(default=5, description="time for which the pod still serves while proxies remove it")
    request_timeout: Seconds = Field(
        default=30,
        ge=1,
        le=3600,
        description="longest time that one answer may take, to its last byte: also that of a stream or a WebSocket",
    )
    drain: Seconds = Field(
        default_factory=lambda known: drain_for(known.get("pre_stop", 0), known.get("request_timeout", 0)),
        ge=1,
        le=3600,
        description="time to finish answers in flight after SIGTERM; none = 30s, or requestTimeout if that is not "
        "enough",
    )
    grace: Seconds = Field(
        default_factory=lambda known: grace_for(known.get("pre_stop", 0) + known.get("drain", 0)),
        description="terminationGracePeriodSeconds: SIGKILL after this; none = 40s, or 5s more than preStop + drain",
    )
    args: Arguments | None = Field(
        default=None,
        min_length=1,
        description="arguments that tell the server how long it may drain, after the service's args",
        examples=[["--graceful-timeout", "{drain}"]],
    )
    env: dict[FreeVariable, str] | None = Field(
        default=None,
        description="variables that tell the server how long it may drain; {} = it needs none",
        examples=[{"UVICORN_TIMEOUT_GRACEFUL_SHUTDOWN": "{drain}"}],
    )

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

    @model_validator(mode="after")
    def _tells_a_time(self) -> Self:
        """Refuse a text without a time: it would look like a budget, and stay the same when the budget changes."""
        told = {"args": " ".join(self.args)} if self.args else {}
        told |= {f"env.{name}": value for name, value in (self.env or {}).items()}
        faults = [f"{where}: {fault}" for where, text in told.items() if (fault := self._untold(text))]
        if faults:
            raise Faults(faults)
        return self

    def _untold(self, text: str) -> str:
        known = ", ".join(f"{{{name}}}" for name in self._times)
        names = _PLACEHOLDER.findall(text)
        unknown = next((name for name in names if name not in self._times), None)
        if unknown is not None:
            return f"{{{unknown}}} is not a placeholder ({known}){nearest(unknown, self._times)}"
        return (
            "" if names else f"contains no placeholder of a time ({known}); add one, or use the service's args or env"
        )

    @property
    def _times(self) -> dict[str, int]:
        return {"drain": self.drain, "requestTimeout": self.request_timeout, "grace": self.grace}

    def told(self, text: str) -> str:
        """Return an argument or a variable with its times, in whole seconds."""
        return _PLACEHOLDER.sub(lambda found: str(self._times[found[1]]), text)

    @property
    def untold(self) -> bool:
        """Whether neither an argument nor a variable tells the server its time, and nobody said that it needs none."""
        return self.args is None and self.env is None


def drain_for(pre_stop: int, request_timeout: int) -> int:
    """Return the default of ``drain``, in seconds.

    A request that arrives at the end of preStop needs its whole time. Up to preStop + 30 s, the default stays 30 s, so
    that pods of existing entries are not replaced.
    """
    return _DRAIN if request_timeout <= pre_stop + _DRAIN else request_timeout


def grace_for(used: int) -> int:
    """Return the default of ``grace`` for this preStop + drain, in seconds, with a moment for the process to end."""
    return _GRACE if used <= _GRACE else used + _ENDING
