"""How the cluster was when the tests began, so that a second try can begin there too."""

import json
from dataclasses import dataclass

from tests.cluster.stack import Stack, local, run

GONE_SECONDS = 300
"""For a namespace and everything in it to go."""
RESTART_SECONDS = 900


@dataclass(frozen=True)
class Beginning:
    """The namespaces and Pulumi stacks that no test made."""

    stack: Stack
    namespaces: frozenset[str]
    stacks: frozenset[str]

    @classmethod
    def noted(cls, stack: Stack) -> "Beginning":
        """Note what is there."""
        return cls(stack, frozenset(_namespaces(stack)), frozenset(_stacks(stack)))

    def restored(self) -> None:
        """Remove what a failed test left behind, and bring the dev stack back to its committed stack file.

        Fixtures have been torn down already; this is for those that could not be, because an update was cut off.
        """
        if local("status").returncode:
            _done("python -m local up", local("up", "--no-deploy", timeout=RESTART_SECONDS).returncode)
        for name in _namespaces(self.stack) - self.namespaces:
            _kubectl(self.stack, "delete", "namespace", name, f"--timeout={GONE_SECONDS}s")
        for name in _stacks(self.stack) - self.stacks:
            _pulumi(self.stack, "cancel", "--yes", "-s", name)
            # The stack's own file lay in the test's folder. The project's file of the same name is a committed one.
            _pulumi(self.stack, "stack", "rm", name, "--force", "--yes", "--preserve-config")
        _pulumi(self.stack, "cancel", "--yes", "-s", "dev")
        self.stack.up()


def _namespaces(stack: Stack) -> set[str]:
    return set(_kubectl(stack, "get", "namespaces", "-o", "jsonpath={.items[*].metadata.name}").split())


def _stacks(stack: Stack) -> set[str]:
    """Names of the project's stacks, in whatever folder their files are."""
    return {str(one["name"]).rpartition("/")[2] for one in json.loads(_pulumi(stack, "stack", "ls", "--json"))}


def _kubectl(stack: Stack, *arguments: str) -> str:
    done = run("kubectl", *arguments, env=stack.env, timeout=2 * GONE_SECONDS)
    _done(f"kubectl {' '.join(arguments)}: {done.stderr}", done.returncode)
    return done.stdout


def _pulumi(stack: Stack, *arguments: str) -> str:
    done = run("pulumi", *arguments, "--non-interactive", "--color", "never", env=stack.env)
    if arguments[0] != "cancel":  # there is nothing to cancel, as a rule
        _done(f"pulumi {' '.join(arguments)}: {done.stderr}", done.returncode)
    return done.stdout


def _done(what: str, code: int) -> None:
    assert code == 0, what
