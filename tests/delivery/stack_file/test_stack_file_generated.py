"""Generated stack files and generated releases: nothing of the file but the service's own values ever changes."""

import re
import tempfile
from pathlib import Path

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from delivery.stack_file.stack_file import StackFile
from models.delivery import ServiceDelivery
from models.release import ServiceRelease
from tests.samples import IMAGE, OTHER_IMAGE, Config, accepted

OTHERS = [
    "  slipway:system: {entry: web, environment: prod}   # inline\n",
    "  # a comment of its own\n",
    "\n",
    "  'quoted: key': \"a # b\"  # c\n",
    "  other:list:\n    - a\n    -   b: 1\n        c: [x,  y]\n",
    "  other:dashes:\n  - one # 1\n  - two\n",
    "  text: |\n    # no comment\n      indented\n\n    end\n",
    "  folded: >-\n    a\n    b\n",
    "  city: Zürich — ☃\n",
    "  anchor: &a {x: 1}\n  alias: *a\n",
    "  slipway:secrets:\n    k:\n      secure: v1:abc==\n",
    "  long: " + "word " * 60 + "\n",
    "  octal: 0755\n  yes: no\n  empty:\n  date: 2026-11-21\n",
    "  multi: plain\n    over lines\n",
]
FLOW = f"  slipway:release: {{web: {{slots: {{blue: {{image: '{IMAGE}'}}}}}}}} # flow\n"
COMMENTED = f"""\
  slipway:release:
    # about web
    web:   # w
      # why blue
      live: 'blue'   # l
      slots:
        blue: {{image: "{IMAGE}"}}   # signed
      # after the slots
    # after web
"""
DEEP = f"""\
  slipway:release:
      web:
          slots:
              blue:
                  image: {IMAGE} # deep
              green: {{}}
          weight: 0 # none
"""
HELD = f"""\
  slipway:delivery:
    web:
      # held
      holds:
      # first
      - image: {IMAGE}  # i
        reason: r # why
        by: ann
        at: '2026-11-21T14:02:00Z'
  slipway:release:
    web: {{live: blue, slots: {{blue: {{}}}}}}
"""
OURS = ["", "  slipway:release: {}\n", "  slipway:release:\n    # none yet\n", FLOW, COMMENTED, DEEP, HELD]
AT = "2026-11-21T14:02:00Z"

slots = st.fixed_dictionaries({}, optional={"image": st.sampled_from([IMAGE, OTHER_IMAGE])})


def release(live: str, *filled: str) -> st.SearchStrategy[Config]:
    """Declarations with these slots filled."""
    said = {"live": st.just(live), "slots": st.fixed_dictionaries(dict.fromkeys(filled, slots))}
    return st.fixed_dictionaries(said, optional={"weight": st.integers(0, 100)} if len(filled) > 1 else {})


releases = st.one_of(release("blue", "blue"), release("green", "green"), release("blue", "blue", "green"))
letters = st.characters(codec="utf-8", exclude_categories=["Cc", "Cn"]) | st.sampled_from("\n\t")
reasons = st.text(letters, min_size=1, max_size=20).filter(lambda text: bool(text.strip()))
people = st.sampled_from(["ann", "yes", "1", "a: b", "- x", "#", "null", "'", '"'])
hold: Config = {"image": st.sampled_from([IMAGE, OTHER_IMAGE]), "reason": reasons, "by": people, "at": st.just(AT)}
deliveries: st.SearchStrategy[Config] = st.fixed_dictionaries(
    {"holds": st.lists(st.fixed_dictionaries(hold), max_size=4)}
)


@settings(max_examples=60, deadline=None)
@given(
    before=st.lists(st.sampled_from(OTHERS), unique=True, max_size=4),
    ours=st.sampled_from(OURS),
    after=st.lists(st.sampled_from(OTHERS), unique=True, max_size=4),
    eol=st.sampled_from(["\n", "\r\n"]),
    writes=st.lists(st.tuples(releases, deliveries), min_size=1, max_size=3),
)
def test_the_parts_of_others_stay_byte_for_byte_and_in_order(
    before: list[str], ours: str, after: list[str], eol: str, writes: list[tuple[Config, Config]]
) -> None:
    others = [*before, *(one for one in after if one not in before)]
    split = len(before)
    text = "# head\nconfig:\n" + "".join(others[:split]) + ours + "".join(others[split:]) + "  last: 1 # end\n"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "Pulumi.prod.yaml"
        path.write_bytes(text.replace("\n", eol).encode())
        made = StackFile(path)
        for declaration, delivery in writes:
            declared = accepted(ServiceRelease, declaration)
            record = accepted(ServiceDelivery, delivery)
            made.write("web", declared, record)
            fresh = StackFile(path).tree().data["config"]
            assert accepted(ServiceRelease, fresh["slipway:release"]["web"]) == declared
            assert accepted(ServiceDelivery, fresh["slipway:delivery"]["web"]) == record
        written = path.read_bytes().decode()
    assert eol == "\n" or "\n" not in written.replace("\r\n", "")
    left = written.replace(eol, "\n")
    at = 0
    for part in ["# head\nconfig:\n", *others, "  last: 1 # end\n"]:
        at = left.index(part, at) + len(part)
    kept = yaml.safe_load(text)["config"]
    told = yaml.safe_load(left)["config"]
    ours_too = {"slipway:release", "slipway:delivery"}
    assert {key: told[key] for key in told.keys() - ours_too} == {key: kept[key] for key in kept.keys() - ours_too}
    for comment in re.findall(r"(?<!\S)#[^\n]*", ours):
        assert comment in left
