"""A YAML document with the position of each value in its text."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode

from delivery.errors import Unreadable

Json = dict[str, Any]
_BOM = "\ufeff"


@dataclass(frozen=True)
class Tree:
    """A parsed document."""

    text: str
    """Text without the byte order mark; line ends as in the file."""
    root: Any
    """ruamel.yaml's root node with its marks; None = an empty document."""
    data: Json
    """Plain data; every key is text."""


def decoded(raw: bytes, name: str) -> tuple[str, str]:
    """Return the byte order mark and the text of a file, which is UTF-8 in every locale; raises Unreadable."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise Unreadable(f"{name}, line {line}: not UTF-8; save the file as UTF-8") from None
    return (_BOM, text[1:]) if text.startswith(_BOM) else ("", text)


def parsed(text: str, name: str) -> Tree:
    """Parse one document whose root is a mapping; raises Unreadable with one line that names the file and the line."""
    yaml: Any = YAML()  # a new one for each call: it keeps state, and the gate reads while an update runs
    try:
        root = yaml.compose(text)
        looped = root is not None and _holds_itself(root, set(), set())
        data = plain({} if root is None else yaml.constructor.construct_document(root))
    except YAMLError as error:
        raise Unreadable(f"{name}{_fault(error)}") from None
    except RecursionError:
        raise Unreadable(f"{name}: not valid YAML: nested too deeply") from None
    except ValueError as error:
        raise Unreadable(f"{name}: not valid YAML: {error}") from None
    if looped:
        raise Unreadable(f"{name}: not valid YAML: an alias within its own anchor")
    if data is None:
        data = dict[str, object]()
    if not isinstance(data, dict):
        raise Unreadable(f"{name}: must be a map, such as `config:`; found {type(data).__name__}")
    return Tree(text, root, cast("Json", data))


def _holds_itself(node: Any, above: set[int], done: set[int]) -> bool:  # noqa: ANN401
    """Return whether an alias occurs within its own anchor; ruamel.yaml would read it as null."""
    if is_scalar(node) or id(node) in done:
        return False
    if id(node) in above:
        return True
    if any(_holds_itself(part, above | {id(node)}, done) for part in _below(node)):
        return True
    done.add(id(node))
    return False


def _fault(error: Any) -> str:  # noqa: ANN401 -- ruamel's types are unknown to the checker
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    said = getattr(error, "problem", None) or getattr(error, "context", None) or str(error)
    return f"{f', line {mark.line + 1}' if mark else ''}: not valid YAML: {' '.join(said.split())}"


def plain(node: object) -> object:
    """Return plain data without ruamel's own types."""
    if isinstance(node, dict):
        return {str(key): plain(value) for key, value in cast("dict[object, object]", node).items()}
    if isinstance(node, list):
        return [plain(item) for item in cast("list[object]", node)]
    return str(node) if isinstance(node, str) else node


def same(one: object, other: object) -> bool:
    """Return whether two plain values are equal as YAML; unlike in Python, 1 and true differ."""
    if one is other:
        return True
    if isinstance(one, dict) and isinstance(other, dict):
        mine, theirs = cast("Json", one), cast("Json", other)
        return mine.keys() == theirs.keys() and all(same(value, theirs[key]) for key, value in mine.items())
    if isinstance(one, list) and isinstance(other, list):
        pair = cast("list[object]", one), cast("list[object]", other)
        return len(pair[0]) == len(pair[1]) and all(map(same, *pair))
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def is_scalar(node: Any) -> bool:  # noqa: ANN401 -- ruamel's types are unknown to the checker
    """Return whether a node contains no other nodes."""
    return isinstance(node, ScalarNode)


def is_mapping(node: Any) -> bool:  # noqa: ANN401
    """Return whether a node contains key-value pairs."""
    return isinstance(node, MappingNode)


def is_block(node: Any) -> bool:  # noqa: ANN401
    """Return whether a node is a collection in block style, with one item per line."""
    return not is_scalar(node) and not node.flow_style


def leaves(node: Any) -> Iterator[Any]:  # noqa: ANN401
    """Yield the scalars below a node, including keys, in text order."""
    if is_scalar(node):
        yield node
    else:
        for one in _below(node):
            yield from leaves(one)


def _below(node: Any) -> Iterator[Any]:  # noqa: ANN401
    for item in node.value:
        yield from cast("tuple[Any, ...]", item if isinstance(item, tuple) else (item,))
