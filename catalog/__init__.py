"""The catalogue: one YAML file for each system, and the functions that read them."""

from pathlib import Path
from typing import Any, cast

import yaml

from models.errors import ConfigurationError, nearest

FOLDER = Path(__file__).parent


class UniqueKeyLoader(yaml.CSafeLoader):  # libyaml: ten times faster than the Python loader, and part of every wheel
    """A loader that refuses duplicate keys. PyYAML would silently keep the last value."""

    def get_single_data(self) -> Any:  # noqa: ANN401 -- whatever the file holds
        """Return the document. Duplicate keys are checked as written, before merge keys (``<<``) are expanded."""
        node = self.get_single_node()
        if node is None:
            return None
        _check(node, set())
        return cast("Any", self).construct_document(node)


def _check(node: yaml.Node, seen: set[int]) -> None:
    if id(node) in seen:  # an alias
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        pairs = cast("list[tuple[yaml.Node, yaml.Node]]", node.value)
        keys = set[str]()
        for key, value in pairs:
            if str(key.value) in keys:
                problem = f"the key {key.value} occurs twice"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            keys.add(str(key.value))
            _check(value, seen)
    elif isinstance(node, yaml.SequenceNode):
        for item in cast("list[yaml.Node]", node.value):
            _check(item, seen)


def names(folder: Path = FOLDER) -> list[str]:
    """Return the names of the systems in the catalogue."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def read(name: str, folder: Path = FOLDER) -> object:
    """Return one entry as plain data.

    Raises:
        ConfigurationError: there is no such file, or it is not YAML.
    """
    if name not in names(folder):
        known = names(folder)
        raise ConfigurationError(
            [f"slipway:system.entry: {name!r} is not in the catalogue ({', '.join(known)}){nearest(name, known)}"]
        )
    try:
        return yaml.load((folder / f"{name}.yaml").read_text("utf-8"), Loader=UniqueKeyLoader)  # noqa: S506 -- a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark else ""
        raise ConfigurationError([f"catalog/{name}.yaml{line}: not valid YAML: {error.problem}"]) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise ConfigurationError([f"catalog/{name}.yaml: not valid YAML: {reason}"]) from error
