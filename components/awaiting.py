"""What Pulumi waits for, and how long."""

import pulumi

from models.lifecycle import Rollout

SKIP_AWAIT = {"pulumi.com/skipAwait": "true"}
"""For Services (an await costs ten seconds and passes with no endpoints) and Ingresses (some proxies never write a
status): what serves is proved by requests, not by a status field."""


def rollout_timeouts(rollout: Rollout) -> pulumi.CustomTimeouts:
    """Bound the wait for a Deployment, so that a bad image fails with its pods' reason in known time."""
    return create_and_update(rollout.timeout)


def create_and_update(seconds: int) -> pulumi.CustomTimeouts:
    """Bound the wait for a resource that becomes ready, or ends, in known time."""
    timeout = f"{seconds}s"
    return pulumi.CustomTimeouts(create=timeout, update=timeout)
