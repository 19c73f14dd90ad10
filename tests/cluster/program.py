"""The program in a folder of its own, with one stack, because Pulumi writes into stack files."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, TypeVar, cast

from tests.cluster.stack import UP_SECONDS, Done, Json, Stack, last_errors, run


@dataclass(frozen=True)
class Program:
    """One stack of the program in ``folder``, on the embedded cluster."""

    stack: Stack
    """The dev stack, whose environment variables every command gets."""
    folder: Path
    name: str
    seconds: ClassVar[float] = UP_SECONDS
    """Time limit of one Pulumi command."""

    @property
    def namespace(self) -> str:
        """The namespace of the stack."""
        return self.name

    def pulumi(self, *arguments: str) -> Done:
        """Run a Pulumi command on the stack."""
        options = ("-s", self.name, "-C", str(self.folder), "--non-interactive", "--color", "never")
        return run("pulumi", *arguments, *options, env=self.stack.env, timeout=self.seconds)

    def up(self) -> Done:
        """Run `pulumi up`, which must succeed."""
        done = self.pulumi("up", "--yes", "--skip-preview")
        assert done.returncode == 0, last_errors(done) or done.stdout + done.stderr
        return done

    def outputs(self) -> dict[str, Json]:
        """Return the stack's output for each service."""
        done = self.pulumi("stack", "output", "services", "--json")
        assert done.returncode == 0, done.stderr
        return cast("dict[str, Json]", json.loads(done.stdout))

    def kubectl(self, *arguments: str) -> str:
        """Run kubectl in the stack's namespace; return its standard output."""
        done = run("kubectl", "-n", self.namespace, *arguments, env=self.stack.env)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def found(self, *arguments: str) -> Json:
        """Return the JSON of `kubectl get`."""
        return cast("Json", json.loads(self.kubectl("get", *arguments, "-o", "json")))

    def pods(self, workload: str, slot: str = "") -> list[Json]:
        """Return the pods of a workload, or of one of its slots, that are not being deleted, the oldest first."""
        chosen = f"app.kubernetes.io/name={workload}" + (f",slipway.dev/slot={slot}" if slot else "")
        items = self.found("pods", "-l", chosen, "--sort-by=.metadata.creationTimestamp")["items"]
        return [pod for pod in items if "deletionTimestamp" not in pod["metadata"]]


P = TypeVar("P", bound=Program)


@contextmanager
def deployed(program: P) -> Generator[P]:
    """Deploy a program's stack, and destroy it at the end."""
    with created(program):
        program.up()
        yield program


@contextmanager
def created(program: P) -> Generator[P]:
    """Create a program's stack without deploying it, and destroy it at the end."""
    made = program.pulumi("stack", "init")
    assert made.returncode == 0, made.stderr
    try:
        yield program
    finally:
        destroyed = program.pulumi("destroy", "--yes", "--skip-preview")
        assert destroyed.returncode == 0, destroyed.stdout + destroyed.stderr
        removed = program.pulumi("stack", "rm", "--yes")
        assert removed.returncode == 0, removed.stderr
