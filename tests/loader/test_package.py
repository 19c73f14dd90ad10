"""The loader's package: few dependencies, each locked in the version that these tests use."""

import re
import sys
from importlib.metadata import version

from tests.recording import PROJECT
from tests.test_structure import offenders, packages, sources, strangers

NEEDED = {"urllib3", "botocore", "certifi"}


def test_the_loader_knows_nothing_of_the_program_and_little_else() -> None:
    assert strangers(["loader"], {"loader"}) == []
    allowed = sys.stdlib_module_names | {"loader"} | NEEDED
    assert offenders((path, packages(path) - allowed) for path in sources("loader")) == []


def test_its_lock_has_the_versions_that_are_tested() -> None:
    lock = (PROJECT / "loader/requirements.lock").read_text("utf-8")
    locked = dict(re.findall(r"^([\w-]+)==(\S+) ", lock, re.MULTILINE))
    assert locked.keys() >= NEEDED
    assert {name: version(name) for name in locked} == locked
