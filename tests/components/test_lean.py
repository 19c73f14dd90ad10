"""The program avoids costs of the SDK that grow with the stack."""

from typing import Any, cast

import pytest
from pulumi.runtime import settings

from components import registration
from components.system import System, SystemArgs
from tests.components.deploying import system
from tests.recording import record


def outstanding() -> int:
    """Return the number of calls that the SDK knows of when the program ends."""
    found: list[int] = []

    def program() -> None:
        spec = system()
        System(spec.name, SystemArgs(spec=spec))
        found.append(len(cast("Any", settings)._get_rpc_manager().rpcs))

    record(program)
    return found[0]


def test_one_more_call_is_outstanding_when_the_program_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """So the SDK waits for calls first, and gives every registration the turn in which it begins."""
    more = outstanding()
    monkeypatch.setattr(registration, "begin_registrations", lambda: None)
    assert more == outstanding() + 1
