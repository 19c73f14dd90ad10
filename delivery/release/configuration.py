"""The ``slipway:`` namespace of a stack as ``pulumi up`` gets it, wherever its values are written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from delivery.errors import DeliveryError, Unreadable
from delivery.stack_file.project_file import ProjectFile
from delivery.stack_file.stack_file import StackFile
from models.errors import ConfigurationError
from models.parsing import below

_OURS = "slipway:"
EDITED = ("release", "delivery")
"""The keys that `slipway` writes."""


@dataclass(frozen=True)
class Setting:
    """One value of a stack's configuration, as Pulumi tells it."""

    text: str
    secret: bool
    """Whether the value, or a part of it, is stored encrypted."""


class Configuration:
    """Reads a stack's values from its file. It asks Pulumi only for what the file does not tell."""

    def __init__(self, file: StackFile, project: ProjectFile, ask: Callable[[], Mapping[str, Setting]]) -> None:
        """Use ``ask`` to get all values from Pulumi, which takes half a second and may need a passphrase."""
        self._file, self._project, self._ask = file, project, ask
        self._written: object = None
        """The stack file's other values when Pulumi was asked."""
        self._told: Mapping[str, Setting] = {}
        """What Pulumi said, without the namespace and without what `slipway` writes."""

    def values(self) -> dict[str, object]:
        """Return the values by key, without the namespace; encrypted values of Secrets are hidden.

        Raises:
            ConfigurationError: a key that `slipway` writes is somewhere where it cannot be edited.
            Unreadable: the file is not valid YAML, or Pulumi cannot read the configuration.
        """
        shared = {key.removeprefix(_OURS) for key in self._project.keys if key.startswith(_OURS)}
        _refuse([key for key in EDITED if key in shared], "Pulumi.yaml: ")
        _refuse(self._file.text_keys())
        own = self._file.values()
        if not shared and not self._file.needs_pulumi():
            return own
        self._ask_if_changed()
        edited = {key: own[key] for key in EDITED if key in own}
        return below("", {key: setting.text for key, setting in self._told.items()}) | edited

    def masked(self, fault: str) -> str:
        """Return a fault without the value that it shows, if Pulumi stores that value encrypted."""
        path, colon, _ = fault.partition(": ")
        setting = self._told.get(path.partition(".")[0].removeprefix(_OURS))
        if not colon or setting is None or not setting.secret:
            return fault
        return f"{path}: the encrypted value is not valid; check it with: pulumi config get --path '{path}'"

    def _ask_if_changed(self) -> None:
        """Ask Pulumi, unless only what `slipway` writes has changed since the last answer."""
        written = self._file.others(EDITED)
        if self._written == written:
            return
        try:
            told = self._ask()
        except DeliveryError as error:
            raise Unreadable(str(error)) from error
        found = {key.removeprefix(_OURS): setting for key, setting in told.items() if key.startswith(_OURS)}
        own = self._file.values()
        _refuse([key for key in EDITED if key in found and key not in own], "ESC environment: ")
        self._told = {key: setting for key, setting in found.items() if key not in EDITED}
        self._written = written


def _refuse(keys: list[str], where: str = "") -> None:
    if keys:
        rule = "must be a map in the stack file, because slipway edits it there; move its values into a map"
        raise ConfigurationError([f"{where}{_OURS}{key}: {rule}" for key in sorted(keys)])
