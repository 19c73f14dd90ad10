"""The parts of a YAML document, each with its place in the text."""

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(eq=False, slots=True)
class _Placed:
    start: int
    """Index of the first character, including an anchor or a tag."""
    end: int
    """Index after the last character. The end of a block collection includes the comments below it."""
    line: int
    """Line of the first character; the first line of a file is 1."""


@dataclass(eq=False, slots=True)
class Scalar(_Placed):
    """Text, a number, a Boolean or null."""

    text: str
    """The content without quotes and escapes."""
    style: str | None
    """``'`` or ``"`` for quotes, ``|`` or ``>`` for a block; None = plain."""
    value: object
    """The content as plain data."""

    @property
    def is_block(self) -> bool:
        """Return whether the text is a literal or folded block (``|`` or ``>``)."""
        return self.style in ("|", ">")


@dataclass(eq=False, slots=True)
class Sequence(_Placed):
    """A list."""

    flow: bool
    """Whether it is written in brackets, not with one item per line."""
    items: list["Node"] = field(default_factory=list["Node"])


@dataclass(eq=False, slots=True)
class Mapping(_Placed):
    """Key-value pairs, as written: merge keys (``<<``) are not expanded."""

    flow: bool
    """Whether it is written in braces, not with one pair per line."""
    pairs: list[tuple[Scalar, "Node"]] = field(default_factory=list[tuple[Scalar, "Node"]])


Node = Scalar | Sequence | Mapping


def entries(node: Sequence | Mapping) -> list[tuple["Node", ...]]:
    """Return the items of a list as 1-tuples, or the pairs of a mapping."""
    return [(item,) for item in node.items] if isinstance(node, Sequence) else [*node.pairs]


def leaves(node: Node) -> Iterator[Scalar]:
    """Yield the scalars below a node, including keys, in text order."""
    if isinstance(node, Scalar):
        yield node
    else:
        for entry in entries(node):
            for part in entry:
                yield from leaves(part)


def plain(node: Node) -> object:
    """Return plain data: every key is text, and merge keys are expanded."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return plain_mapping(node)


def plain_mapping(node: Mapping) -> dict[str, object]:
    """Return plain data, like :func:`plain`. Own keys win over merged ones, and earlier merged maps over later ones."""
    own = {key.text: plain(value) for key, value in node.pairs if not is_merge(key)}
    merged = [base for key, value in node.pairs if is_merge(key) for base in bases(value)]
    expanded = (plain_mapping(base) for base in reversed(merged) if isinstance(base, Mapping))
    return {name: one for base in expanded for name, one in base.items()} | own


def is_merge(key: Scalar) -> bool:
    """Return whether a key is the merge key ``<<`` of YAML 1.1, which go-yaml also expands."""
    return key.text == "<<" and key.style is None


def bases(value: Node) -> list[Node]:
    """Return what a merge key merges; the reader refuses everything but maps."""
    return value.items if isinstance(value, Sequence) else [value]
