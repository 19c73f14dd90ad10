"""The record of a release on its branch, while people and other jobs push there too: all of it stays."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.recording import PROJECT

pytestmark = pytest.mark.slow

HEAD = "config:\n  slipway:cluster: {context: prod}\n"
RELEASED = f"{HEAD}  slipway:release:\n    web:\n      live: blue\n      slots:\n        blue: {{image: a}} # signed\n"
RUN = "  slipway:delivery:\n    web:\n      run:\n        id: r1\n        stage: {stage}\n"
PERSON = """
person() {{ # FILE FROM TO: somebody edits a file on the branch of the records
    git -C "$PERSON" pull -q origin main
    sed -i "s|$2|$3|" "$PERSON/$1"
    git -C "$PERSON" commit -qam "ann: $3"
    git -C "$PERSON" push -q origin HEAD:main
}}
record() {{ printf '%b' "$1" > Pulumi.prod.yaml.new; mv Pulumi.prod.yaml.new Pulumi.prod.yaml; }}
seen() {{
    for _ in $(seq 200); do
        git -C "$PERSON" fetch -q origin main
        git -C "$PERSON" show FETCH_HEAD:Pulumi.prod.yaml | grep -q -- "$1" && return 0
        sleep 0.1
    done
    exit 9
}}
here() {{
    for _ in $(seq 200); do grep -q -- "$1" Pulumi.prod.yaml && return 0; sleep 0.1; done
    exit 8
}}
case "$1" in
merge-record) exec "{python}" -P -m delivery "$@" ;;
esac
{play}
"""


@dataclass
class Branch:
    """A repository, its person, and its runner, where a script plays the driver."""

    folder: Path

    def git(self, where: str, *arguments: str) -> str:
        command = ["git", "-c", "user.name=t", "-c", "user.email=t@invalid", *arguments]
        return subprocess.run(command, cwd=self.folder / where, check=True, capture_output=True, text=True).stdout

    def push(self, message: str) -> None:
        """Have the person push all that they changed."""
        self.git("person", "add", "-A")
        self.git("person", "commit", "-qm", message)
        self.git("person", "push", "-q", "origin", "HEAD:main")

    def drive(self, play: str, *, by_key: bool, **variables: str) -> subprocess.CompletedProcess[str]:
        runner = self.folder / "runner"
        if not runner.exists():
            self.git(".", "clone", "-q", "origin", "runner")
        (runner / "templates").mkdir(exist_ok=True)
        (runner / "templates" / "ci.sh").write_bytes((PROJECT / "templates" / "ci.sh").read_bytes())
        for name in ("delivery", "models", "catalog", "components", "loader", "sizing") if by_key else ():
            (runner / name).symlink_to(PROJECT / name)
        script = runner / "slipway"
        script.write_text("#!/bin/bash\nset -e\n" + PERSON.format(python=PROJECT / ".venv/bin/python", play=play))
        script.chmod(0o755)
        own = {
            "PATH": os.environ["PATH"], "HOME": str(self.folder), "PERSON": str(self.folder / "person"),
            "GITHUB_OUTPUT": str(self.folder / "out"), "RECORD_SECONDS": "0.1", "RECORD_LOOK_SECONDS": "0",
            "PYTHONPATH": str(PROJECT), "PYTHONDONTWRITEBYTECODE": "1",
        }  # fmt: skip
        command = ["bash", "templates/ci.sh", "drive", "prod", "release", "prod", "web"]
        return subprocess.run(
            command, cwd=runner, env=own | variables, capture_output=True, text=True, check=False, timeout=50
        )

    def shown(self, path: str = "Pulumi.prod.yaml") -> str:
        self.git("person", "fetch", "-q", "origin", "main")
        return self.git("person", "show", f"FETCH_HEAD:{path}")


@pytest.fixture
def branch(tmp_path: Path) -> Branch:
    made = Branch(tmp_path)
    made.git(".", "init", "-q", "--bare", "-b", "main", "origin")
    made.git(".", "clone", "-q", "origin", "person")
    made.git("person", "config", "user.name", "ann")
    made.git("person", "config", "user.email", "ann@invalid")
    made.git("person", "checkout", "-q", "-b", "main")
    (tmp_path / "person" / "Pulumi.prod.yaml").write_text(RELEASED)
    made.push("a stack")
    return made


def said(text: str) -> str:
    return text.replace("\n", "\\n")


TWO_STAGES = f"""
record '{said(RELEASED + RUN.format(stage=1))}'
seen 'stage: 1'
person Pulumi.prod.yaml 'prod}}$' 'prod}} # ann: since the incident'
BETWEEN
sed -i 's/stage: 1/stage: 2/' Pulumi.prod.yaml
"""
EDITED = "slipway:cluster: {context: prod} # ann: since the incident"


@pytest.mark.parametrize("by_key", [True, False], ids=["by key", "by line"])
def test_an_edit_that_is_pushed_while_a_release_runs_stays_beside_its_record(branch: Branch, by_key: bool) -> None:
    done = branch.drive(TWO_STAGES.replace("BETWEEN", ""), by_key=by_key)
    assert done.returncode == 0, done.stderr
    assert EDITED in branch.shown()
    assert "stage: 2" in branch.shown()
    assert "# signed" in branch.shown()


def test_an_edit_that_is_pushed_comes_into_the_file_that_the_driver_reads(branch: Branch) -> None:
    done = branch.drive(TWO_STAGES.replace("BETWEEN", "here 'since the incident'"), by_key=True)
    assert done.returncode == 0, done.stderr
    assert EDITED in (branch.folder / "runner" / "Pulumi.prod.yaml").read_text()
    assert branch.shown() == (branch.folder / "runner" / "Pulumi.prod.yaml").read_text()


def test_a_hold_that_is_pushed_reaches_a_driver_that_writes_the_same_section(branch: Branch) -> None:
    play = f"""
    record '{said(RELEASED + RUN.format(stage=1))}'
    seen 'stage: 1'
    git -C "$PERSON" pull -q origin main
    printf '      holds:\\n      - {{image: bad, reason: ann}}\\n' >> "$PERSON/Pulumi.prod.yaml"
    git -C "$PERSON" commit -qam hold; git -C "$PERSON" push -q origin HEAD:main
    sed -i 's/stage: 1/stage: 2/' Pulumi.prod.yaml
    here 'image: bad'
    """
    done = branch.drive(play, by_key=True)
    assert done.returncode == 0, done.stderr
    delivery = yaml.safe_load(branch.shown())["config"]["slipway:delivery"]["web"]
    assert delivery == {"run": {"id": "r1", "stage": 2}, "holds": [{"image": "bad", "reason": "ann"}]}


def test_what_both_changed_is_theirs_in_the_file_that_the_driver_reads_and_on_the_branch(branch: Branch) -> None:
    play = f"""
    record '{said(RELEASED + RUN.format(stage=1))}'
    seen 'stage: 1'
    person Pulumi.prod.yaml 'live: blue' 'live: green'
    sed -i 's/stage: 1/stage: 2/' Pulumi.prod.yaml
    here 'live: green'
    exit 1
    """
    done = branch.drive(play, by_key=True)
    assert done.returncode == 1
    clash = "both sides changed the same values: slipway:release.web.live is green (was blue)"
    assert f"{clash}, slipway:delivery" not in done.stderr
    assert f"Pulumi.prod.yaml: {clash}" in done.stderr
    config = yaml.safe_load(branch.shown())["config"]
    assert config["slipway:release"]["web"]["live"] == "green"
    assert config["slipway:delivery"]["web"]["run"] == {"id": "r1", "stage": 1}


def test_without_yaml_a_conflict_stops_the_driver_and_overwrites_nothing(branch: Branch) -> None:
    play = f"""
    record '{said(RELEASED + RUN.format(stage=1))}'
    seen 'stage: 1'
    person Pulumi.prod.yaml 'stage: 1' 'stage: ['
    trap 'echo stopped >&2; exit 130' TERM
    sed -i 's/stage: 1/stage: 2/' Pulumi.prod.yaml
    for _ in $(seq 100); do sleep 0.1; done
    """
    done = branch.drive(play, by_key=True)
    assert done.returncode == 130, done.stderr
    assert "stopped" in done.stderr
    assert "changed the same lines; merge them by hand, nothing was overwritten" in done.stdout
    assert "stage: [" in branch.shown()


def test_an_edit_that_arrives_between_fetch_and_push_is_merged_at_the_next_try(branch: Branch) -> None:
    fake = branch.folder / "bin" / "git"
    fake.parent.mkdir()
    real = subprocess.run(["which", "git"], capture_output=True, text=True, check=True).stdout.strip()
    fake.write_text(
        f"""#!/bin/bash
