"""The containers of a pod share one ConfigMap and one Deployment, which hold less than all of them may have alone."""

from models.service import ServiceSpec
from tests.each import each
from tests.models.test_container import CHECKED, beside, other
from tests.samples import Config, accepted, refused

LONG = ["x" * 100_000] * 4
"""As much as one container may have."""
HALF_A_MAP: Config = {"/a": {"text": "x" * 450_001}}
TOGETHER = "args: all commands, arguments, variables and checks of the pod together have"
LIMIT = "bytes, but a Deployment holds at most 800000; use files"
ASKED: Config = {"exec": LONG}


def test_texts_that_fit_together_are_accepted() -> None:
    accepted(ServiceSpec, other(args=LONG, init=[beside(args=LONG[1:])]))
    accepted(ServiceSpec, other(fileMounts=HALF_A_MAP, init=[beside(fileMounts={"/a": {"text": "x" * 449_999}})]))


@each(
    ("blocks", "line"),
    [
        (
            {"fileMounts": HALF_A_MAP, "init": [beside(fileMounts=HALF_A_MAP)]},
            (
                "fileMounts: with those of sidecars and init, the files have 900002 bytes, but a ConfigMap holds at "
                "most 900000; store large files with the model"
            ),
        ),
        ({"args": LONG, "init": [beside(command=LONG)]}, f"{TOGETHER} 800021 {LIMIT}"),
        ({"args": LONG, "command": LONG}, f"{TOGETHER} 800021 {LIMIT}"),
        ({"env": {"A": "x" * 9}, "args": LONG, "sidecars": [beside(args=LONG)]}, f"{TOGETHER} 800032 {LIMIT}"),
        ({"args": LONG, "health": {**CHECKED, "live": ASKED}}, f"{TOGETHER} 800036 {LIMIT}"),
        ({"health": {**CHECKED, "ready": ASKED}}, f"{TOGETHER} 800051 {LIMIT}"),
        ({"health": {**CHECKED, "starting": {"check": ASKED}}, "args": LONG}, f"{TOGETHER} 800036 {LIMIT}"),
        ({"sidecars": [beside(ready=ASKED)]}, f"{TOGETHER} 800065 {LIMIT}"),
    ],
)
def test_texts_that_no_object_holds_are_refused_in_one_line(blocks: Config, line: str) -> None:
    assert refused(ServiceSpec, {**other(), **blocks}) == (f"given: {line}",)
