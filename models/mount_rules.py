"""Where a container's volumes and files are mounted: no two at one path, and no file where nothing can be placed."""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from models.vocabulary import SCRATCH_PATH, SETTINGS_PATH

_OWN = {SCRATCH_PATH: "the scratch folder", SETTINGS_PATH: "the settings folder"}


def faults(
    folders: Iterable[tuple[str, str]],
    files: Iterable[tuple[str, str]],
    writable: set[str],
    own: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[str]:
    """Yield one line for each mount that hides another one.

    Args:
        folders: The path of each mounted folder, after the field that names it.
        files: The same for each mounted file.
        own: Further folders of Slipway's own, and what each is.
        writable: The folders whose content belongs to the pod alone, so that a file can be mounted inside.
    """
    places = {**_OWN, **own}
    for where, path in folders:
        yield from _taken(where, path, places)
        places.setdefault(path, where)
    for where, path in files:
        around = {folder for folder in writable if path.startswith(f"{folder}/")}
        yield from _taken(where, path, {place: owner for place, owner in places.items() if place not in around})
        places.setdefault(path, where)


def _taken(where: str, path: str, places: dict[str, str]) -> Iterator[str]:
    for taken, owner in places.items():
        if path == taken:
            yield f"{where}: {path} is already {owner}; choose another path"
        elif path.startswith(f"{taken}/") or taken.startswith(f"{path}/"):
            yield f"{where}: {path} and {owner} {taken} are nested; choose separate paths"
