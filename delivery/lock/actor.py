"""The person or account to record: the user that CI names comes before the account of the CI runner."""

import getpass
import os
from collections.abc import Mapping

_CI = ("SLIPWAY_USER", "GITHUB_ACTOR", "GITLAB_USER_LOGIN", "BUILD_USER_ID", "BUILD_REQUESTEDFOR")


def who(environment: Mapping[str, str] = os.environ) -> str:
    """Return the user that an environment variable names, or else the account of this process."""
    named = next((environment[name] for name in _CI if environment.get(name)), None) or _account()
    return os.fsencode(named).decode("utf-8", "backslashreplace")  # Leases and stack files hold only UTF-8


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return f"uid {os.getuid()}"
