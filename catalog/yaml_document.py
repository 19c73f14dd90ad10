"""The reader of all YAML files that people write: stack file, ``Pulumi.yaml`` and catalogue.

libyaml scans the text, as in Pulumi, whose go-yaml is a port of libyaml. This module refuses everything that another
reader could understand differently, and everything that would exhaust the memory or the stack of a reader.
"""

import re
from dataclasses import dataclass
from typing import Any, cast

import yaml

from catalog.yaml_nodes import Mapping, Node, Scalar, Sequence, bases, is_merge, plain_mapping
from catalog.yaml_scalars import Ambiguous, plain_value
from models.errors import ConfigurationError, key_text

_BOM = "\ufeff"
_LARGEST = 4 << 20
"""Bytes. The objects that a longer file describes would exceed the limits of etcd."""
_DEEPEST = 64
"""Levels of nesting; Kubernetes objects have about 15."""
_VALUES = 100_000
"""Values after aliases are expanded. Without a limit, a few nested aliases would become billions of values."""
_UNREADABLE = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
"""Control characters, and the characters that some readers take for a line end or a byte order mark."""
_DIGITS = re.compile("[0-9]+")
_TEXT = "tag:yaml.org,2002:str"

Path = tuple[str, ...]


@dataclass(frozen=True)
class Fault:
    """A value that readers of YAML understand differently."""

    path: Path
    """The keys that lead to the value."""
    line: int
    rule: str
    """What is wrong, and the remedy."""


@dataclass(frozen=True)
class Document:
    """A YAML file that contains one mapping."""

    name: str
    """The file in messages."""
    mark: str
    """The byte order mark, or nothing."""
    text: str
    """The text without the byte order mark; line ends as in the file."""
    root: Mapping | None
    """None = an empty document."""
    data: dict[str, Any]
    """Plain data: text, numbers, Booleans, None, lists and maps; every key is text."""
    faults: tuple[Fault, ...] = ()
    """Values whose spelling is ambiguous. In ``data``, they are text."""

    def config(self) -> dict[str, Any]:
        """Return the values below ``config``; empty if that is not a map."""
        found = self.data.get("config")
        return cast("dict[str, Any]", found) if isinstance(found, dict) else {}

    @property
    def raw(self) -> bytes:
        """The bytes of the file."""
        return (self.mark + self.text).encode()

    def checked(self, *within: str) -> "Document":
        """Return the document if none of its values is ambiguous.

        Args:
            within: Check only values on paths whose first keys begin with these texts, one for each level.

        Raises:
            ConfigurationError: one line for each ambiguous value.
        """
        told = [
            f"{self.name}, line {one.line}, {key_text('.'.join(one.path[max(len(within) - 1, 0) :]))}: {one.rule}"
            for one in self.faults
            if all(key.startswith(start) for key, start in zip(one.path, within, strict=False))
        ]
        if told:
            raise ConfigurationError(told)
        return self


def read(raw: bytes, name: str) -> Document:
    """Read a file, which is UTF-8 in every locale.

    Raises:
        ConfigurationError: one line with the file, the line, and the path if the fault is at a key.
    """
    if len(raw) > _LARGEST:
        raise ConfigurationError([f"{name}: larger than {_LARGEST >> 20} MiB; move parts of it to other files"])
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigurationError([f"{name}, line {line}: not UTF-8; save the file as UTF-8"]) from None
    mark, text = (_BOM, text[1:]) if text.startswith(_BOM) else ("", text)
    if found := _UNREADABLE.search(text):
        line = text.count("\n", 0, found.start()) + 1
        code = f"U+{ord(found[0]):04X}"
        raise ConfigurationError([f"{name}, line {line}: contains the character {code}; remove it, or escape it"])
    return _composed(mark, text, name)


def _composed(mark: str, text: str, name: str) -> Document:
    composer = _Composer(name)
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            composer.take(event)
    except yaml.MarkedYAMLError as error:
        raise ConfigurationError([_syntax(error, text, name)]) from None
    root = composer.root
    if isinstance(root, Scalar) and root.value is None:
        return Document(name, mark, text, None, {})
    if root is not None and not isinstance(root, Mapping):
        found = "a list" if isinstance(root, Sequence) else "text"
        raise ConfigurationError([f"{name}, line {root.line}: must be a map of keys and values; found {found}"])
    data = {} if root is None else plain_mapping(root)
    return Document(name, mark, text, root, data, tuple(composer.faults))


def _syntax(error: Any, text: str, name: str) -> str:  # noqa: ANN401 -- the stubs give its attributes no types
    place = error.problem_mark or error.context_mark
    at = f", line {place.line + 1}" if place else ""
    if place and text[place.index : place.index + 1] == "\t":
        return f"{name}{at}: not valid YAML: a tab; use spaces"
    return f"{name}{at}: not valid YAML: {' '.join(str(error.problem or error.context).split())}"


@dataclass(eq=False, slots=True)
class _Open:
    """A collection whose end is not reached yet."""

    node: Mapping | Sequence
    anchor: str | None
    keys: dict[str, int]
    """The line of each key."""
    key: Scalar | None = None
    """The key whose value comes next."""
    size: int = 1
    height: int = 1

    @property
    def step(self) -> Path:
        """The key or the index of the value that comes next; empty before a key."""
        if isinstance(self.node, Sequence):
            return (str(len(self.node.items)),)
        return (self.key.text,) if self.key else ()


