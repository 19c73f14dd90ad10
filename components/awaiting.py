"""What Pulumi waits for, and how long."""

import pulumi

from models.lifecycle import Rollout

SKIP_AWAIT = {"pulumi.com/skipAwait": "true"}
"""For Services (an await takes ten seconds and passes without endpoints) and Ingresses (some proxies never write a
status). Requests prove that a slot serves; a status field does not."""


def rollout_timeouts(rollout: Rollout) -> pulumi.CustomTimeouts:
    """Limit the wait for a Deployment, so that a bad image fails with its pods' reason within a known time."""
    return create_and_update(rollout.timeout)


def create_and_update(seconds: int) -> pulumi.CustomTimeouts:
    """Limit the wait, in seconds, for a resource to become ready or to end."""
    timeout = f"{seconds}s"
    return pulumi.CustomTimeouts(create=timeout, update=timeout)
