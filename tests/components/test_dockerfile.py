"""The user of an image, as its Dockerfile shows it, and what the preview says if the kubelet would refuse it."""

from pathlib import Path
from typing import Any

from components.dockerfile import user_of
from components.preflight import notices
from tests.components.deploying import of_service, system
from tests.each import each
from tests.samples import Config, put, service

STAGES = "FROM scratch AS wheels\nFROM python:3.11 AS base\nUSER 1001:1001\nFROM base AS app\nRUN a\nFROM b AS bare\n"


@each(
    ("text", "target", "user"),
    [
        ("FROM python:3.11\nUSER root\nRUN a\nUSER app\n", None, "app"),
        ("FROM python:3.11\n# USER 5\n", None, None),
        (STAGES, None, None),
        (STAGES, "app", "1001"),
        (STAGES, "base", "1001"),
        (STAGES, "missing", None),
        ("FROM --platform=linux/amd64 a as A\nuser 7\nFROM a\n", None, "7"),
        ("FROM a AS a\n", None, None),
    ],
)
def test_the_user_is_that_of_the_stage_or_of_the_stage_below(text: str, target: str | None, user: str | None) -> None:
    assert user_of(text, target) == user


def said(folder: Path, last: str, **blocks: Any) -> list[str]:
    (folder / "app").mkdir(exist_ok=True)
    (folder / "app" / "Dockerfile").write_text(f"FROM python:3.11\n{last}\n")
    found: Config = {"server": "other", "model": None, "health": {"ready": "/", "live": "/"}, "user": "image", **blocks}
    given = put(of_service(**service(**found)), "images.server", {"context": "app"})
    return list(notices(system(given), folder))


def test_the_preview_says_that_the_kubelet_would_refuse_the_image(tmp_path: Path) -> None:
    start = "web: user is image, but app/Dockerfile sets"
    none = "and the kubelet refuses an image without one; add USER <number>, or set user"
    assert said(tmp_path, "") == [f"{start} no USER, {none}"]
    refused = "which the kubelet refuses; write another user's number, or set user"
    assert said(tmp_path, "USER root") == [f"{start} USER root, {refused}"]
    unproven = "and the kubelet cannot prove that this name is not root; write its number"
    assert said(tmp_path, "USER app") == [f"{start} USER app, {unproven}"]


def test_the_preview_says_nothing_of_a_user_that_runs_or_that_it_cannot_know(tmp_path: Path) -> None:
    assert said(tmp_path, "USER 1001") == said(tmp_path, "USER ${UID}") == said(tmp_path, "", user=None) == []
    baseline = {"standard": "baseline", "why": "it starts as root"}
    assert said(tmp_path, "USER root", podSecurity=baseline) == []
