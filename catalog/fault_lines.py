"""The file and the line of a fault, found from the path at the beginning of its message."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

from catalog import yaml_document, yaml_nodes
from catalog.encryption import has_encrypted
from catalog.yaml_document import Document
from models.errors import ConfigurationError
from models.parsing import decoded

_STACK = "slipway:"
_ENTRY = re.compile(r"catalog/([^/:]+)\.yaml: ")


def located(faults: Iterable[str], values: Mapping[str, object], stack_file: Path, catalogue: Path) -> list[str]:
    """Return each fault with its file and line, such as ``Pulumi.prod.yaml, line 7: slipway:image.tag: …``.

    A fault stays unchanged if its value is not in one of these files: for example, if ``Pulumi.yaml`` contains it.

    Args:
        faults: Messages that begin with ``slipway:`` and a path, or with ``catalog/<name>.yaml: `` and a path.
        values: The stack's configuration by key, without ``slipway:``.
        stack_file: ``Pulumi.<stack>.yaml``.
        catalogue: The folder of the entries.
    """
    read = cache(_document)
    return [_located(fault, values, stack_file, catalogue, read) for fault in faults]


def _located(
    fault: str, values: Mapping[str, object], stack_file: Path, catalogue: Path, read: Callable[..., Document | None]
) -> str:
    if fault.startswith(_STACK):
        document = read(stack_file, stack_file.name)
        key = re.split(r"[.:]", fault.removeprefix(_STACK), maxsplit=1)[0]
        line = _line(document, f"config.{fault}", 2) if document and _holds(document, key, values.get(key)) else None
        return f"{stack_file.name}, line {line}: {fault}" if line else fault
    if found := _ENTRY.match(fault):
        name, said = f"catalog/{found[1]}.yaml", fault[found.end() :]
        document = read(catalogue / f"{found[1]}.yaml", name)
        line = _line(document, said, 1) if document else None
        return f"{name}, line {line}: {said}" if line else fault
    return fault


def _document(path: Path, name: str) -> Document | None:
    with suppress(OSError, ConfigurationError):
        return yaml_document.read(path.read_bytes(), name)
    return None


def _holds(document: Document, key: str, value: object) -> bool:
    """Return whether the value of a key comes from this document. An encrypted value cannot be compared."""
    own = document.config().get(_STACK + key)
    return own is not None and (value in (own, decoded(str(own))) or has_encrypted(own))


def _line(document: Document, said: str, steps: int) -> int | None:
    """Return the line of the deepest value on a path; None if fewer than ``steps`` of its keys are in the document."""
    node: yaml_nodes.Node | None = document.root
    lines = list[int]()
    while isinstance(node, yaml_nodes.Mapping | yaml_nodes.Sequence):
        below = [one for one in _named(node) if said.startswith((f"{one[0]}.", f"{one[0]}: "))]
        if not below:
            break
        name, line, node = max(below, key=lambda one: len(one[0]))  # a key may contain a period
        lines.append(line)
        said = said[len(name) + 1 :]
    return lines[-1] if len(lines) >= steps else None


def _named(node: yaml_nodes.Mapping | yaml_nodes.Sequence) -> Iterator[tuple[str, int, yaml_nodes.Node]]:
    if isinstance(node, yaml_nodes.Mapping):
        yield from ((key.text, key.line, value) for key, value in node.pairs)
    else:
        yield from ((str(place), item.line, item) for place, item in enumerate(node.items))
