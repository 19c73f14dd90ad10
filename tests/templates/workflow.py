"""Runs the jobs of the GitHub template here: conditions, outputs and shell steps, with fake programs on PATH.

It knows as much of GitHub's expressions as the template uses; what it does not know is a NameError, not a silent pass.
"""

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.recording import PROJECT

WORKFLOW = PROJECT / "templates" / "github" / "slipway.yml"
GITLAB = PROJECT / "templates" / "gitlab" / "slipway.gitlab-ci.yml"
_NAME = re.compile(r"\b(?:needs|github|vars|secrets|inputs|steps)(?:\.[\w-]+)+")


def document(path: Path) -> dict[str, Any]:
    """A template as data; every scalar stays text, for YAML 1.1 takes `on` for a truth value."""
    return yaml.load(path.read_text(), yaml.BaseLoader)  # noqa: S506 -- the loader that makes nothing but text


KEYWORDS = {"stages", "variables", "workflow"}


def gitlab_jobs() -> dict[str, dict[str, Any]]:
    """Jobs of the GitLab template with what they extend filled in; templates (a dot first) are dropped."""
    given = {name: job for name, job in document(GITLAB).items() if name not in KEYWORDS}

    def whole(name: str) -> dict[str, Any]:
        job = given[name]
        return {**(whole(job["extends"]) if "extends" in job else {}), **job}

    return {name: whole(name) for name in given if not name.startswith(".")}


@dataclass
class Fakes:
    """Programs that say what they were asked, and end as they are told."""

    folder: Path
    codes: dict[str, int] = field(default_factory=dict[str, int])
    """Exit code of `slipway` by its first two words, such as `promote dev`."""

    def install(self) -> None:
        self.folder.mkdir()
        for name in ("slipway", "docker", "pulumi", "make", "trivy"):
            self._write(name, 'echo "$(basename "$0") $*" >> "$FAKES/calls"')
        with (self.folder / "docker").open("a") as script:  # buildx says the digest in a file
            # As `docker login` does: a writer whose reader has ended dies of SIGPIPE, and the step with it.
            script.write('case "$*" in *--password-stdin*) cat > /dev/null ;; esac\n')
            script.write('while [ $# -gt 1 ]; do [ "$1" = --metadata-file ] && ')
            script.write(f'echo \'{{"containerimage.digest": "{DIGEST}"}}\' > "$2"; shift; done; true\n')
        with (self.folder / "slipway").open("a") as script:  # the record changes, as it does in a release
            script.write('for stack; do [ -f "Pulumi.$stack.yaml" ] && last=$stack; done\n')
            script.write('echo "# $*" >> "Pulumi.$last.yaml"\n')
            script.write('exit "$(cat "$FAKES/$1-$2" 2>/dev/null || echo 0)"\n')
        for asked, code in self.codes.items():
            (self.folder / asked.replace(" ", "-")).write_text(str(code))

    def _write(self, name: str, line: str) -> None:
        path = self.folder / name
        path.write_text(f"#!/usr/bin/env bash\n{line}\n")
        path.chmod(0o755)

    def calls(self, program: str) -> list[str]:
        """What a program was asked, in order."""
        path = self.folder / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        return [line.removeprefix(f"{program} ") for line in lines if line.startswith(f"{program} ")]


VARIABLES = {"SLIPWAY_IMAGE": "r.example.com/ml/server"}
DIGEST = "sha256:" + "7" * 64


@dataclass
class Pipeline:
    """One run of the workflow in a clone."""

    clone: Path
    fakes: Fakes
    github: dict[str, str]
    inputs: dict[str, str] = field(default_factory=dict[str, str])
    lost: frozenset[str] = frozenset()
    """Jobs whose runner disappears before their last step."""
    results: dict[str, str] = field(default_factory=dict[str, str])
    """Job to success, failure or skipped."""
    outputs: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    said: str = ""

    def run(self) -> None:
        """Run every job whose condition holds, in the order of the file."""
        workflow = document(WORKFLOW)
        for name, job in workflow["jobs"].items():
            condition = job.get("if", "true")
            needs = job.get("needs", [])
            needed = [needs] if isinstance(needs, str) else needs
            ready = "always()" in condition or all(self.results[one] == "success" for one in needed)
            if not (ready and self._value(condition, {})):
                self.results[name] = "skipped"
                continue
            self._job(name, job, workflow["env"])

    def _job(self, name: str, job: Mapping[str, Any], shared: Mapping[str, str]) -> None:
        steps: dict[str, dict[str, str]] = {}
        self.results[name] = "success"
        todo = [step for step in job["steps"] if "run" in step]
        for step in todo[:-1] if name in self.lost else todo:
            variables = {**shared, **job.get("env", {}), **step.get("env", {})}
            written = self.clone.parent / f"{name}-{len(steps)}"
            written.touch()
            given = {key: self._text(value, steps) for key, value in variables.items()}
            done = self._shell(step["run"], given | {"GITHUB_OUTPUT": str(written)})
            self.said += f"{done.stdout}{done.stderr}[{name}: exit code {done.returncode}]\n"
            found = dict(line.split("=", 1) for line in written.read_text().splitlines())
            steps[step.get("id", str(len(steps)))] = found
            if done.returncode:
                self.results[name] = "failure"
                break
        if name in self.lost:
            self.results[name] = "failure"
        self.outputs[name] = {key: self._text(value, steps) for key, value in job.get("outputs", {}).items()}

    def _shell(self, script: str, variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        temporary = self.clone.parent
        own = {
            "PATH": f"{self.fakes.folder}:{os.environ['PATH']}", "HOME": str(temporary),
            "FAKES": str(self.fakes.folder),
            "RUNNER_TEMP": str(temporary), "GITHUB_ENV": str(temporary / "env"), "GITHUB_ACTIONS": "true",
            "MODEL_TESTS": "true", "RECORD_SECONDS": "0.1", "LOCK_SECONDS": "0", "LOCK_TRIES": "3", "STACKS": "dev",
        }  # fmt: skip
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
        return subprocess.run(
            command, cwd=self.clone, env=own | dict(variables), capture_output=True, text=True, check=False, timeout=50
        )

    def _text(self, template: str, steps: Mapping[str, Mapping[str, str]]) -> str:
        return re.sub(r"\$\{\{(.*?)\}\}", lambda found: str(self._value(found[1].strip(), steps)), template)

    def _value(self, expression: str, steps: Mapping[str, Mapping[str, str]]) -> Any:
        python = _NAME.sub(lambda found: repr(self._named(found[0], steps)), expression)
        python = python.replace("&&", " and ").replace("||", " or ").replace("always()", "True").replace("true", "True")
        return eval(python, {"__builtins__": {}}) or ""  # noqa: S307 -- the template of this repository

    def _named(self, name: str, steps: Mapping[str, Mapping[str, str]]) -> str:
        scope, *path = name.split(".")
        if scope == "needs" and path[1] == "result":
            return self.results[path[0]]
        if scope in ("needs", "steps"):
            outputs = self.outputs if scope == "needs" else steps
            return outputs.get(path[0], {}).get(path[-1], "")
        given = {"github": self.github, "inputs": self.inputs, "vars": VARIABLES, "secrets": {}}
        return given[scope].get(".".join(path), "")
