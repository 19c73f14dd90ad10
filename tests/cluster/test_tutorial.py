"""Runs every command of docs/tutorial.md in order, as a newcomer would."""

import json
import re

from tests.cluster.stack import Stack, run
from tests.recording import PROJECT

FILE = PROJECT / "Pulumi.wine-dev.yaml"
TUTORIAL = (PROJECT / "docs" / "tutorial.md").read_text()


def commands() -> list[str]:
    """Return the shell blocks of the page."""
    return re.findall(r"```sh\n(.*?)```", TUTORIAL, flags=re.DOTALL)


def test_the_tutorials_commands_lead_to_the_answer_that_it_promises(stack: Stack) -> None:
    *_, deploy, ask = commands()
    before = FILE.read_text()
    try:
        for command in commands()[:-1]:
            done = run("bash", "-ec", command, env=stack.env)
            assert done.returncode == 0, done.stdout + done.stderr
        assert "STACK=wine-dev" in deploy
        answer = json.loads(run("bash", "-ec", ask, env=stack.env).stdout)
        assert f'"cultivar":"{answer["cultivar"]}"' in TUTORIAL
        assert sum(answer["scores"].values()) > 0.99
    finally:
        gone = run("pulumi", "destroy", "--yes", "--skip-preview", "-s", "wine-dev", env=stack.env)
        # Without --preserve-config, this would delete the committed stack file.
        run("pulumi", "stack", "rm", "--yes", "--preserve-config", "-s", "wine-dev", env=stack.env)
        FILE.write_text(before)
    assert gone.returncode == 0, gone.stderr


def test_the_files_that_the_tutorial_shows_say_what_it_says() -> None:
    for link in re.findall(r"\]\(\.\./([^)]+)\)", TUTORIAL):
        assert (PROJECT / link).is_file(), link
    entry = (PROJECT / "catalog" / "wine.yaml").read_text()
    (shown,) = re.findall(r"```yaml\n(.*?)```", TUTORIAL, flags=re.DOTALL)
    assert shown in entry
