"""Environment variables with literal values, which everyone who can read pods can read."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Discriminator, Field, Tag

from models.base import Model
from models.errors import Faults
from models.limits import check_variables
from models.vocabulary import FreeVariable

SECRET_ENDINGS = ("password", "secret", "token", "credential", "credentials", "_key")


class PublicText(Model):
    """The value of a variable whose name only looks like that of a secret, such as EOS_TOKEN or PARTITION_KEY."""

    public: str = Field(description="the value; everyone may read it", examples=["</s>"])


def _kind(value: object) -> str:
    return "public" if isinstance(value, dict | PublicText) else "text"


def texts(variables: Mapping[str, str | PublicText]) -> dict[str, str]:
    """Return the value of each variable."""
    return {name: value.public if isinstance(value, PublicText) else value for name, value in variables.items()}


def _plain(variables: dict[str, str | PublicText]) -> dict[str, str | PublicText]:
    faults = [
        f"{name}: looks like a secret, but everyone who can read pods can read env; use secrets, or write "
        "{public: …} around a value that is no secret"
        for name, value in variables.items()
        if isinstance(value, str) and name.lower().endswith(SECRET_ENDINGS)
    ]
    if faults:
        raise Faults(faults)
    check_variables(texts(variables))
    return variables


Value = Annotated[Annotated[str, Tag("text")] | Annotated[PublicText, Tag("public")], Discriminator(_kind)]
EnvironmentVariables = Annotated[dict[FreeVariable, Value], AfterValidator(_plain)]
"""Literal variables of a container; never a secret."""
