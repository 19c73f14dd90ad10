"""The state of the cluster when the tests began, to which a second try returns."""

import json
from dataclasses import dataclass

from tests.cluster.stack import Stack, local, run

GONE_SECONDS = 300
"""Time limit for the deletion of a namespace and everything in it."""
RESTART_SECONDS = 900


@dataclass(frozen=True)
class Beginning:
    """The namespaces and Pulumi stacks that existed before the tests."""

    stack: Stack
    namespaces: frozenset[str]
    stacks: frozenset[str]

    @classmethod
    def noted(cls, stack: Stack) -> "Beginning":
        """Record the namespaces and stacks that exist now."""
        return cls(stack, frozenset(_namespaces(stack)), frozenset(_stacks(stack)))

    def restored(self) -> None:
        """Remove what a failed test left behind, and restore the dev stack to its committed stack file.

        The fixtures were torn down before. This removes what they could not, because an update was interrupted.
        """
        if local("status").returncode:
            _done("python -m local up", local("up", "--no-deploy", timeout=RESTART_SECONDS).returncode)
        for name in _namespaces(self.stack) - self.namespaces:
            _kubectl(self.stack, "delete", "namespace", name, f"--timeout={GONE_SECONDS}s")
        for name in _stacks(self.stack) - self.stacks:
            _pulumi(self.stack, "cancel", "--yes", "-s", name)
            # The stack's own file was in the test's folder. A file of the same name in the project is a committed one.
            _pulumi(self.stack, "stack", "rm", name, "--force", "--yes", "--preserve-config")
        _pulumi(self.stack, "cancel", "--yes", "-s", "dev")
        self.stack.up()


def _namespaces(stack: Stack) -> set[str]:
    return set(_kubectl(stack, "get", "namespaces", "-o", "jsonpath={.items[*].metadata.name}").split())


def _stacks(stack: Stack) -> set[str]:
    """Return the names of the project's stacks, regardless of the folders that hold their files."""
    return {str(one["name"]).rpartition("/")[2] for one in json.loads(_pulumi(stack, "stack", "ls", "--json"))}


def _kubectl(stack: Stack, *arguments: str) -> str:
    done = run("kubectl", *arguments, env=stack.env, timeout=2 * GONE_SECONDS)
    _done(f"kubectl {' '.join(arguments)}: {done.stderr}", done.returncode)
    return done.stdout


def _pulumi(stack: Stack, *arguments: str) -> str:
    done = run("pulumi", *arguments, "--non-interactive", "--color", "never", env=stack.env)
    if arguments[0] != "cancel":  # usually there is nothing to cancel
        _done(f"pulumi {' '.join(arguments)}: {done.stderr}", done.returncode)
    return done.stdout


def _done(what: str, code: int) -> None:
    assert code == 0, what
