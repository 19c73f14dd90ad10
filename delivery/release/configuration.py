"""The ``slipway:`` namespace of a stack as ``pulumi up`` gets it, wherever its values are written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from catalog.project_file import ProjectFile
from delivery.errors import DeliveryError, Unreadable
from delivery.stack_file.stack_file import DELIVERY, OURS, RELEASE, StackFile
from models.errors import ConfigurationError
from models.parsing import decoded

EDITED = tuple(key.removeprefix(OURS) for key in (RELEASE, DELIVERY))
"""The keys that `slipway` writes, without the namespace."""


@dataclass(frozen=True)
class Setting:
    """One value of a stack's configuration, as Pulumi returns it."""

    text: str
    secret: bool
    """Whether the value, or a part of it, is stored encrypted."""


class Configuration:
    """Reads a stack's values from its file. It asks Pulumi only if the file does not contain all values."""

    def __init__(self, file: StackFile, project: ProjectFile, ask: Callable[[], Mapping[str, Setting]]) -> None:
        """Use ``ask`` to get all values from Pulumi, which takes half a second and may need a passphrase."""
        self._file, self._project, self._ask = file, project, ask
        self._written: object = None
        """The stack file's other values when Pulumi was asked."""
        self._answer: Mapping[str, Setting] = {}
        """Pulumi's answer by key, without the namespace and without the keys that `slipway` writes."""

    def values(self) -> dict[str, object]:
        """Return the values by key, without the namespace; encrypted values of Secrets are hidden.

        Raises:
            ConfigurationError: a key that `slipway` writes is in a place where it cannot be edited.
            Unreadable: the file is not valid YAML, or Pulumi cannot read the configuration.
        """
        shared = {key.removeprefix(OURS) for key in self._project.keys if key.startswith(OURS)}
        _refuse([key for key in EDITED if key in shared], "Pulumi.yaml: ")
        _refuse(self._file.text_keys())
        own = self._file.values()
        if not shared and not self._file.needs_pulumi():
            return own
        edited = {key: own[key] for key in EDITED if key in own}
        self._ask_if_changed(edited)
        return {key: decoded(setting.text) for key, setting in self._answer.items()} | edited

    def masked(self, fault: str) -> str:
        """Return a fault without the value that it shows, if Pulumi stores that value encrypted."""
        path, colon, _ = fault.partition(": ")
        setting = self._answer.get(path.partition(".")[0].removeprefix(OURS))
        if not colon or setting is None or not setting.secret:
            return fault
        return f"{path}: the encrypted value is not valid; check it with: pulumi config get --path '{path}'"

    def _ask_if_changed(self, edited: Mapping[str, object]) -> None:
        """Ask Pulumi, unless only keys that `slipway` writes have changed since the last answer."""
        written = self._file.others()
        if self._written == written:
            return
        try:
            answer = self._ask()
        except DeliveryError as error:
            raise Unreadable(str(error)) from error
        found = {key.removeprefix(OURS): setting for key, setting in answer.items() if key.startswith(OURS)}
        _refuse([key for key in EDITED if key in found and key not in edited], "ESC environment: ")
        self._answer = {key: setting for key, setting in found.items() if key not in EDITED}
        self._written = written


def _refuse(keys: list[str], where: str = "") -> None:
    if keys:
        rule = "must be a map in the stack file, because slipway edits it there; move its values into a map"
        raise ConfigurationError([f"{where}{OURS}{key}: {rule}" for key in sorted(keys)])
