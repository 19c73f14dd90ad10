"""What each slot ran at the stack's last update, as its own outputs say."""

from collections.abc import Mapping
from typing import Any, cast

import pulumi

from models.entry import CatalogueEntry
from models.evidence import ran
from models.stack import StackSettings
from models.strategy import Rolling
from models.system import Ran
from models.vocabulary import SlotName

READ = "pulumi:pulumi:readStackOutputs"
"""The engine's own function behind every StackReference; called, it answers while the program still decides."""


def read(stack: StackSettings, entry: CatalogueEntry) -> dict[str, dict[SlotName, Ran]]:
    """Give it by service, for those with a slot that is pinned to nothing and must not follow the entry."""
    asked = [name for name in entry.services if _unpinned(stack, entry, name)]
    if not asked:
        return {}
    name = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    answer = cast("Mapping[str, Any]", pulumi.runtime.invoke(READ, {"name": name}).value or {})
    outputs = cast("Mapping[str, object]", answer.get("outputs") or {})
    return {service: ran(outputs, service) for service in asked}


def _unpinned(stack: StackSettings, entry: CatalogueEntry, service: str) -> bool:
    if stack.system.environment not in entry.environments:
        return False  # which is said later
    strategy = entry.overlay(stack.system.environment, service).release or entry.services[service].release
    release = stack.release.get(service)
    return not isinstance(strategy, Rolling) and (
        release is None or any(content.revision is None for content in release.slots.values())
    )