if [ "$1" = push ] && [ -z "$RACED" ] && mkdir "{branch.folder}/raced" 2>/dev/null; then
    export RACED=1
    cd "{branch.folder}/person" && {real} pull -q origin main && sed -i 's/prod}}$/prod}} # ann/' Pulumi.prod.yaml &&
        {real} commit -qam ann && {real} push -q origin HEAD:main
    cd - > /dev/null
fi
exec {real} "$@"
"""
    )
    fake.chmod(0o755)
    play = f"record '{said(RELEASED + RUN.format(stage=1))}'"
    done = branch.drive(play, by_key=False, PATH=f"{fake.parent}:{os.environ['PATH']}")
    assert done.returncode == 0, done.stderr
    assert "{context: prod} # ann" in branch.shown()
    assert "stage: 1" in branch.shown()


def test_a_stack_file_that_is_a_link_is_recorded_where_it_points_to(branch: Branch) -> None:
    stacks = branch.folder / "person" / "stacks"
    stacks.mkdir()
    branch.git("person", "mv", "Pulumi.prod.yaml", "stacks/prod.yaml")
    (branch.folder / "person" / "Pulumi.prod.yaml").symlink_to("stacks/prod.yaml")
    branch.push("a link")
    done = branch.drive("echo '# released' >> Pulumi.prod.yaml", by_key=False)
    assert done.returncode == 0, done.stderr
    assert branch.shown("stacks/prod.yaml") == f"{RELEASED}# released\n"
    assert branch.git("person", "ls-tree", "FETCH_HEAD", "--", "Pulumi.prod.yaml").startswith("120000 ")


def test_revisions_go_with_the_record_and_stay_while_any_stack_refers_to_them(branch: Branch) -> None:
    (branch.folder / "person" / "revisions").mkdir()
    for name in ("aaaa", "bbbb"):
        (branch.folder / "person" / "revisions" / f"{name}.yaml").write_text(f"{name}\n")
    (branch.folder / "person" / "Pulumi.dev.yaml").write_text("config: {revision: bbbb}\n")
    branch.push("revisions")
    play = "ls revisions; rm revisions/*.yaml; echo new > revisions/cccc.yaml; echo '# x' >> Pulumi.prod.yaml"
    done = branch.drive(play, by_key=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[:2] == ["aaaa.yaml", "bbbb.yaml"]
    branch.shown()
    names = branch.git("person", "ls-tree", "-r", "--name-only", "FETCH_HEAD", "--", "revisions").split()
    assert names == ["revisions/bbbb.yaml", "revisions/cccc.yaml"]


def test_a_revision_that_somebody_pushes_comes_with_their_edit_and_one_that_was_deleted_does_not(
    branch: Branch,
) -> None:
    revisions = branch.folder / "person" / "revisions"
    revisions.mkdir()
    (revisions / "aaaa.yaml").write_text("aaaa\n")
    branch.push("a revision")
    play = """
    rm revisions/aaaa.yaml
    git -C "$PERSON" pull -q origin main; echo new > "$PERSON/revisions/bbbb.yaml"; git -C "$PERSON" add -A
    person Pulumi.prod.yaml 'prod}$' 'prod} # ann'
    here '# ann'
    for _ in $(seq 100); do [ -f revisions/bbbb.yaml ] && break; sleep 0.1; done
    ls revisions
    """
    done = branch.drive(play, by_key=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["bbbb.yaml"]
    branch.shown()
    assert branch.git("person", "ls-tree", "--name-only", "FETCH_HEAD", "revisions/").split() == ["revisions/bbbb.yaml"]


def test_a_job_that_is_cancelled_stops_its_driver_and_still_pushes_its_record(branch: Branch) -> None:
    play = """
    trap 'echo "# stopped" >> Pulumi.prod.yaml; exit 130' TERM INT
    kill -TERM $PPID
    for _ in $(seq 100); do sleep 0.1; done
    """
    done = branch.drive(play, by_key=False, RECORD_SECONDS="60")
    assert done.returncode == 130, done.stderr
    assert branch.shown().endswith("# stopped\n")
    assert "SLIPWAY_CODE=130" in (branch.folder / "out").read_text()
