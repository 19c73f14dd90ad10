"""Changes values in a YAML text and leaves every other byte unchanged: comments, quotes, order, line ends, anchors.

A YAML library that writes a whole document moves some comments, loses those of a removed key, and reformats lists and
long lines. This module locates each value and replaces only the changed parts of the text. Comments inside a removed
part are kept, each on its own line.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import cast

from catalog.yaml_document import Document
from catalog.yaml_nodes import Mapping, Node, Scalar, Sequence, entries, leaves
from delivery.errors import DeliveryError
from delivery.stack_file.document import Json, document, same
from delivery.stack_file.yaml_render import flow, item, pair, scalar

_COMMENT = re.compile(r"(?<!\S)#[^\r\n]*")
_COMMENT_LINE = re.compile(r"(?:\r\n|\n|\r)( *)#[^\r\n]*")
_BETWEEN = r"(?:\s|(?<!\S)#[^\r\n]*)*"
_EMPTY = re.compile(_BETWEEN + "[:-]")
_ALIAS = re.compile(_BETWEEN + r"[:,-]?" + _BETWEEN + r"\*[^\s,\[\]{}]+")
_LINE_END = re.compile(r"\r\n|\n|\r")
_REST = re.compile(r"[^\r\n]*")
_DASH = re.compile(r" *- +")


class _Whole(Exception):
    """A value that cannot be changed in parts; the pair or item that contains it is rewritten."""


@dataclass(frozen=True)
class _Splice:
    start: int
    end: int
    text: str


@dataclass(frozen=True)
class _Place:
    """A key-value pair of a mapping, or an item of a list."""

    nodes: tuple[Node, ...]
    start: int
    end: int

    @property
    def value(self) -> Node:
        return self.nodes[-1]


def rewritten(tree: Document, data: Json) -> Document:
    """Return the document with new data.

    Raises:
        DeliveryError: the new data would also change other values, for example through an alias of a changed value.
    """
    if same(tree.data, data):
        return tree
    text = _Editor(tree.text).edited(tree, data)
    try:
        fresh = document((tree.mark + text).encode(), tree.name)
    except DeliveryError:
        fresh = tree
    if not same(fresh.data, data):
        raise DeliveryError(
            f"{tree.name}: the values that slipway writes are tied to other values by an anchor, an alias or `<<`; "
            "write slipway:release and slipway:delivery without them, and end the file with a newline"
        )
    return fresh


class _Editor:
    """Finds the splices that turn one text into another."""

    def __init__(self, text: str) -> None:
        self._text = text
        found = _LINE_END.search(text)
        self._eol = found[0] if found else "\n"

    def edited(self, tree: Document, data: Json) -> str:
        if tree.root and tree.data:
            return self._applied(list(self._mapping(tree.root, tree.data, data)))
        lines = self._eol.join(line for key, value in data.items() for line in pair(scalar(key), value, 0))
        if tree.root is not None:  # `{}`
            return self._applied([_Splice(tree.root.start, tree.root.end, lines)])
        gap = "" if not self._text or self._text[-1] in "\r\n" else self._eol
        return f"{self._text}{gap}{lines}{self._eol}"

    def _applied(self, splices: list[_Splice]) -> str:
        parts, at = list[str](), 0
        for one in sorted(splices, key=lambda one: one.start):  # stable: an inner insertion stays before an outer one
            parts += [self._text[at : one.start], one.text]
            at = max(at, one.end)
        return "".join([*parts, self._text[at:]])

    def _value(self, place: _Place, old: object, new: object) -> Iterator[_Splice]:
        """Change a value in place; raises _Whole."""
        node = place.value
        start, end = node.start, node.end
        if start < place.start:  # an alias: its node is at the anchor
            raise _Whole
        if isinstance(node, Scalar):
            if start == end or node.is_block or (new and isinstance(new, dict | list)):
                raise _Whole
            yield _Splice(start, end, scalar(new, node.style))
        elif type(old) is not type(new) or not new:
            raise _Whole
        elif isinstance(node, Mapping):
            yield from self._mapping(node, cast("Json", old), cast("Json", new))
        elif not node.flow:
            yield from self._list(node, cast("list[object]", old), cast("list[object]", new))
        else:
            raise _Whole

    def _mapping(self, node: Mapping, old: Json, new: Json) -> Iterator[_Splice]:
        places = dict(zip((key.text for key, _ in node.pairs), self._places(node), strict=True))
        kept = [place for name, place in places.items() if name in new]
        if places.keys() != old.keys() or not kept:  # `<<`, or keys that are not text
            raise _Whole
        block = not node.flow
        for name, place in places.items():
            if name in new and not same(old[name], new[name]):
                yield from self._changed(place, old[name], new[name], block=block)
        gone = [place for name, place in places.items() if name not in new]
        yield from map(self._removed, gone) if block else self._left_out(list(places.values()), kept)
        fresh = {name: value for name, value in new.items() if name not in old}
        if fresh and block:
            column = self._column(places[next(iter(places))], "?")
            while len(kept) > 1 and self._cut_off(kept[-1]):
                kept.pop()
            yield self._added(
                kept[-1], column, [line for name in fresh for line in pair(scalar(name), fresh[name], column)]
            )
        elif fresh:
            yield _Splice(kept[-1].end, kept[-1].end, ", " + flow(fresh)[1:-1])

    def _list(self, node: Sequence, old: list[object], new: list[object]) -> Iterator[_Splice]:
        places = self._places(node)
        column = self._column(places[0], "-")
        matcher = SequenceMatcher(None, [repr(one) for one in old], [repr(one) for one in new], autojunk=False)
        for kind, i1, i2, j1, j2 in matcher.get_opcodes():
            if kind == "equal":
                continue
            both = min(i2 - i1, j2 - j1)
            for i, j in zip(range(i1, i1 + both), range(j1, j1 + both), strict=True):
                yield from self._changed(places[i], old[i], new[j], block=True)
            yield from map(self._removed, places[i1 + both : i2])
            if fresh := new[j1 + both : j2]:
                if i1 + both == 0:
                    raise _Whole
                yield self._added(places[i1 + both - 1], column, [line for one in fresh for line in item(one, column)])

    def _changed(self, place: _Place, old: object, new: object, *, block: bool) -> Iterator[_Splice]:
        """Change a pair or an item, in parts if possible."""
        try:
            yield from list(self._value(place, old, new))
        except _Whole:
            yield self._anew(place, new) if block else self._inline(place, new)

    def _inline(self, place: _Place, new: object) -> _Splice:
        node = place.value
        start, end = node.start, node.end
        if start < place.start or start == end or self._comments(place, end):
            raise _Whole
        return _Splice(start, end, flow(new))

    def _anew(self, place: _Place, new: object) -> _Splice:
        """Rewrite a pair or an item of a block, and put the comments inside it before it."""
        start = self._line_start(place.start)
        before = self._text[start : place.start]
        dash = _DASH.fullmatch(before)
        comments = self._comments(place, place.end)
        if len(place.nodes) == 1:
            if not dash:
                raise _Whole
            column = before.index("-")
            lines = item(new, column)
        else:
            key, column = place.nodes[0], len(before)
            if before.strip(" ") and (not dash or comments):
                raise _Whole
            head = self._text[key.start : key.end]
            lines = pair(head, new, column)
            lines[0] = before + lines[0][column:]
        return _Splice(start, place.end, self._eol.join([*(" " * column + one for one in comments), *lines]))

    def _removed(self, place: _Place) -> _Splice:
        """Remove the lines of a pair or an item and the line end before them; keep each comment on its own line."""
        start, end = self._line_start(place.start), self._line_end(place.end)
        before = self._text[start : place.start]
        if not start or (before.strip(" ") and not (len(place.nodes) == 1 and _DASH.fullmatch(before))):
            raise _Whole
        pad = " " * (len(before) - len(before.lstrip(" ")))
        eol = 2 if self._text[start - 2 : start] == "\r\n" else 1
        return _Splice(start - eol, end, "".join(self._eol + pad + one for one in self._comments(place, end)))

    def _left_out(self, places: list[_Place], kept: list[_Place]) -> Iterator[_Splice]:
        """Remove pairs from a flow mapping, each with one comma."""
        last = places.index(kept[-1])
        spans = [(place.start, places[i + 1].start) for i, place in enumerate(places[:last]) if place not in kept]
        if last + 1 < len(places):
            spans.append((places[last].end, places[-1].end))
        for start, end in spans:
            if "#" in self._text[start:end]:
                raise _Whole
            yield _Splice(start, end, "")

    def _column(self, place: _Place, mark: str) -> int:
        """Return the column at which a block's lines begin: that of an item's dash, a key, or a key's question mark."""
        before = self._text[self._line_start(place.start) : place.start]
        return before.index(mark) if mark in before else len(before)

    def _cut_off(self, place: _Place) -> bool:
        """Return whether a block scalar ends the file without a line end; an added one would become part of it."""
        *_, last = (leaf for node in place.nodes for leaf in leaves(node))
        return last.is_block and place.end == len(self._text)

    def _added(self, place: _Place, column: int, lines: list[str]) -> _Splice:
        """Insert lines after a place, and after the comment lines below it that are indented deeper than ``column``."""
        end = self._line_end(place.end)
        while (found := _COMMENT_LINE.match(self._text, end)) and len(found[1]) > column:
            end = found.end()
        return _Splice(end, end, "".join(self._eol + line for line in lines))

    def _places(self, node: Sequence | Mapping) -> list[_Place]:
        """Return where each pair or item begins and ends."""
        found, at = list[_Place](), node.start
        for nodes in entries(node):
            start = max(at, nodes[0].start)
            for part in nodes:
                at = self._end(part, at)
            found.append(_Place(nodes, start, at))
        return found

    def _end(self, node: Node, after: int) -> int:
        """Return where a value ends that begins at or after ``after``; an alias has its node at the anchor.

        A block's own end mark comes after the comments below the block, so the end of its last item is used instead.
        """
        if node.start < after:
            return self._matched(_ALIAS, after)
        if not isinstance(node, Scalar) and not node.flow:
            return self._places(node)[-1].end
        end = node.end
        if node.start == end:
            return self._matched(_EMPTY, after)
        if isinstance(node, Scalar) and node.is_block and self._text[end - 1] in "\r\n":
            return end - (2 if self._text[end - 2 : end] == "\r\n" else 1)
        return end

    def _matched(self, pattern: re.Pattern[str], after: int) -> int:
        found = pattern.match(self._text, after)
        if found is None:
            raise _Whole
        return found.end()

    def _comments(self, place: _Place, end: int) -> list[str]:
        """Return the comments between the start of a place and ``end``; a ``#`` inside a scalar is not a comment."""
        masked, at = "", place.start
        spans = [(leaf.start, leaf.end, leaf.is_block) for node in place.nodes for leaf in leaves(node)]
        for start, stop, is_block in sorted(spans):
            if start >= at and stop <= end + 1:
                begin = self._line_end(start) if is_block else start  # its header line may have a comment
                masked += self._text[at:begin] + "x" * (stop - begin)
                at = stop
        return [found.rstrip() for found in _COMMENT.findall(masked + self._text[at:end])]

    def _line_start(self, at: int) -> int:
        return max(self._text.rfind("\n", 0, at), self._text.rfind("\r", 0, at)) + 1

    def _line_end(self, at: int) -> int:
        found = _REST.match(self._text, at)
        return found.end() if found else at
