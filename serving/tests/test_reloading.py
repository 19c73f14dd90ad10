"""Changed configuration files are applied without a restart; with bad files, the old model keeps serving."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from serving.role import reloading
from serving.role.config_files import ConfigFiles, ConfigFilesError, read, stamp
from serving.tests.roles import AWAY, BAD, UNANSWERABLE, Watched, Word, mount, word_role
from serving.tests.support import Running, serve, wait_until

pytestmark = pytest.mark.slow  # real sockets and real waits


@pytest.fixture(autouse=True)
def looking_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reloading, "LOOK_SECONDS", 0.02)


@dataclass
class Looks:
    """How often the folder was looked at."""

    count: int = 0


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Looks:
    counted = Looks()

    def counting(folder: Path) -> object:
        counted.count += 1
        return stamp(folder)

    monkeypatch.setattr(reloading, "stamp", counting)
    return counted


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    mount(tmp_path / "config", "1", word_txt="first")
    return tmp_path / "config"


def environment(folder: Path) -> dict[str, str]:
    return {"SLIPWAY_CONFIG": str(folder)}


def said(running: Running) -> tuple[str, str]:
    answer = running.client.post("/say")
    return answer.text, answer.headers["x-slipway-files"]


def outcomes(running: Running) -> tuple[float, float]:
    taken, failed = (running.metric("config_reloads_total", outcome=name) for name in ("taken", "failed"))
    return taken, failed


def test_a_changed_file_is_taken_up_without_a_restart_and_answers_name_it(folder: Path) -> None:
    watched = Watched()
    with serve(word_role(watched), environment=environment(folder), requestTimeoutSeconds=0.2) as running:
        running.wait_ready()
        assert said(running) == ("first", read(folder).hash)
        mount(folder, "2", word_txt="second")
        wait_until(lambda: outcomes(running) == (1, 0), "the change was taken up")
        assert said(running) == ("second", read(folder).hash)
        assert running.service.lifecycle.ready
        wait_until(lambda: watched.made[0].closed, "the replaced one is closed")
        assert not watched.made[1].closed
    assert watched.made[1].closed


def test_a_replacement_is_warmed_up_separately_before_it_serves(folder: Path) -> None:
    with serve(word_role(Watched()), environment=environment(folder)) as running:
        running.wait_ready()
        mount(folder, "2", word_txt="second")
        wait_until(lambda: outcomes(running) == (1, 0), "the change was taken up")
        assert running.metric("http_requests_total", method="POST", route="/say", status="200") == 0


def test_a_replacement_that_cannot_answer_is_closed(folder: Path) -> None:
    watched = Watched()
    with serve(word_role(watched), environment=environment(folder)) as running:
        running.wait_ready()
        mount(folder, "2", word_txt=UNANSWERABLE)
        wait_until(lambda: outcomes(running) == (0, 1), "the change was refused")
        assert [word.closed for word in watched.made] == [False, True]


@pytest.mark.parametrize("word", [BAD, UNANSWERABLE])
def test_files_that_cannot_be_used_leave_the_old_ones_serving_and_say_so_once(
    folder: Path, word: str, looks: Looks, caplog: pytest.LogCaptureFixture
) -> None:
    watched = Watched()
    with (
        caplog.at_level("INFO", "slipway.config"),
        serve(word_role(watched), environment=environment(folder)) as running,
    ):
        running.wait_ready()
        first = read(folder).hash
        mount(folder, "2", word_txt=word)
        wait_until(lambda: outcomes(running) == (0, 1), "the change was refused")
        assert said(running) == ("first", first)
        assert running.client.get("/health").status_code == 200
        seen = looks.count
        wait_until(lambda: looks.count >= seen + 3, "it was looked at again and again")
        assert outcomes(running) == (0, 1)
        mount(folder, "3", word_txt="third")
        wait_until(lambda: outcomes(running) == (1, 1), "the next change was taken up")
        assert said(running)[0] == "third"
    errors = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert len(errors) == 1
    assert f"{first} remains in use" in errors[0]
    assert watched.loads == 3, "files that cannot be used were tried again although they had not changed"


def test_a_reload_that_fails_for_another_reason_is_tried_again(folder: Path) -> None:
    watched = Watched()
    with serve(word_role(watched), environment=environment(folder)) as running:
        running.wait_ready()
        watched.away = True
        mount(folder, "2", word_txt=AWAY)
        wait_until(lambda: watched.loads >= 4, "it was tried again and again")
        assert outcomes(running) == (0, 1), "one reason was counted more than once"
        assert said(running)[0] == "first"
        watched.away = False
        wait_until(lambda: said(running)[0] == AWAY, "the change was taken up after all")


def test_a_folder_that_goes_away_leaves_the_old_files_serving(folder: Path) -> None:
    with serve(word_role(Watched()), environment=environment(folder)) as running:
        running.wait_ready()
        (folder / "..data").unlink()
        (folder / "..1" / "word.txt").unlink()
        (folder / "word.txt").unlink()
        (folder / "..1").rmdir()
        folder.rmdir()
        wait_until(lambda: outcomes(running) == (0, 1), "it was noticed")
        assert said(running)[0] == "first"
        mount(folder, "2", word_txt="second")
        wait_until(lambda: said(running)[0] == "second", "the folder is back")


def test_a_role_with_a_hook_is_given_the_old_and_the_new(folder: Path) -> None:
    def longer(old: Word, context: object) -> Word:
        return Word(f"{old.text}, {context.file('word.txt').decode()}")  # type: ignore[attr-defined]

    watched = Watched()
    with serve(word_role(watched, reload=longer), environment=environment(folder)) as running:
        running.wait_ready()
        mount(folder, "2", word_txt="second")
        wait_until(lambda: said(running)[0] == "first, second", "the change was taken up")
    assert watched.loads == 1


def test_a_file_that_is_missing_at_the_start_is_named_and_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.role.loading.FIRST_PAUSE_SECONDS", 0.02)
    mount(tmp_path / "config", "1", other_txt="x")
    with serve(word_role(Watched()), environment=environment(tmp_path / "config")) as running:
        wait_until(
            lambda: "word.txt: is not mounted (mounted: other.txt)" in running.client.get("/health").text, "told"
        )
        mount(tmp_path / "config", "2", word_txt="late")
        running.wait_ready()
        assert said(running)[0] == "late"


def test_without_a_folder_answers_name_no_files() -> None:
    with serve(word_role(Watched())) as running:
        assert "x-slipway-files" not in running.client.get("/health").headers


def test_the_hash_tells_contents_and_names_apart_and_nothing_else(folder: Path, tmp_path: Path) -> None:
    mount(tmp_path / "again", "other-version", word_txt="first")
    assert read(folder).hash == read(tmp_path / "again").hash
    hashes = {ConfigFiles(files).hash for files in ({"a": b"b"}, {"a": b"c"}, {"b": b"b"}, {"ab": b""}, {})}
    assert len(hashes) == 5


def test_a_snapshot_never_mixes_two_versions(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mount(folder, "2", a_txt="old", b_txt="old")
    read_bytes = Path.read_bytes

    def swapped_meanwhile(path: Path) -> bytes:
        content = read_bytes(path)
        if path.name == "a.txt":
            mount(folder, "3", a_txt="new", b_txt="new")
        return content

    monkeypatch.setattr(Path, "read_bytes", swapped_meanwhile)
    assert read(folder).contents == {"a.txt": b"old", "b.txt": b"old"}


def test_a_plain_folder_works_too_and_a_missing_one_is_named(tmp_path: Path) -> None:
    (tmp_path / "word.txt").write_text("plain")
    assert read(tmp_path).contents == {"word.txt": b"plain"}
    with pytest.raises(ConfigFilesError, match="none: cannot be read"):
        read(tmp_path / "none")
