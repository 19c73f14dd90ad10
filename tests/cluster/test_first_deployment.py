"""After a first deployment that fails, the same command and another version can both be released."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cluster import faulty, seen
from tests.cluster.copies import Copy, image, initialised
from tests.cluster.releasing import HASTY, ROLLED_BACK
from tests.cluster.stack import Done, Stack, project_elsewhere, run
from tests.cluster.three import COMMAND_SECONDS, PER_SECOND, SERVICE, SYSTEM, catalogue, host, ok
from tests.cluster.traffic import Ingress

NAME = "firstborn"


@dataclass(frozen=True)
class Prod:
    """A stack that runs nothing yet and requires no evidence."""

    copy: Copy

    def slipway(self, *arguments: str) -> Done:
        command = (sys.executable, "-m", "delivery", "-C", str(self.copy.folder), *arguments)
        return run(*command, env=self.copy.stack.env, timeout=COMMAND_SECONDS)

    def release(self, fault: faulty.Fault) -> Done:
        return self.slipway("release", NAME, SERVICE, "--image", faulty.image(image("server"), fault))


@pytest.fixture
def prod(stack: Stack, pictures: list[tuple[bytes, str]], tmp_path: Path) -> Iterator[Prod]:
    content = catalogue()
    content["services"][SERVICE] |= {"rollout": HASTY, "health": {"startup": "10s"}}
    folder = project_elsewhere(tmp_path, content)
    with initialised(stack, folder, NAME, entry=SYSTEM, environment="prod") as copy:
        users = Ingress(f"{copy.settings['slipway:cluster']['ingressUrl']}/predict", host("prod"))
        (tmp_path / "load").mkdir()
        with seen.running(users, pictures[0][0], tmp_path / "load", per_second=PER_SECOND):
            yield Prod(copy)


def test_a_first_version_that_crashes_is_replaced_by_the_next_release(prod: Prod) -> None:
    crashed = prod.release(faulty.CRASHES)
    assert crashed.returncode == ROLLED_BACK, crashed.stdout + crashed.stderr
    assert "there is no earlier version" in crashed.stderr
    again = prod.release(faulty.CRASHES)
    assert again.returncode == 1, "what crashed is held, not live"
    assert "is held" in again.stderr
    ok(prod.release(faulty.good(1)))
    assert prod.copy.output(SERVICE)["image"] == faulty.image(image("server"), faulty.good(1))
    ok(prod.copy.pulumi("preview", "--expect-no-changes"))


def test_a_first_version_whose_update_failed_is_released_by_the_same_command(prod: Prod) -> None:
    """The update fails because the namespace of the stack's name is foreign. Then that namespace is deleted."""
    ok(run("kubectl", "create", "namespace", NAME, env=prod.copy.stack.env))
    failed = prod.release(faulty.good(1))
    assert failed.returncode == 1, failed.stdout + failed.stderr
    ok(run("kubectl", "delete", "namespace", NAME, env=prod.copy.stack.env))
    ok(prod.release(faulty.good(1)))
    assert prod.copy.output(SERVICE)["image"] == faulty.image(image("server"), faulty.good(1))