class _Composer:
    """Builds nodes from the parser's events. It has no recursion, so a deep document cannot exhaust the stack."""

    def __init__(self, name: str) -> None:
        self.root: Node | None = None
        self.faults = list[Fault]()
        self._name = name
        self._open = list[_Open]()
        self._anchors = dict[str, tuple[Node, int, int]]()
        """Anchor → its node, the number of values in it, and its levels."""
        self._documents = 0

    def take(self, event: Any) -> None:  # noqa: ANN401 -- the stubs give its attributes no types
        match event:
            case yaml.ScalarEvent():
                self._add(self._scalar(event), event.anchor)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self._begin(event)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._end(event)
            case yaml.AliasEvent():
                self._alias(event)
            case yaml.DocumentStartEvent():
                self._begin_document(event)
            case _:
                pass

    def _begin(self, event: Any) -> None:  # noqa: ANN401
        at = event.start_mark
        if len(self._open) >= _DEEPEST:
            raise self._fault(at.line + 1, f"nested deeper than {_DEEPEST} levels; make it flatter")
        self._refuse_tag(event)
        kind = Mapping if isinstance(event, yaml.MappingStartEvent) else Sequence
        self._open.append(_Open(kind(at.index, at.index, at.line + 1, bool(event.flow_style)), event.anchor, {}))

    def _end(self, event: Any) -> None:  # noqa: ANN401
        done = self._open.pop()
        done.node.end = event.end_mark.index
        self._add(done.node, done.anchor, done.size, done.height)

    def _begin_document(self, event: Any) -> None:  # noqa: ANN401
        self._documents += 1
        if self._documents > 1:
            raise self._fault(event.start_mark.line + 1, "a second document begins; keep one in each file")

    def _alias(self, event: Any) -> None:  # noqa: ANN401
        line = event.start_mark.line + 1
        if any(one.anchor == event.anchor for one in self._open):
            raise self._fault(line, f"the alias *{event.anchor} is inside its own anchor; remove it")
        if event.anchor not in self._anchors:
            raise self._fault(
                line, f"the alias *{event.anchor} has no anchor &{event.anchor} before it; define it first"
            )
        node, size, height = self._anchors[event.anchor]
        self._add(node, None, size, height, line)

    def _scalar(self, event: Any) -> Scalar:  # noqa: ANN401
        self._refuse_tag(event)
        style = event.style or None
        at, text = event.start_mark, str(event.value)
        value = plain_value(text) if style is None and event.tag is None else text
        return Scalar(at.index, event.end_mark.index, at.line + 1, text, style, value)

    def _refuse_tag(self, event: Any) -> None:  # noqa: ANN401
        """Refuse all tags but those that make a scalar text."""
        if event.tag in (None, "!") or (event.tag == _TEXT and isinstance(event, yaml.ScalarEvent)):
            return
        tag = event.tag.replace("tag:yaml.org,2002:", "!!")
        raise self._fault(event.start_mark.line + 1, f"the tag {tag} is not supported; remove it")

    def _add(self, node: Node, anchor: str | None, size: int = 1, height: int = 0, line: int = 0) -> None:
        if anchor:
            self._anchors[anchor] = node, size, height
        if not self._open:
            self.root = node
            return
        parent = self._open[-1]
        parent.size += size
        parent.height = max(parent.height, height + 1)
        if parent.size > _VALUES:
            raise self._fault(
                line or node.line, f"contains more than {_VALUES:,} values after aliases are expanded; use fewer"
            )
        if len(self._open) + height > _DEEPEST:
            raise self._fault(
                line or node.line, f"nested deeper than {_DEEPEST} levels after aliases are expanded; use fewer"
            )
        if isinstance(parent.node, Mapping) and parent.key is None:
            self._add_key(parent, node, line or node.line)
            return
        self._note(parent, node)
        if isinstance(parent.node, Sequence):
            parent.node.items.append(node)
        elif parent.key is not None:
            parent.node.pairs.append((parent.key, node))
            parent.key = None

    def _add_key(self, parent: _Open, node: Node, line: int) -> None:
        if not isinstance(node, Scalar) or (not node.text and node.style is None):
            raise self._fault(line, "a key must be text; write it in one line")
        parent.key = node
        if node.text in parent.keys:
            first = parent.keys[node.text]
            raise self._fault(line, f"the key occurs twice; it is also on line {first}; remove one of them")
        parent.keys[node.text] = line

    def _note(self, parent: _Open, node: Node) -> None:
        """Record an ambiguous value. Refuse a decimal comma, and a merge key whose value is not a map."""
        key = parent.key
        if isinstance(node, Scalar) and isinstance(node.value, Ambiguous):
            rule = node.value.rule
            node.value = node.text
            self.faults.append(Fault(self._path(), node.line, f"{key_text(node.text)}: {rule}"))
        if key is None:
            return
        if is_merge(key) and not all(isinstance(base, Mapping) for base in bases(node)):
            raise self._fault(key.line, "must be an alias of a map, or a list of such aliases")
        empty = isinstance(node, Scalar) and node.start == node.end
        if parent.node.flow and empty and _DIGITS.fullmatch(key.text) and isinstance(parent.node, Mapping):
            raise self._fault(key.line, _comma(parent.node, key.text))

    def _path(self) -> Path:
        return tuple(step for one in self._open for step in one.step)

    def _fault(self, line: int, rule: str) -> ConfigurationError:
        path = key_text(".".join(self._path()))
        return ConfigurationError([f"{self._name}, line {line}{f', {path}' if path else ''}: not valid YAML: {rule}"])


def _comma(node: Mapping, digits: str) -> str:
    """Return the fault of ``{share: 99,9}``, in which YAML reads ``9`` as a key."""
    last = node.pairs[-1][1] if node.pairs else None
    number = last.text if isinstance(last, Scalar) else ""
    remedy = f"for the number, write {number}.{digits}" if number.isdigit() else f"write `{digits}: <value>`"
    return f"the comma ends the value, and {digits} is read as a key; {remedy}"
