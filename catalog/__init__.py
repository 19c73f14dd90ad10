"""The systems as data, one YAML file each, and how a file is read."""

from pathlib import Path
from typing import Any, cast

import yaml

from models.errors import ConfigurationError, nearest

FOLDER = Path(__file__).parent


class _UniqueKeyLoader(yaml.CSafeLoader):  # libyaml: ten times faster than the Python one, and in every wheel
    """Refuses a key given twice, of which YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Build a mapping whose keys all differ."""
        pairs = cast("list[tuple[yaml.Node, yaml.Node]]", node.value)
        keys = [str(key.value) for key, _ in pairs]
        if repeated := {key for key in keys if keys.count(key) > 1}:
            raise yaml.constructor.ConstructorError(None, None, f"given twice: {', '.join(repeated)}", node.start_mark)
        return super().construct_mapping(node, deep)


def names(folder: Path = FOLDER) -> list[str]:
    """List the systems that the catalogue holds."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def read(name: str, folder: Path = FOLDER) -> object:
    """Read one entry as plain data.

    Raises:
        ConfigurationError: there is no such file, or it is not YAML.
    """
    if name not in names(folder):
        known = names(folder)
        raise ConfigurationError(
            [f"slipway:system.entry: {name!r} is not in the catalogue ({', '.join(known)}){nearest(name, known)}"]
        )
    try:
        return yaml.load((folder / f"{name}.yaml").read_text(), Loader=_UniqueKeyLoader)  # noqa: S506 -- a SafeLoader
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise ConfigurationError([f"catalog/{name}.yaml: not YAML: {reason}"]) from error
