"""Text is UTF-8 whatever the locale: no file, pipe or process of ours takes the encoding that the locale names."""

import ast
from collections.abc import Iterator

import pytest

from tests.each import each
from tests.test_structure import offenders, shown, sources, tree

OPENERS = {"open", "fdopen", "NamedTemporaryFile", "TemporaryFile", "TextIOWrapper", "makefile"}
BINARY = {"os.open", "tarfile.open", "Image.open", "zipfile.open", "gzip.open", "Stack.open"}
"""Calls named `open` that open no text."""
POSITION = {"read_text": 0, "write_text": 1}
"""The position of `encoding` among the arguments of Path's methods."""


def without_encoding(module: ast.Module) -> Iterator[str]:
    """Yield each call that would use the locale's encoding."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and not _named(node) and _textual(node):
            yield f"{node.lineno} {ast.unparse(node.func)}"


def _named(call: ast.Call) -> bool:
    return "encoding" in {keyword.arg for keyword in call.keywords}


def _textual(call: ast.Call) -> bool:
    function = ast.unparse(call.func)
    name = function.rpartition(".")[2]
    if name in POSITION:
        return len(call.args) <= POSITION[name]
    if name in OPENERS and function not in BINARY:
        return not any("b" in mode for mode in _modes(call))
    return bool({keyword.arg for keyword in call.keywords} & {"text", "universal_newlines"}) and name != "echo"


def _modes(call: ast.Call) -> list[str]:
    given = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg == "mode")]
    texts = [node.value for node in given if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return [text for text in texts if text and set(text) <= set("rwxabt+")]


@pytest.mark.slow  # reads every source
def test_every_call_of_the_program_that_reads_or_writes_text_names_its_encoding() -> None:
    under_test = [path for path in sources() if not shown(path).startswith(("tests/", "serving/tests/"))]
    assert len(under_test) > 200
    assert offenders((path, without_encoding(tree(path))) for path in under_test) == []


@each(
    ("line", "seen"),
    [
        ("p.read_text()", True),
        ("p.read_text('utf-8')", False),
        ("p.read_text(errors='replace')", True),
        ("p.write_text(x)", True),
        ("p.write_text(x, 'utf-8')", False),
        ("p.write_text(x, encoding='utf-8')", False),
        ("open(p)", True),
        ("open(p, 'rb')", False),
        ("p.open('a+')", True),
        ("p.open('w', encoding='utf-8')", False),
        ("os.fdopen(n, 'w')", True),
        ("os.fdopen(n, mode='wb')", False),
        ("os.open(p, os.O_RDONLY)", False),
        ("subprocess.run(c, text=True)", True),
        ("subprocess.run(c, encoding='utf-8')", False),
        ("subprocess.run(c, capture_output=True)", False),
        ("subprocess.Popen(c, universal_newlines=True)", True),
    ],
)
def test_a_call_without_an_encoding_would_be_seen(line: str, seen: bool) -> None:
    assert bool(list(without_encoding(ast.parse(line)))) is seen
