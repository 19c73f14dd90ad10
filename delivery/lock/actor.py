"""Who asks, for the record: CI's own word for a person goes before the account that its runner happens to have."""

import getpass
import os
from collections.abc import Mapping

_CI = ("SLIPWAY_USER", "GITHUB_ACTOR", "GITLAB_USER_LOGIN", "BUILD_USER_ID", "BUILD_REQUESTEDFOR")


def who(environment: Mapping[str, str] = os.environ) -> str:
    """Name the person, or the account where nobody says."""
    return next((environment[name] for name in _CI if environment.get(name)), None) or getpass.getuser()
