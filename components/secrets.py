"""The values of a system's Secrets, from the stack's encrypted configuration or the environment."""

from collections.abc import Mapping

from components import environment
from models.secrets import EnvironmentSecret, ExternalSecret, GivenSecret
from models.system import SystemSpec


def values(system: SystemSpec) -> dict[str, Mapping[str, str]]:
    """Return the values of each Secret that the stack writes itself, by the secret's key in the entry."""
    return {
        key: _values(secret.source)
        for key, secret in system.secrets.items()
        if not isinstance(secret.source, ExternalSecret)
    }


def _values(source: GivenSecret | EnvironmentSecret) -> dict[str, str]:
    if isinstance(source, EnvironmentSecret):
        # preflight has checked that all are set
        return {key: environment.text(variable) or "" for key, variable in source.environment.items()}
    return {key: value.get_secret_value() for key, value in source.values.items()}
